"""One answer on its way from a WSGI application to the peer."""

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator

from slapcore.server import http1
from slapcore.server.http1 import Refused
from slapcore.server.http1 import Request
from slapcore.server.transport import Pieces
from slapcore.server.transport import PlainTransport

#: up to here, head and body are put together: one packet, one system call
JOINED_UP_TO = 16 << 10


class Answer:
    """One answer on its way from the application to the peer."""

    def __init__(self, request: Request | None) -> None:
        self.status = ""
        self.keep_alive = False
        self.lingers = False
        self.done = False
        self._request = request
        self._headers: list[tuple[str, str]] = []
        self._written: list[bytes] = []
        self._pending: Pieces = []
        self._body: Iterable[bytes] = ()
        self._chunks: Iterator[bytes] = iter(())
        self._chunked = False
        self._missing: int | None = None

    @classmethod
    def of(cls, refused: Refused) -> "Answer":
        """Make the answer that the server itself gives."""
        answer = cls(None)
        answer.status = str(refused.status)
        answer.lingers = True
        answer._pending = [http1.encode_refusal(refused)]
        return answer

    def start(
        self, status: str, headers: list[tuple[str, str]], exc_info: object = None
    ) -> Callable[[bytes], None]:
        """Take status and headers: WSGI's ``start_response``."""
        if self.status and exc_info is None:
            raise RuntimeError("start_response was called twice")
        self.status = status
        self._headers = headers
        return self._written.append

    def take(self, body: Iterable[bytes], *, keep_alive: bool) -> None:
        """Take the body that the application returned, and make the head."""
        self._body = body
        self.keep_alive = keep_alive
        assert self._request is not None
        known = isinstance(body, list | tuple)
        chunks = self._written + list(body) if known else body
        self._chunks = iter(chunks)
        first = next(self._chunks, b"")
        if not known and self._written:
            first = b"".join([*self._written, first])
        if not self.status:
            raise RuntimeError("the application did not call start_response")
        length = sum(map(len, chunks)) if known else None
        bodiless = self._frame(length)
        head = http1.encode_head(self.status, self._headers, self._extra)
        if bodiless:
            self._chunks = iter(())
            self._missing = None
            first = b""
        self._pending = [head]
        self._append(first)

    def flush(self, carrier: PlainTransport) -> int:
        """Send what the peer takes now; how much that was.  ``done`` tells when it is all."""
        total = 0
        while self._pending or self._fill():
            sent = carrier.send(self._pending)
            if not sent:
                return total
            total += sent
            self._skip(sent)
        self.done = True
        return total

    def close(self) -> None:
        close = getattr(self._body, "close", None)
        self._body = ()
        if self._request is not None:
            self._request.body.close()
        if close is not None:
            close()

    def _frame(self, length: int | None) -> bool:
        """Decide how the peer sees where the body ends; tell whether there is none at all."""
        assert self._request is not None
        extra = []
        names = {name.lower(): value for name, value in self._headers}
        method, version = (self._request.environ[k] for k in ("REQUEST_METHOD", "SERVER_PROTOCOL"))
        bodiless = method == "HEAD" or self.status[:3] in ("204", "304")
        if names.get("connection", "").lower() == "close":
            self.keep_alive = False
        if "content-length" in names:
            self._missing = int(names["content-length"])
        elif length is not None and not bodiless:
            self._missing = length
            extra.append(f"Content-Length: {length}\r\n")
        elif not bodiless and version == "HTTP/1.1":
            self._chunked = True
            extra.append("Transfer-Encoding: chunked\r\n")
        elif not bodiless:
            self.keep_alive = False
        if not self.keep_alive and "connection" not in names:
            extra.append("Connection: close\r\n")
        elif self.keep_alive and version == "HTTP/1.0":
            extra.append("Connection: keep-alive\r\n")
        self._extra = "".join(extra)
        return bodiless

    def _fill(self) -> bool:
        """Take the next piece from the application; tell whether there was one."""
        for chunk in self._chunks:
            if chunk:
                self._append(chunk)
                return True
        if self._chunked:
            self._chunked = False
            self._pending = [b"0\r\n\r\n"]
            return True
        if self._missing:
            raise RuntimeError(f"the body is {self._missing} bytes shorter than declared")
        return False

    def _append(self, chunk: bytes) -> None:
        if not chunk:
            return
        if self._missing is not None:
            chunk = chunk[: self._missing]
            self._missing -= len(chunk)
        if self._chunked:
            self._pending += [b"%x\r\n" % len(chunk), chunk, b"\r\n"]
        else:
            self._pending.append(chunk)
        if len(self._pending) > 1 and len(chunk) < JOINED_UP_TO:
            self._pending = [b"".join(self._pending)]

    def _skip(self, sent: int) -> None:
        """Take ``sent`` bytes away from the beginning of what is pending."""
        while sent:
            piece = self._pending[0]
            if sent < len(piece):
                self._pending[0] = memoryview(piece)[sent:]
                return
            sent -= len(piece)
            del self._pending[0]
