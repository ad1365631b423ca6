"""HTTP/1.1 as a server speaks it: bytes in, requests out; status and headers in, bytes out.

No input or output.  What it insists on:

- A request is handed out once all of it has come in, so nobody waits for a peer meanwhile.
- Where two readers of the same bytes could disagree about where a request ends (both
  lengths given, one given twice, bare line feeds, folded lines), it is refused.
- A header name with an underscore is refused: in WSGI it can't be told from one with a dash.
"""

import io
import re
import tempfile
import time
from collections.abc import Callable
from collections.abc import Sequence
from dataclasses import dataclass
from email.utils import formatdate
from functools import lru_cache
from typing import Protocol
from urllib.parse import unquote_to_bytes

from slapcore import errors

#: a body above this size is written to a temporary file
SPOOLED_FROM = 256 << 10

TOKEN = rb"[!#$%&'*+.^`|~0-9A-Za-z-]+"
REQUEST_LINE = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+) ([\x21-\x7e]+) HTTP/1\.([01])")
HEADER_NAME = re.compile(TOKEN)
CHUNK_LINE = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\r\n]*)?\r\n")
FORBIDDEN = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|\r(?!\n)|(?<!\r)\n")
ABSOLUTE = re.compile(r"https?://([^/?#@]+)((?:[/?].*)?)", re.IGNORECASE)
HOST = re.compile(r"(?:[A-Za-z0-9._-]*|\[[0-9A-Fa-f:.]+\])(?::[0-9]{0,5})?")

CHUNK_LINE_AT_MOST = 1024

#: headers whose second occurrence could mean something else to another reader
SINGLE = {
    "HTTP_HOST",
    "HTTP_CONTENT_LENGTH",
    "HTTP_TRANSFER_ENCODING",
    "HTTP_CONTENT_TYPE",
    "HTTP_AUTHORIZATION",
    "HTTP_CLIENT_CERT",
    "HTTP_EXPECT",
}

REASONS = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    408: "Request Timeout",
    413: "Content Too Large",
    414: "URI Too Long",
    417: "Expectation Failed",
    429: "Too Many Requests",
    431: "Request Header Fields Too Large",
    500: "Internal Server Error",
    501: "Not Implemented",
    505: "HTTP Version Not Supported",
    507: "Insufficient Storage",
}


class Refused(errors.ProtocolError):
    """A request that is answered by the server itself: the status, and why in a sentence."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class Body(Protocol):
    """Where the body of one request is put while it comes in, and read from afterwards.

    One that an application provides sees itself to what may be put into it; its ``write``
    takes all it is given.
    """

    def write(self, data: memoryview, /) -> int: ...

    def tell(self) -> int: ...

    def seek(self, at: int, /) -> int: ...

    def close(self) -> None: ...


#: Given the head of a request, as environ, and the length of its body (``None``: not said),
#: the place for the body, or ``None`` for the usual one; may raise ``Refused``.
BodyOpener = Callable[[dict[str, str], int | None], Body | None]


@dataclass(frozen=True, slots=True)
class Request:
    """One whole request; ``environ`` holds what WSGI wants to know of its head."""

    environ: dict[str, str]
    body: Body
    keep_alive: bool


class RequestReader:
    """Takes the bytes of one connection as they come, and hands out one request at a time."""

    def __init__(
        self, max_header: int, max_body: int, open_body: BodyOpener | None = None
    ) -> None:
        self._max_header = max_header
        self._max_body = max_body
        self._open_body = open_body
        self._limited = True
        self._buffer = bytearray()
        self._environ: dict[str, str] | None = None
        self._body: Body | None = None
        self._framing = Framing()
        self._missing = 0
        self.wants_continue = False

    @property
    def began(self) -> bool:
        """Tell whether part of a request is here."""
        return bool(self._buffer) or self._environ is not None

    def feed(self, data: bytes) -> None:
        self._buffer += data

    def next_request(self) -> Request | None:
        """Hand out the next request; ``None`` while part of it is missing."""
        if self._environ is None and not self._read_head():
            return None
        if not (self._read_chunks() if self._framing.chunked else self._read_body()):
            return None
        assert self._environ is not None and self._body is not None
        request = Request(self._environ, self._body, self._framing.keep_alive)
        request.environ["CONTENT_LENGTH"] = str(request.body.tell())
        request.body.seek(0)
        self._environ = self._body = None
        self.wants_continue = False
        return request

    def close(self) -> None:
        if self._body is not None:
            self._body.close()

    def _read_head(self) -> bool:
        if self._buffer.startswith(b"\r\n"):
            del self._buffer[:2]
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0 or end > self._max_header:
            self._check_header_size()
            return False
        head = bytes(self._buffer[:end])
        del self._buffer[: end + 4]
        self._environ = read_head(head)
        self._framing = read_framing(self._environ)
        self._missing = self._framing.length
        self._body = self._choose_body()
        self.wants_continue = self._framing.wants_continue and not self._buffer
        return True

    def _choose_body(self) -> Body:
        assert self._environ is not None
        body = None
        if self._open_body is not None and (self._framing.length or self._framing.chunked):
            length = None if self._framing.chunked else self._framing.length
            body = self._open_body(self._environ, length)
        self._limited = body is None
        if self._limited and self._framing.length > self._max_body:
            raise _too_large(self._max_body)
        return body or _spool(self._framing)

    def _check_header_size(self) -> None:
        if len(self._buffer) <= self._max_header:
            return
        if b"\r\n" not in self._buffer[: self._max_header]:
            raise Refused(414, f"The request line is longer than {self._max_header} bytes.")
        raise Refused(431, f"The headers are longer than {self._max_header} bytes.")

    def _read_body(self) -> bool:
        if self._missing:
            self._take(self._missing)
        return not self._missing

    def _take(self, size: int) -> None:
        """Move up to ``size`` bytes to the body; they are counted off what is missing."""
        assert self._body is not None
        with memoryview(self._buffer) as view, view[:size] as part:
            self._missing -= self._body.write(part)
        del self._buffer[:size]

    def _read_chunks(self) -> bool:
        """Read chunks; ``_missing`` counts the data of the current one and its line end."""
        while True:
            if self._missing > 2:
                self._take(self._missing - 2)
            if self._missing > 2:
                return False
            if self._missing and not self._end_chunk():
                return False
            size = self._begin_chunk()
            if size is None:
                return False
            if size == 0:
                return self._read_trailers()
            self._missing = size + 2

    def _end_chunk(self) -> bool:
        if len(self._buffer) < 2:
            return False
        if self._buffer[:2] != b"\r\n":
            raise Refused(400, "A chunk of the body does not end where it says.")
        del self._buffer[:2]
        self._missing = 0
        return True

    def _begin_chunk(self) -> int | None:
        """Read the line before a chunk; the last one stays, for its trailers come with it."""
        found = CHUNK_LINE.match(self._buffer)
        if found is None:
            if len(self._buffer) > CHUNK_LINE_AT_MOST or b"\n" in self._buffer:
                raise Refused(400, "The size of a chunk of the body is malformed.")
            return None
        size = int(found[1], 16)
        assert self._body is not None
        if self._limited and self._body.tell() + size > self._max_body:
            raise _too_large(self._max_body)
        if size:
            del self._buffer[: found.end()]
        return size

    def _read_trailers(self) -> bool:
        """Skip the last chunk's line and what follows up to the empty line."""
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            if len(self._buffer) > self._max_header:
                raise Refused(431, f"The trailers are longer than {self._max_header} bytes.")
            return False
        del self._buffer[: end + 4]
        return True


@dataclass(frozen=True, slots=True)
class Framing:
    """What the headers say about the body and about what comes after it."""

    length: int = 0
    chunked: bool = False
    keep_alive: bool = False
    wants_continue: bool = False


def read_head(head: bytes) -> dict[str, str]:
    """Read the request line and the headers, as WSGI wants to see them."""
    if FORBIDDEN.search(head):
        raise Refused(400, "There is a control character in the head of the request.")
    lines = head.split(b"\r\n")
    found = REQUEST_LINE.fullmatch(lines[0])
    if found is None:
        raise _bad_request_line(lines[0])
    environ: dict[str, str] = {}
    for line in lines[1:]:
        raw, colon, value = line.partition(b":")
        name = _environ_name(raw)
        if not colon:
            raise Refused(400, "There is a header without a colon.")
        text = value.strip(b" \t").decode("latin-1")
        if name in environ:
            if name in SINGLE:
                raise Refused(400, f"The header {raw.decode()} is there twice.")
            text = f"{environ[name]}{'; ' if name == 'HTTP_COOKIE' else ', '}{text}"
        environ[name] = text
    method, target, minor = (part.decode("ascii") for part in found.groups())
    environ["REQUEST_METHOD"] = method
    environ["SERVER_PROTOCOL"] = f"HTTP/1.{minor}"
    _read_target(target, environ)
    if "HTTP_HOST" not in environ and minor == "1":
        raise Refused(400, "The header Host is missing.")
    if not HOST.fullmatch(environ.get("HTTP_HOST", "")):
        raise Refused(400, "The header Host is malformed.")
    return environ


def read_framing(environ: dict[str, str]) -> Framing:
    """Read where the request ends, and take the headers away that say so."""
    length = environ.pop("HTTP_CONTENT_LENGTH", None)
    coding = environ.pop("HTTP_TRANSFER_ENCODING", None)
    modern = environ["SERVER_PROTOCOL"] == "HTTP/1.1"
    if coding is not None:
        if length is not None:
            raise Refused(400, "Content-Length and Transfer-Encoding exclude one another.")
        if not modern:
            raise Refused(400, "HTTP/1.0 has no Transfer-Encoding.")
        if coding.lower() != "chunked":
            raise Refused(501, "The only Transfer-Encoding known here is chunked.")
    if length is not None and not re.fullmatch("[0-9]{1,18}", length, re.ASCII):
        raise Refused(400, "The Content-Length is not a number.")
    expected = environ.get("HTTP_EXPECT", "").lower()
    if expected not in ("", "100-continue"):
        raise Refused(417, "The only expectation known here is 100-continue.")
    words = environ.get("HTTP_CONNECTION", "").lower().replace(",", " ").split()
    return Framing(
        length=int(length or 0),
        chunked=coding is not None,
        keep_alive="close" not in words if modern else "keep-alive" in words,
        wants_continue=modern and bool(expected) and (coding is not None or bool(int(length or 0))),
    )


def _read_target(target: str, environ: dict[str, str]) -> None:
    environ["REQUEST_URI"] = target
    environ["QUERY_STRING"] = ""
    if target == "*" and environ["REQUEST_METHOD"] == "OPTIONS":
        environ["PATH_INFO"] = ""
        return
    absolute = None if target[0] == "/" else ABSOLUTE.fullmatch(target)
    if absolute:
        environ["HTTP_HOST"] = absolute[1]
        target = absolute[2] if absolute[2].startswith("/") else f"/{absolute[2]}"
    if target[0] != "/" or "#" in target:
        raise Refused(400, "The target of the request is neither a path nor an http URL.")
    path, _, environ["QUERY_STRING"] = target.partition("?")
    if "%" in path:
        raw = unquote_to_bytes(path)
        try:
            raw.decode("utf-8")
        except UnicodeDecodeError as error:
            raise Refused(400, "The path is not UTF-8.") from error
        path = raw.decode("latin-1")
    environ["PATH_INFO"] = path


@lru_cache(maxsize=512)
def _environ_name(raw: bytes) -> str:
    if not HEADER_NAME.fullmatch(raw):
        raise Refused(400, "There is a malformed header name.")
    name = raw.decode("ascii").upper().replace("-", "_")
    return name if name == "CONTENT_TYPE" else f"HTTP_{name}"


def _bad_request_line(line: bytes) -> Refused:
    version = line.rpartition(b" ")[2]
    if re.fullmatch(rb"HTTP/[0-9]+\.[0-9]+", version) and not version.startswith(b"HTTP/1."):
        return Refused(505, "The only version known here is HTTP/1.1.")
    return Refused(400, "The request line is malformed.")


def _too_large(limit: int) -> Refused:
    return Refused(413, f"The body of the request is longer than {limit} bytes.")


def _spool(framing: Framing) -> Body:
    if framing.chunked or framing.length > SPOOLED_FROM:
        return tempfile.SpooledTemporaryFile(SPOOLED_FROM)
    return io.BytesIO()


class Clock:
    """The Date header, made once a second."""

    second = 0
    text = ""

    def header(self) -> str:
        now = int(time.time())
        if now != self.second:
            self.text = f"Date: {formatdate(now, usegmt=True)}\r\nServer: slapmaster\r\n"
            self.second = now
        return self.text


_clock = Clock()


def encode_head(status: str, headers: Sequence[tuple[str, str]], extra: str) -> bytes:
    """Encode the head of an answer; ``extra`` are whole header lines of the server's own."""
    lines = "".join([f"{name}: {value}\r\n" for name, value in headers])
    head = f"HTTP/1.1 {status}\r\n{lines}"
    if not len(headers) + 1 == head.count("\n") == head.count("\r"):
        raise ValueError("a header of the answer has a line end in it")
    return f"{head}{_clock.header()}{extra}\r\n".encode("latin-1")


def encode_refusal(refused: Refused) -> bytes:
    """Encode a whole answer that ends the connection."""
    body = f"{refused}\n".encode("ascii", "backslashreplace")
    headers = [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(body)))]
    status = f"{refused.status} {REASONS[refused.status]}"
    return encode_head(status, headers, "Connection: close\r\n") + body
