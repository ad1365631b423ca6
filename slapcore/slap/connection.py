"""A session with one master: a question over HTTPS, its answer, or one of our errors.

- The server is verified against the authority that signs for it, or pinned by the fingerprint of
  its certificate.  Without either, the authorities of this machine count.
- Plain HTTP is for masters on this machine; beyond it, only for who says that this is all right.
- What may be said twice is said again when the answer is lost or the master is busy.
- A connection is for one thread at a time.
"""

import html
import ipaddress
import re
import time
from collections.abc import Iterator
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter

from slapcore import errors
from slapcore.protocol import marshal
from slapcore.protocol.jsonrpc import JSON
from slapcore.protocol.jsonrpc import read_body

#: Seconds that a connection may take to be made, and each part of an answer to arrive.
CONNECT_TIME = 10.0
ANSWER_TIME = 60.0
#: Seconds that the whole of an answer may take, once it begins.
WHOLE_TIME = 300.0
MAX_BYTES = 64 << 20
MAX_LINE = 1 << 20
CHUNK = 1 << 16

#: Seconds before what may be said twice is said again.
PAUSES = (0.3, 1.0)
#: The master, or whoever stands before it, could not answer; the next moment it may.
PASSING = frozenset({502, 503, 504})

#: what an answer's status means; from 500 on it is always ``Unavailable``
MEANINGS: dict[int, type[errors.SlapError]] = {
    400: errors.InvalidValue,
    401: errors.Unauthenticated,
    403: errors.Forbidden,
    404: errors.NotFound,
    405: errors.NotOffered,
    408: errors.NotReady,
    409: errors.Conflict,
    413: errors.InvalidValue,
    410: errors.Gone,
    429: errors.TooMany,
}

AGENT = "slapcore"

#: Where SlapProxy says what is wrong, in a page.
PARAGRAPH = re.compile(r"<p>([^<]{1,2000})</p>")


@dataclass(frozen=True, kw_only=True)
class Target:
    """Where a master is, how it is recognised, and what proves to it who asks.

    ``fingerprint`` is the SHA-256 of the server's certificate in hex and pins it; ``authority``
    is a file with the certificate of the authority to trust.  ``plain`` allows plain HTTP to
    another machine.
    """

    url: str
    certificate: Path | None = None
    key: Path | None = None
    authority: Path | None = None
    fingerprint: str = ""
    plain: bool = False
    patience: float = ANSWER_TIME


@dataclass(frozen=True)
class Answer:
    """The body of an answer and how it was marked; without a body it is what it was before."""

    status: int
    body: bytes
    headers: Mapping[str, str]

    @property
    def media_type(self) -> str:
        return self.headers.get("Content-Type", "").partition(";")[0]

    @property
    def etag(self) -> str:
        return self.headers.get("ETag", "").removeprefix("W/").strip('"')

    @property
    def is_unchanged(self) -> bool:
        return self.status == 304

    @property
    def text(self) -> str:
        return self.body.decode(errors="replace")

    def decode(self) -> marshal.Value:
        """Read the marshalled value."""
        return marshal.decode(self.body, max_bytes=MAX_BYTES)


@dataclass(frozen=True, kw_only=True)
class Question:
    """What is sent: ``form``, ``said`` (JSON) or ``xml`` as a POST, else a GET."""

    path: str
    query: Mapping[str, str | tuple[str, ...]] | None = None
    form: Mapping[str, str] | None = None
    said: JSON | None = None
    xml: bytes | None = None
    headers: Mapping[str, str] | None = None
    #: whether it may be said again when the answer is lost
    repeatable: bool = False
    patience: float | None = None

    @property
    def is_post(self) -> bool:
        return (self.form, self.said, self.xml) != (None, None, None)

    @property
    def all_headers(self) -> dict[str, str]:
        kind = {} if self.xml is None else {"Content-Type": "text/xml"}
        return {**kind, **(self.headers or {})}


class PinnedAdapter(HTTPAdapter):
    """Trusts the one certificate with this fingerprint, whoever signed it."""

    def __init__(self, fingerprint: str) -> None:
        self.fingerprint = fingerprint
        super().__init__()

    def init_poolmanager(
        self, connections: int, maxsize: int, block: bool = False, **more: object
    ) -> None:
        """Make the pool; it is given the fingerprint beside what the library wants of it."""
        more["assert_fingerprint"] = self.fingerprint
        super().init_poolmanager(connections, maxsize, block, **more)


class Connection:
    """A session with the master at ``target``; nothing is sent before the first question."""

    def __init__(self, target: Target) -> None:
        check_target(target)
        self.target = target
        self._session = make_session(target)

    def close(self) -> None:
        self._session.close()

    def __enter__(self) -> "Connection":
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    def get(self, name: str, fields: Mapping[str, str], *, etag: str = "") -> Answer:
        """Ask an operation of classic SLAP; with ``etag`` the answer may be that it is the same."""
        headers = {"If-None-Match": f'"{etag}"'} if etag else {}
        return self.ask(Question(path=name, query=fields, headers=headers, repeatable=True))

    def post(
        self,
        name: str,
        fields: Mapping[str, str],
        *,
        headers: Mapping[str, str] | None = None,
        repeatable: bool = False,
    ) -> Answer:
        """Tell an operation of classic SLAP."""
        return self.ask(Question(path=name, form=fields, headers=headers, repeatable=repeatable))

    def call(
        self, method: str, said: JSON, *, repeatable: bool = False, patience: float | None = None
    ) -> JSON:
        """Call a method of JSON-RPC; raises ``NotOffered`` when the master has none such."""
        question = Question(path=method, said=said, repeatable=repeatable, patience=patience)
        try:
            answer = self.ask(question)
        except errors.NotFound as error:
            if is_refusal(error):
                raise
            raise errors.NotOffered(f"this master has no method {method}") from error
        told = read_body(answer.body)
        if told.get("name") == "SoftwareInstanceNotReady":
            raise errors.NotReady(str(told.get("message", "the instance is not ready")))
        return told

    def ask(self, question: Question) -> Answer:
        """Ask; raises the error that the answer means."""
        answer = self._ask_patiently(question)
        if answer.status < 300 or answer.is_unchanged:
            return answer
        raise meaning_of(answer)

    def _ask_patiently(self, question: Question) -> Answer:
        for pause in PAUSES if question.repeatable else ():
            try:
                answer = self._ask_once(question)
                if answer.status not in PASSING:
                    return answer
            except errors.Untrusted:
                raise
            except errors.Unavailable:
                pass
            time.sleep(pause)
        return self._ask_once(question)

    def follow(self, question: Question) -> Iterator[str]:
        """Ask for what goes on: give its lines as they come, until the master ends it."""
        with naming_failures(self.target.url), self._send(question) as response:
            if response.status_code != 200:
                body = read_bounded(response)
                raise meaning_of(Answer(response.status_code, body, response.headers))
            for line in read_lines(response):
                yield line.decode(errors="replace")

    def _ask_once(self, question: Question) -> Answer:
        with naming_failures(self.target.url), self._send(question) as response:
            body = read_bounded(response)
        return Answer(response.status_code, body, response.headers)

    def _send(self, question: Question) -> requests.Response:
        return self._session.request(
            "POST" if question.is_post else "GET",
            f"{self.target.url.rstrip('/')}/{question.path}",
            params=question.query,
            data=question.form if question.xml is None else question.xml,
            json=question.said,
            headers=question.all_headers,
            timeout=(CONNECT_TIME, question.patience or self.target.patience),
            allow_redirects=False,
            stream=True,
        )


def read_lines(response: requests.Response) -> Iterator[bytes]:
    """Read line by line, each as soon as it is there; one without an end is refused."""
    rest = b""
    for part in response.iter_content(None):
        *lines, rest = (rest + part).split(b"\n")
        yield from lines
        if len(rest) > MAX_LINE:
            raise errors.ProtocolError(f"the master sends a line longer than {MAX_LINE} bytes")


def check_target(target: Target) -> None:
    """Refuse what would be sent to nobody knows whom; raises ``ConfigurationError``."""
    parts = urlsplit(target.url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise errors.ConfigurationError(f"{target.url!r} is not the URL of a master")
    if parts.scheme == "http" and not (target.plain or is_own_machine(parts.hostname)):
        raise errors.ConfigurationError(
            f"{target.url} is another machine, and plain http protects nothing on the way there"
        )
    for what, path in (
        ("certificate", target.certificate),
        ("key", target.key),
        ("authority's certificate", target.authority),
    ):
        if path is not None and not path.is_file():
            raise errors.ConfigurationError(f"the {what} is not at {path}")


def is_own_machine(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def make_session(target: Target) -> requests.Session:
    session = requests.Session()
    session.trust_env = False  # no proxy, no password file and no authority but those that are told
    session.headers["User-Agent"] = AGENT
    if target.certificate is not None:
        key = target.key or target.certificate
        session.cert = (str(target.certificate), str(key))
    if target.fingerprint:
        session.verify = False  # the fingerprint is checked instead
        session.mount("https://", PinnedAdapter(target.fingerprint))
    elif target.authority is not None:
        session.verify = str(target.authority)
    return session


def read_bounded(response: requests.Response) -> bytes:
    limit = time.monotonic() + WHOLE_TIME
    parts: list[bytes] = []
    size = 0
    for part in response.iter_content(CHUNK):
        parts.append(part)
        size += len(part)
        if size > MAX_BYTES:
            raise errors.ProtocolError(f"the master's answer is longer than {MAX_BYTES} bytes")
        if time.monotonic() > limit:
            raise errors.Unavailable("the master takes too long to send its answer")
    return b"".join(parts)


@contextmanager
def naming_failures(url: str) -> Iterator[None]:
    """Turn what the library raises into our errors."""
    try:
        yield
    except requests.exceptions.SSLError as error:
        raise errors.Untrusted(f"{url} can't prove to be the master: {reason(error)}") from error
    except requests.exceptions.Timeout as error:
        raise errors.Unavailable(f"{url} does not answer in time") from error
    except (requests.exceptions.InvalidURL, requests.exceptions.InvalidHeader) as error:
        raise errors.InvalidValue(f"this can't be asked of {url}: {error}") from error
    except requests.exceptions.RequestException as error:
        raise errors.Unavailable(f"{url} can't be reached: {reason(error)}") from error
    except OSError as error:
        raise errors.ConfigurationError(f"no session with {url}: {error}") from error


def reason(error: BaseException) -> str:
    """Find the words of what went wrong first, below what the libraries wrapped around it."""
    found = str(error)
    inner: BaseException | None = error
    while inner is not None:
        if str(inner) and not isinstance(inner, LookupError | AttributeError):
            found = str(inner)
        inner = inner.__cause__ or inner.__context__
    return found.partition("\n")[0]


def meaning_of(answer: Answer) -> errors.SlapError:
    """Make the error that an answer means, in the master's own words."""
    refused = read_refusal(answer)
    if refused is not None:
        return refused
    words = words_of(answer)
    if 300 <= answer.status < 400:
        return errors.Unavailable(f"another address answers for the master ({answer.status})")
    if answer.status >= 500:
        return errors.Unavailable(f"the master failed ({answer.status}): {words}")
    kind = MEANINGS.get(answer.status, errors.ProtocolError)
    return kind(words)


class Refusal(errors.SlapError):
    """Kept as the cause of an error that JSON-RPC told in its own form."""


def read_refusal(answer: Answer) -> errors.SlapError | None:
    """Read an error of JSON-RPC: what is not found is forbidden there, with a word of its own."""
    if answer.media_type != "application/json" or answer.status >= 500:
        return None
    try:
        told = read_body(answer.body)
    except errors.ProtocolError:
        return None
    word, title = str(told.get("type", "")), str(told.get("title", ""))
    kind = MEANINGS.get(answer.status, errors.ProtocolError)
    if word.endswith("-NOT-FOUND") or (word == "Forbidden" and title.endswith("found.")):
        kind = errors.NotFound
    elif word.endswith(("-WRONG-REPORTED-STATE", "-DESTROY-NOT-REQUESTED")):
        kind = errors.Conflict
    error = kind(title or word or words_of(answer))
    error.__cause__ = Refusal(word)
    return error


def is_refusal(error: errors.SlapError) -> bool:
    return isinstance(error.__cause__, Refusal)


def words_of(answer: Answer) -> str:
    """Give what a person may read of an answer; of a page of HTML that is its first paragraph."""
    text = answer.text.strip()
    paragraph = PARAGRAPH.search(text)
    if text.startswith("<") and paragraph is not None:
        text = html.unescape(paragraph[1]).strip()
    if not text or text.startswith(("<", "{", "[")):
        return f"status {answer.status}"
    return text

