"""One answer on its way from a WSGI application to the peer."""

import select
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from typing import Protocol
from typing import cast

from slapcore.server import http1
from slapcore.server.http1 import Refused
from slapcore.server.http1 import Request
from slapcore.server.transport import Pieces
from slapcore.server.transport import PlainTransport

#: up to here, head and body are put together: one packet, one system call
JOINED_UP_TO = 16 << 10


#: bytes of an answer that are sent before other connections have their turn
SENT_IN_A_ROW = 8 << 20


class FileBody(Protocol):
    """A body that is part of a file.

    From ``tell()`` on it is sent, as much of it as the answer's Content-Length says; iterating
    over it gives the same.
    """

    def fileno(self) -> int: ...

    def tell(self) -> int: ...

    def __iter__(self) -> Iterator[bytes]: ...


class AwaitedBody(Protocol):
    """A body whose pieces come in their own time; no thread waits for them.

    Iterating over it gives ``b""`` when there is nothing yet.  Then it is asked again when it
    calls what ``attend`` was given, from whatever thread, and at ``deadline`` (monotonic time)
    at the latest.  After ``finish`` it comes to its end without waiting any more.
    """

    deadline: float

    def attend(self, wake: Callable[[], None]) -> None: ...

    def finish(self) -> None: ...

    def __iter__(self) -> Iterator[bytes]: ...


class Answer:
    """One answer on its way from the application to the peer."""

    def __init__(self, request: Request | None) -> None:
        self.status = ""
        self.keep_alive = False
        self.lingers = False
        self.done = False
        #: the application has nothing to say yet
        self.waits = False
        self._awaited: AwaitedBody | None = None
        self._request = request
        self._headers: list[tuple[str, str]] = []
        self._written: list[bytes] = []
        self._pending: Pieces = []
        self._body: Iterable[bytes] = ()
        self._chunks: Iterator[bytes] = iter(())
        self._chunked = False
        self._missing: int | None = None
        self._file: FileBody | None = None
        self._offset = 0

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

    def take(
        self, body: Iterable[bytes], *, keep_alive: bool, wake: Callable[[], None]
    ) -> None:
        """Take the body that the application returned, and make the head.

        ``wake`` is for a body that takes its time: it says that there may be more now.
        """
        self._body = body
        if hasattr(body, "attend"):
            self._awaited = cast("AwaitedBody", body)
            self._awaited.attend(wake)
        self.keep_alive = keep_alive
        assert self._request is not None
        known = isinstance(body, list | tuple)
        chunks = self._written + list(body) if known else body
        self._chunks = iter(chunks)
        file = None if known or self._written or not hasattr(body, "fileno") else body
        first = b"" if file is not None else next(self._chunks, b"")
        if not known and self._written:
            first = b"".join([*self._written, first])
        if not self.status:
            raise RuntimeError("the application did not call start_response")
        length = sum(map(len, chunks)) if known else None
        bodiless = self._frame(length)
        head = http1.encode_head(self.status, self._headers, self._extra)
        if file is not None and self._missing is not None:
            self._file = cast("FileBody", file)
            self._offset = self._file.tell()
        if bodiless:
            self._chunks = iter(())
            self._missing = None
            first = b""
        self._pending = [head]
        self._append(first)

    def flush(self, carrier: PlainTransport) -> int:
        """Send what the peer takes now; how much that was.

        ``done`` tells when it is all, ``waits`` that the application has no more for now.
        """
        total = 0
        self.waits = False
        while total < SENT_IN_A_ROW:
            if self._pending or self._fill(carrier):
                sent = carrier.send(self._pending)
                self._skip(sent)
            elif self.waits:
                return total
            elif self._missing:
                sent = self._send_file(carrier)
            else:
                self.done = True
                return total
            if not sent:
                return total
            total += sent
        # The peer takes all it gets, but others have waited.
        carrier.wants = select.EPOLLOUT
        return total

    @property
    def deadline(self) -> float:
        """When the body that has nothing yet is to be asked again."""
        return self._awaited.deadline if self._awaited is not None else 0.0

    def finish(self) -> None:
        """Have a body that takes its time come to its end."""
        if self._awaited is not None:
            self._awaited.finish()

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

    def _send_file(self, carrier: PlainTransport) -> int:
        """Have the kernel send the next piece of a file."""
        assert self._file is not None and self._missing is not None
        sent = carrier.send_file(self._file.fileno(), self._offset, self._missing)
        self._offset += sent
        self._missing -= sent
        return sent

    def _fill(self, carrier: PlainTransport) -> bool:
        """Take the next piece from the application; tell whether there was one.

        What is in a file is left to the kernel where that can send it.
        """
        if self._file is not None and carrier.sends_files:
            return False
        for chunk in self._chunks:
            if chunk:
                self._append(chunk)
                return True
            if self._awaited is not None:
                self.waits = True
                return False
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
