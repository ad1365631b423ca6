"""The listeners: TLS with client certificates asked for, plain HTTP, and a unix socket.

A few equal threads wait together for events.  One event is one step of one connection, and
no step waits for a peer: handshakes, requests and answers go on piece by piece as the peer
lets them, however slow it is.  Only the application keeps a thread busy, and it is asked
when the whole request is here.  Every wait has its deadline.

The application finds in its environ, beside what WSGI says:

- ``slapmaster.client_certificate``: what the TLS peer has proved to have the key of, in DER,
  *not* verified otherwise;
- ``slapmaster.peer_uid``: who is at the other end of the unix socket;
- ``slapmaster.request_id``.
"""

import contextlib
import logging
import os
import select
import socket
import sys
import threading
import time
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from OpenSSL import SSL

from slapcore import errors
from slapmaster import http1
from slapmaster import transport
from slapmaster.http1 import Refused
from slapmaster.log import new_request_id
from slapmaster.settings import Address
from slapmaster.transport import Pieces
from slapmaster.transport import PlainTransport
from slapmaster.transport import TLSTransport

log = logging.getLogger(__name__)

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

#: bytes per second that a peer must take or give at least, once its time is over
SLOWEST = 8 << 10

#: how long an ended connection is kept for the peer to read why
LINGER_SECONDS = 3.0

SWEEP_SECONDS = 0.25

#: up to here, head and body of an answer are put together: one packet, one system call
JOINED_UP_TO = 16 << 10

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"

CLOSED = 0


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How much one peer may ask for; times are in seconds."""

    max_connections: int = 1000
    max_header: int = 32 << 10
    max_body: int = 8 << 20
    handshake_timeout: float = 10.0
    request_timeout: float = 30.0
    idle_timeout: float = 60.0


@dataclass(frozen=True, kw_only=True)
class Listener:
    """One place to listen: an address, with TLS when a certificate is given, or a unix socket.

    ``application`` answers here instead of the server's.
    """

    address: Address | None = None
    certificate: Path | None = None
    key: Path | None = None
    path: Path | None = None
    application: Application | None = None

    @classmethod
    def plain(cls, host: str, port: int) -> "Listener":
        return cls(address=Address(host, port))

    @classmethod
    def tls(cls, host: str, port: int, *, certificate: Path, key: Path) -> "Listener":
        return cls(address=Address(host, port), certificate=certificate, key=key)

    @classmethod
    def unix(cls, path: Path, application: Application | None = None) -> "Listener":
        return cls(path=path, application=application)


class Server:
    """Serves one WSGI application on several listeners until it is told to stop."""

    def __init__(
        self,
        application: Application,
        *,
        listeners: Sequence[Listener],
        threads: int = 8,
        limits: Limits | None = None,
    ) -> None:
        self.limits = limits or Limits()
        self.stopping = False
        self._application = application
        self._listeners = listeners
        self._doors: dict[int, Door] = {}
        self._connections: set[Connection] = set()
        self._waiting: dict[int, Connection] = {}
        #: held while a connection begins to wait, so that nobody takes it away half way
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._threads = [
            threading.Thread(target=self._work, name=f"worker-{number}", daemon=True)
            for number in range(threads)
        ]
        self._threads.append(threading.Thread(target=self._sweep, name="sweeper", daemon=True))

    def start(self) -> None:
        """Begin to serve; it listens when this returns."""
        self._epoll = select.epoll()
        self._wake = os.eventfd(0, os.EFD_CLOEXEC)
        self._epoll.register(self._wake, select.EPOLLIN)
        try:
            for listener in self._listeners:
                door = Door(listener, listener.application or self._application)
                self._doors[door.fileno] = door
        except (OSError, errors.SlapError):
            self._close_all()
            raise
        for fileno in self._doors:
            self._epoll.register(fileno, select.EPOLLIN | select.EPOLLONESHOT)
        for thread in self._threads:
            thread.start()

    @property
    def addresses(self) -> tuple[Address | Path, ...]:
        """Where it really listens, in the order of the listeners."""
        return tuple(door.address for door in self._doors.values())

    def reload(self) -> None:
        """Read the certificates of the TLS listeners again, for the connections to come."""
        for door in self._doors.values():
            door.load()

    def stop(self, grace: float = 10.0) -> None:
        """Take no more requests, finish those that have begun, for at most ``grace`` seconds."""
        self.stopping = True
        for door in self._doors.values():
            door.close()
        end = time.monotonic() + grace
        while self._connections and time.monotonic() < end:
            for connection in self._take(lambda connection: connection.is_idle):
                self._drop(connection)
            self._stopped.wait(0.01)
        self._stopped.set()
        os.eventfd_write(self._wake, 1)
        for thread in self._threads:
            thread.join(max(1.0, end - time.monotonic()))
        self._close_all()

    def _close_all(self) -> None:
        for door in self._doors.values():
            door.close()
        for connection in self._take(lambda connection: True):
            self._drop(connection)
        if any(thread.is_alive() for thread in self._threads):
            log.error("a request did not end in time; its thread is left behind")
            return
        self._epoll.close()
        os.close(self._wake)

    def _work(self) -> None:
        """Take one event after the other, until the server stops."""
        while True:
            for fileno, _ in self._epoll.poll(-1, 1):
                if fileno == self._wake:
                    return
                door = self._doors.get(fileno)
                if door is not None and not door.closed:
                    self._admit(door)
                    continue
                connection = self._waiting.pop(fileno, None)
                if connection is not None:
                    self._go_on(connection)

    def _admit(self, door: "Door") -> None:
        """Accept one connection; data often comes with it, so it is looked at right away."""
        accepted = None
        try:
            accepted = door.accept()
        except BlockingIOError:
            pass
        except OSError as error:
            self._refrain(error)
        with contextlib.suppress(OSError, ValueError):  # closed by stop in this moment
            self._epoll.modify(door.fileno, select.EPOLLIN | select.EPOLLONESHOT)
        if accepted is None:
            return
        if len(self._connections) >= self.limits.max_connections:
            self._make_room()
        connection = Connection(self, door, *accepted)
        self._connections.add(connection)
        self._go_on(connection)

    def _refrain(self, error: OSError) -> None:
        """Cope with a failed accept, which mostly means that there are too many open files."""
        if not self.stopping:
            log.warning("can't accept a connection: %s", error)
            self._make_room()
            time.sleep(0.05)

    def _make_room(self) -> None:
        """Drop the waiting connection whose time would be over first."""
        with self._lock:
            if not self._waiting:
                return
            fileno = min(self._waiting, key=lambda each: self._waiting[each].deadline)
            connection = self._waiting.pop(fileno)
        log.warning("too many connections: one from %s is closed", connection.peer)
        self._drop(connection)

    def _go_on(self, connection: "Connection") -> None:
        event = connection.advance()
        if event == CLOSED:
            self._drop(connection)
            return
        with self._lock:
            self._waiting[connection.fileno] = connection
            change = self._epoll.modify if connection.registered else self._epoll.register
            connection.registered = True
            change(connection.fileno, event | select.EPOLLONESHOT)

    def _drop(self, connection: "Connection") -> None:
        self._connections.discard(connection)
        connection.close()

    def _take(self, wanted: Callable[["Connection"], bool]) -> list["Connection"]:
        """Take the waiting connections that are ``wanted`` away from the workers."""
        with self._lock:
            found = [fileno for fileno, each in list(self._waiting.items()) if wanted(each)]
            taken = [self._waiting.pop(fileno, None) for fileno in found]
        return [connection for connection in taken if connection is not None]

    def _sweep(self) -> None:
        """End the connections whose time is over, again and again."""
        while not self._stopped.wait(SWEEP_SECONDS):
            for connection in self._take(Connection.is_late):
                connection.expire()
                self._go_on(connection)


class Door:
    """An open listener, and what all requests that come in by it have in common."""

    def __init__(self, listener: Listener, application: Application) -> None:
        self.application = application
        self.closed = False
        self.address: Address | Path
        self._listener = listener
        self._context: SSL.Context | None = None
        self.load()
        if listener.path is not None:
            self._socket = transport.listen_unix(listener.path)
            self.address = listener.path
            self._inode = listener.path.stat().st_ino
        else:
            assert listener.address is not None
            self._socket = _listen_tcp(listener.address)
            self.address = Address(listener.address.host, self._socket.getsockname()[1])
        self.fileno = self._socket.fileno()
        self.environ = self._make_environ()

    def load(self) -> None:
        if self._listener.certificate is not None and self._listener.key is not None:
            self._context = transport.make_context(self._listener.certificate, self._listener.key)

    def accept(self) -> tuple[PlainTransport, dict[str, Any]]:
        """Accept a connection; with what its requests say of the peer."""
        sock, peer = self._socket.accept()
        sock.setblocking(False)
        if isinstance(self.address, Path):
            uid = transport.peer_uid(sock)
            return PlainTransport(sock), {"REMOTE_ADDR": "", "slapmaster.peer_uid": uid}
        host = peer[0].partition("%")[0].removeprefix("::ffff:")
        environ = {"REMOTE_ADDR": host, "REMOTE_PORT": str(peer[1])}
        if self._context is not None:
            return TLSTransport(sock, self._context), environ
        return PlainTransport(sock), environ

    def close(self) -> None:
        if self.closed:
            return
        self.closed = True
        self._socket.close()
        if isinstance(self.address, Path):
            with contextlib.suppress(FileNotFoundError):
                if self.address.stat().st_ino == self._inode:
                    self.address.unlink()

    def _make_environ(self) -> dict[str, Any]:
        unix = isinstance(self.address, Path)
        return {
            "SCRIPT_NAME": "",
            "SERVER_NAME": "localhost" if isinstance(self.address, Path) else self.address.host,
            "SERVER_PORT": "80" if isinstance(self.address, Path) else str(self.address.port),
            "SERVER_SOFTWARE": "slapmaster",
            "slapmaster.local": unix,
            "wsgi.errors": sys.stderr,
            "wsgi.input_terminated": True,
            "wsgi.multiprocess": False,
            "wsgi.multithread": True,
            "wsgi.run_once": False,
            "wsgi.url_scheme": "http" if self._context is None else "https",
            "wsgi.version": (1, 0),
        }


class Phase(Enum):
    """What a connection is doing."""

    OPENING = "until its first byte, or with TLS to the end of the handshake"
    RECEIVING = "part of a request is here"
    ANSWERING = "an answer is made or on its way"
    IDLE = "between two requests"
    LINGERING = "nothing more is said, the peer may still read"


class Connection:
    """One connection, from the first byte to the last; used by one thread at a time."""

    def __init__(
        self, server: Server, door: Door, carrier: PlainTransport, environ: dict[str, Any]
    ) -> None:
        self.registered = False
        self.fileno = carrier.fileno()
        self.peer = environ["REMOTE_ADDR"] or "the local socket"
        self._server = server
        self._limits = server.limits
        self._door = door
        self._carrier = carrier
        self._environ = {**door.environ, **environ}
        self._reader = http1.RequestReader(self._limits.max_header, self._limits.max_body)
        self._answer: Answer | None = None
        self._enter(Phase.OPENING, self._limits.handshake_timeout)

    @property
    def is_idle(self) -> bool:
        return self.phase in (Phase.OPENING, Phase.IDLE, Phase.LINGERING)

    def is_late(self) -> bool:
        """Tell whether the peer, and not we, has let its time pass."""
        if time.monotonic() < self.deadline:
            return False
        poll = select.poll()
        poll.register(self.fileno, self._carrier.wants)
        return not poll.poll(0) or self.phase in (Phase.LINGERING, Phase.ANSWERING)

    def advance(self) -> int:
        """Go on as far as the peer lets us; the event to wait for then, or ``CLOSED``."""
        try:
            return self._advance()
        except Refused as refused:
            return self._refuse(refused)
        except (OSError, EOFError) as error:
            log.debug("%s has gone in phase %s: %s", self.peer, self.phase.name, error)
        except Exception:
            log.exception("an answer to %s was broken off", self.peer)
        return CLOSED

    def expire(self) -> None:
        """Prepare for the end, which the next step brings."""
        if self.phase is Phase.RECEIVING:
            self._prepare(Refused(408, "The request did not come in within the time allowed."))
        else:
            self._enter(Phase.LINGERING, 0)
            self.deadline = 0.0

    def close(self) -> None:
        self._reader.close()
        if self._answer is not None:
            self._answer.close()
        self._carrier.close()

    def _enter(self, phase: Phase, seconds: float) -> None:
        self.phase = phase
        self.deadline = time.monotonic() + seconds

    def _advance(self) -> int:
        if self.phase is Phase.LINGERING:
            return self._linger()
        if self.phase is Phase.OPENING and not self._carrier.open():
            return self._carrier.wants
        while True:
            if self._answer is None:
                request = self._receive()
                if request is None:
                    return self._carrier.wants
                self._enter(Phase.ANSWERING, self._limits.request_timeout)
                self._answer = self._ask(request)
                self._enter(Phase.ANSWERING, self._limits.request_timeout)
            sent = self._answer.flush(self._carrier)
            self.deadline += sent / SLOWEST
            if not self._answer.done:
                return self._carrier.wants
            if not self._end_answer():
                return CLOSED if self.phase is Phase.ANSWERING else self._carrier.wants
            if not self._reader.began and not self._carrier.has_pending():
                self._carrier.wants = select.EPOLLIN
                return select.EPOLLIN

    def _receive(self) -> http1.Request | None:
        """Read until a request is whole; ``None`` when more has to come."""
        while True:
            if self._reader.began:
                request = self._reader.next_request()
                if request is not None:
                    return request
                self._send_continue()
            data = self._carrier.receive()
            if data is None:
                return None
            if self.phase is not Phase.RECEIVING:
                self._enter(Phase.RECEIVING, self._limits.request_timeout)
            self.deadline += len(data) / SLOWEST
            self._reader.feed(data)

    def _send_continue(self) -> None:
        if self._reader.wants_continue:
            self._reader.wants_continue = False
            self._carrier.send([CONTINUE])

    def _ask(self, request: http1.Request) -> "Answer":
        """Have the application answer."""
        identity = new_request_id()
        environ = {**self._environ, **request.environ, "wsgi.input": request.body}
        environ["slapmaster.request_id"] = identity
        if self._carrier.certificate is not None:
            environ["slapmaster.client_certificate"] = self._carrier.certificate
        keep_alive = request.keep_alive and not self._server.stopping
        answer = Answer(request, keep_alive=keep_alive)
        try:
            answer.take(self._door.application(environ, answer.start))
        except Exception:
            log.exception("%s %s failed", environ["REQUEST_METHOD"], environ["PATH_INFO"])
            answer.close()
            answer = Answer.of(Refused(500, f"The server failed; its log says why at {identity}."))
        if answer.status >= "400":
            self._log_failure(environ, answer.status)
        return answer

    def _log_failure(self, environ: dict[str, Any], status: str) -> None:
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        log.info("%s %s from %s: %s", method, path, self.peer, status)

    def _end_answer(self) -> bool:
        """Put the sent answer away; tell whether another request may follow."""
        assert self._answer is not None
        answer, self._answer = self._answer, None
        answer.close()
        if answer.keep_alive:
            self._enter(Phase.IDLE, self._limits.idle_timeout)
            return True
        if answer.lingers:
            self._carrier.finish()
            self._enter(Phase.LINGERING, LINGER_SECONDS)
            self._carrier.wants = select.EPOLLIN
        return False

    def _refuse(self, refused: Refused) -> int:
        log.info("a request from %s is refused: %s %s", self.peer, refused.status, refused)
        self._prepare(refused)
        return self.advance()

    def _prepare(self, refused: Refused) -> None:
        self._answer = Answer.of(refused)
        self._enter(Phase.ANSWERING, LINGER_SECONDS)

    def _linger(self) -> int:
        if self.deadline <= time.monotonic():
            return CLOSED
        self._carrier.discard()
        return select.EPOLLIN


class Answer:
    """One answer on its way from the application to the peer."""

    def __init__(self, request: http1.Request | None, *, keep_alive: bool) -> None:
        self.status = ""
        self.keep_alive = keep_alive
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
        answer = cls(None, keep_alive=False)
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

    def take(self, body: Iterable[bytes]) -> None:
        """Take the body that the application returned, and make the head."""
        self._body = body
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


def _listen_tcp(address: Address) -> socket.socket:
    try:
        return transport.listen_tcp(address.host, address.port)
    except OSError as error:
        raise errors.ConfigurationError(f"can't listen on {address}: {error}") from error
