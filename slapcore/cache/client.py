"""A cache from the outside: put, look up and get over HTTP, whatever the size."""

import hashlib
import http.client
import os
import ssl
from base64 import b64encode
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from typing import Protocol
from urllib.parse import unquote
from urllib.parse import urlsplit

from slapcore.errors import ConfigurationError
from slapcore.errors import Conflict
from slapcore.errors import Forbidden
from slapcore.errors import NotFound
from slapcore.errors import ProtocolError
from slapcore.errors import SlapError
from slapcore.errors import Unauthenticated
from slapcore.protocol import shadir
from slapcore.protocol.shadir import Entry

BLOCK = 1 << 20
#: how often a download goes on where it broke off
ATTEMPTS = 5
#: of the answer of a directory
ANSWER_AT_MOST = 64 << 20

ERRORS: dict[int, type[SlapError]] = {
    400: ProtocolError,
    401: Unauthenticated,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
}

Advance = Callable[[int], None]


class Sink(Protocol):
    """What a content is written to."""

    def write(self, data: bytes, /) -> int: ...


@dataclass(frozen=True, kw_only=True)
class Patience:
    """Seconds for a connection, and for an answer: contents are made durable meanwhile."""

    connect: float = 60.0
    answer: float = 3600.0


@dataclass(frozen=True, kw_only=True)
class Proof:
    """What a client proves who it is by: a token, or a certificate and its key."""

    token: str = ""
    certificate: Path | None = None
    key: Path | None = None
    authority: Path | None = None


class Client:
    """Speaks to one cache, whose contents and entries are at two URLs.

    ``proof`` is for both, unless there is an ``entries_proof`` of its own.
    """

    def __init__(
        self,
        contents_url: str,
        entries_url: str,
        proof: Proof | None = None,
        *,
        entries_proof: Proof | None = None,
        patience: Patience | None = None,
    ) -> None:
        self._contents_url = contents_url.rstrip("/")
        self._entries_url = entries_url.rstrip("/")
        self._proof = proof or Proof()
        self._entries_proof = entries_proof or self._proof
        self._patience = patience or Patience()

    @classmethod
    def at(cls, url: str, proof: Proof | None = None) -> "Client":
        """Speak to a cache that has both below one URL."""
        url = url.rstrip("/")
        return cls(f"{url}/shacache", f"{url}/shadir", proof)

    def has(self, sha512: str) -> bool:
        try:
            with self._ask("HEAD", f"{self._contents_url}/{sha512}"):
                return True
        except NotFound:
            return False

    def put(self, file: BinaryIO, advance: Advance) -> str:
        """Put a content, unless it is there already; its sha512."""
        sha512 = sum_of(file)
        if self.has(sha512):
            return sha512
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
        head = {"Content-Type": "application/octet-stream", "Content-Length": str(size)}
        pieces = _pieces(file, advance)
        with self._ask("POST", self._contents_url, pieces, head) as answer:
            found = answer.read(1000).decode("ascii", "replace")
        if found != sha512:
            raise ProtocolError(f"the cache has kept something else: {found}")
        return sha512

    def put_entry(self, key: str, entry: Entry) -> None:
        data = shadir.write_entry(entry)
        head = {"Content-Type": "application/json"}
        with self._ask("PUT", f"{self._entries_url}/{key}", data, head):
            pass

    def look_up(self, key: str) -> Sequence[Entry]:
        """Give the entries of a key in the cache's order; nobody has verified them."""
        try:
            with self._ask("GET", f"{self._entries_url}/{key}") as answer:
                return shadir.read_entries(answer.read(ANSWER_AT_MOST))
        except NotFound:
            return ()

    def get(self, sha512: str, file: Sink, advance: Advance) -> None:
        """Get a content into an empty file; what is not it raises ``ProtocolError``."""
        found = hashlib.sha512()
        at = 0
        for _ in range(ATTEMPTS):
            size, at = self._get_from(sha512, at, file, _both(found.update, advance))
            if at >= size:
                break
        if found.hexdigest() != sha512:
            raise ProtocolError(f"the cache has sent something else than {sha512}")

    def _get_from(
        self, sha512: str, at: int, file: Sink, take: Callable[[bytes], None]
    ) -> tuple[int, int]:
        """Get what follows the first ``at`` bytes: the whole size, and how far it went."""
        head = {"Range": f"bytes={at}-"} if at else {}
        with self._ask("GET", f"{self._contents_url}/{sha512}", headers=head) as answer:
            if at and answer.status != 206:
                raise ProtocolError("the cache can't go on with what broke off")
            size = at + int(answer.headers["Content-Length"])
            while data := _read(answer):
                file.write(data)
                take(data)
                at += len(data)
        return size, at

    @contextmanager
    def _ask(
        self,
        method: str,
        url: str,
        body: bytes | Iterator[bytes] | None = None,
        headers: dict[str, str] | None = None,
    ) -> Iterator[http.client.HTTPResponse]:
        connection = self._connect(url)
        try:
            asked = {**self._credentials(url), "Connection": "close", **(headers or {})}
            self._send(connection, method, urlsplit(url).path, body, asked)
            answer = connection.getresponse()
            _check(answer)
            yield answer
        except http.client.HTTPException as error:
            raise ProtocolError(f"the cache does not speak HTTP: {error!r}") from error
        finally:
            connection.close()

    def _send(
        self,
        connection: http.client.HTTPConnection,
        method: str,
        path: str,
        body: bytes | Iterator[bytes] | None,
        headers: dict[str, str],
    ) -> None:
        connection.connect()
        connection.sock.settimeout(self._patience.answer)
        try:
            connection.request(method, path, body, headers)
        except (BrokenPipeError, ConnectionResetError):
            # It has refused before it was told everything; its answer says why.
            if body is None:
                raise

    def _connect(self, url: str) -> http.client.HTTPConnection:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ConfigurationError(f"{url} is no http or https URL")
        if parts.scheme == "http":
            return http.client.HTTPConnection(
                parts.hostname, parts.port, timeout=self._patience.connect
            )
        proof = self._proof_for(url)
        context = ssl.create_default_context(cafile=proof.authority)
        if proof.certificate is not None:
            context.load_cert_chain(proof.certificate, proof.key)
        return http.client.HTTPSConnection(
            parts.hostname, parts.port, timeout=self._patience.connect, context=context
        )

    def _credentials(self, url: str) -> dict[str, str]:
        parts = urlsplit(url)
        if parts.username is not None:
            text = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            return {"Authorization": f"Basic {b64encode(text.encode()).decode()}"}
        token = self._proof_for(url).token
        return {"Authorization": f"Bearer {token}"} if token else {}

    def _proof_for(self, url: str) -> Proof:
        is_entry = url.startswith(f"{self._entries_url}/")
        return self._entries_proof if is_entry else self._proof


def sum_of(file: BinaryIO) -> str:
    """Hash a file from its beginning."""
    file.seek(0)
    return hashlib.file_digest(file, "sha512").hexdigest()  # type: ignore[arg-type]


def _check(answer: http.client.HTTPResponse) -> None:
    if 200 <= answer.status < 300:
        return
    text = answer.read(1000).decode("utf-8", "replace").strip() or answer.reason
    raise ERRORS.get(answer.status, SlapError)(text)


def _pieces(file: BinaryIO, advance: Advance) -> Iterator[bytes]:
    while data := file.read(BLOCK):
        yield data
        advance(len(data))


def _read(answer: http.client.HTTPResponse) -> bytes:
    """Read on; nothing at the end, and where the connection has broken off."""
    try:
        return answer.read1(BLOCK)
    except (OSError, http.client.IncompleteRead):
        return b""


def _both(take: Callable[[bytes], None], advance: Advance) -> Callable[[bytes], None]:
    def taking(data: bytes) -> None:
        take(data)
        advance(len(data))

    return taking
