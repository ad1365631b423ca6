"""The listeners: TLS with client certificates asked for, plain HTTP, and a unix socket.

A few equal threads wait for events, no more of them at once than are needed.  One event is one
step of one connection, and no step waits for a peer: handshakes, requests and answers go on
piece by piece as the peer lets them, however slow it is.  Only the application keeps a thread
busy, and it is asked when the whole request is here.  Every wait has its deadline.

The application finds in its environ, beside what WSGI says:

- ``slapmaster.client_certificate``: what the TLS peer has proved to have the key of, in DER,
  *not* verified otherwise;
- ``slapmaster.peer_uid``: who is at the other end of the unix socket;
- ``slapmaster.request_id``.

A body with a method ``attend`` takes its time (``answer.AwaitedBody``): no thread waits for it.

An application with an attribute ``open_body`` says itself where the bodies of its requests go
while they come in (``http1.BodyOpener``; it is given the environ as far as it is known then).
"""

import contextlib
import errno
import logging
import os
import resource
import select
import socket
import sys
import threading
import time
from collections.abc import Callable
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from OpenSSL import SSL

from slapcore import errors
from slapcore.server import transport
from slapcore.server.address import Address
from slapcore.server.connection import CLOSED
from slapcore.server.connection import Application
from slapcore.server.connection import Connection
from slapcore.server.connection import Environ
from slapcore.server.connection import Limits
from slapcore.server.connection import Phase
from slapcore.server.crew import Crew
from slapcore.server.transport import PlainTransport
from slapcore.server.transport import TLSTransport

log = logging.getLogger(__name__)

SWEEP_SECONDS = 0.25

#: the log says once in so many seconds that there are too many connections
COMPLAINT_SECONDS = 10.0

#: open files that are not connections
OTHER_FILES = 200


#: why an accept fails when there is no room for one more connection
OUT_OF_FILES = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


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
        self._complained = 0.0
        self._crew = Crew(threads, self._wait_for_event, self._take_event)
        self._sweeper = threading.Thread(target=self._sweep, name="sweeper", daemon=True)

    def start(self) -> None:
        """Begin to serve; it listens when this returns."""
        _allow_open_files(self.limits.max_connections + OTHER_FILES)
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
        self._crew.start()
        self._sweeper.start()

    @property
    def addresses(self) -> tuple[Address | Path, ...]:
        """Where it really listens, in the order of the listeners."""
        return tuple(door.address for door in self._doors.values())

    def reload(self) -> None:
        """Read the certificates of the TLS listeners again, for the connections to come.

        Raises ``ConfigurationError`` when one can't be used; what was in use goes on then.
        """
        for door in self._doors.values():
            door.load()

    def stop(self, grace: float = 10.0) -> None:
        """Take no more requests, finish those that have begun, for at most ``grace`` seconds."""
        if self.stopping:
            return
        self.stopping = True
        for connection in list(self._connections):
            connection.ending = True
            self._rouse(connection)
        for door in self._doors.values():
            door.close()
        end = time.monotonic() + grace
        while self._connections and time.monotonic() < end:
            for connection in self._take(lambda connection: connection.is_idle):
                self._drop(connection)
            self._stopped.wait(0.01)
        self._stopped.set()
        self._crew.dismiss()
        os.eventfd_write(self._wake, 1)
        self._sweeper.join()
        ended = self._crew.join(max(1.0, end - time.monotonic()))
        self._close_all(ended)

    def _close_all(self, ended: bool = True) -> None:
        for door in self._doors.values():
            door.close()
        for connection in self._take(lambda connection: True):
            self._drop(connection)
        if not ended:
            log.error("a request did not end in time; its thread is left behind")
            return
        self._epoll.close()
        os.close(self._wake)

    def _wait_for_event(self) -> list[int]:
        return [fileno for fileno, _ in self._epoll.poll(-1, 1)]

    def _take_event(self, fileno: int) -> None:
        try:
            door = self._doors.get(fileno)
            if door is not None and not door.closed:
                self._admit(door)
                return
            connection = self._waiting.pop(fileno, None)
            if connection is not None:
                self._go_on(connection)
        except Exception:
            # Whatever happened to one connection, the others still need this thread.
            log.exception("a connection was lost")

    def _admit(self, door: "Door") -> None:
        """Accept one connection; data often comes with it, so it is looked at right away."""
        try:
            carrier, environ = door.accept()
        except BlockingIOError:
            return
        except OSError as error:
            self._refrain(error)
            return
        finally:
            self._wait_at(door)
        if len(self._connections) >= self.limits.max_connections:
            self._make_room()
        connection = Connection(carrier, door.application, environ, self.limits)
        connection.ending = self.stopping
        connection.rouse = partial(self._rouse, connection)
        self._connections.add(connection)
        self._go_on(connection)

    def _wait_at(self, door: "Door") -> None:
        with contextlib.suppress(OSError):  # when it is being closed at this moment
            if not door.closed:
                self._epoll.modify(door.fileno, select.EPOLLIN | select.EPOLLONESHOT)

    def _refrain(self, error: OSError) -> None:
        """Cope with a failed accept; most peers that are gone again are not worth a word."""
        if error.errno in OUT_OF_FILES and not self.stopping:
            log.warning("can't accept a connection: %s", error)
            self._make_room()
            time.sleep(0.05)

    def _make_room(self) -> None:
        """Drop the waiting connection whose time would be over first."""
        with self._lock:
            waiting = sorted(self._waiting.items(), key=lambda item: item[1].deadline)
            found = (self._waiting.pop(fileno, None) for fileno, _ in waiting)
            connection = next((each for each in found if each is not None), None)
        if connection is None:
            return
        now = time.monotonic()
        if now - self._complained > COMPLAINT_SECONDS:
            self._complained = now
            log.warning("too many connections: one from %s is closed", connection.peer)
        self._drop(connection)

    def _go_on(self, connection: Connection) -> None:
        connection.roused = False
        event = connection.advance()
        if event == CLOSED:
            self._drop(connection)
            return
        with self._lock:
            if connection.roused and connection.phase is Phase.AWAITING:
                event = select.EPOLLOUT
            self._wait_for(connection, event)

    def _wait_for(self, connection: Connection, event: int) -> None:
        """Have a worker go on with ``connection`` at ``event``; the lock is held."""
        self._waiting[connection.fileno] = connection
        change = self._epoll.modify if connection.registered else self._epoll.register
        connection.registered = True
        change(connection.fileno, event | select.EPOLLONESHOT)

    def _rouse(self, connection: Connection) -> None:
        """Have a worker ask the application for more; called from whatever thread."""
        with self._lock:
            connection.roused = True
            known = self._waiting.get(connection.fileno) is connection
            if known and connection.phase is Phase.AWAITING:
                self._wait_for(connection, select.EPOLLOUT)

    def _drop(self, connection: Connection) -> None:
        self._connections.discard(connection)
        connection.close()

    def _take(self, wanted: Callable[[Connection], bool]) -> list[Connection]:
        """Take the waiting connections that are ``wanted`` away from the workers."""
        with self._lock:
            found = [fileno for fileno, each in list(self._waiting.items()) if wanted(each)]
            taken = [self._waiting.pop(fileno, None) for fileno in found]
        return [connection for connection in taken if connection is not None]

    def _sweep(self) -> None:
        """End the connections whose time is over, again and again."""
        while not self._stopped.wait(SWEEP_SECONDS):
            for connection in self._take(Connection.is_late):
                if connection.phase is Phase.AWAITING:
                    # The application may take long to answer, and this thread has no time.
                    with self._lock:
                        self._wait_for(connection, select.EPOLLOUT)
                    continue
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

    def accept(self) -> tuple[PlainTransport, Environ]:
        """Accept a connection; with what its requests say of the peer."""
        sock, peer = self._socket.accept()
        sock.setblocking(False)
        if isinstance(self.address, Path):
            environ = {**self.environ, "slapmaster.peer_uid": transport.peer_uid(sock)}
            return PlainTransport(sock), environ
        host = peer[0].partition("%")[0].removeprefix("::ffff:")
        environ = {**self.environ, "REMOTE_ADDR": host, "REMOTE_PORT": str(peer[1])}
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

    def _make_environ(self) -> Environ:
        return {
            "REMOTE_ADDR": "",
            "SCRIPT_NAME": "",
            "SERVER_NAME": "localhost" if isinstance(self.address, Path) else self.address.host,
            "SERVER_PORT": "80" if isinstance(self.address, Path) else str(self.address.port),
            "SERVER_SOFTWARE": "slapmaster",
            "wsgi.errors": sys.stderr,
            "wsgi.input_terminated": True,
            "wsgi.multiprocess": False,
            "wsgi.multithread": True,
            "wsgi.run_once": False,
            "wsgi.url_scheme": "http" if self._context is None else "https",
            "wsgi.version": (1, 0),
        }


def _allow_open_files(wanted: int) -> None:
    """Raise the process's limit of open files as far as it needs and may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
        if allowed < wanted:
            log.warning("only %d files may be open, %d may be needed", allowed, wanted)


def _listen_tcp(address: Address) -> socket.socket:
    try:
        return transport.listen_tcp(address.host, address.port)
    except OSError as error:
        raise errors.ConfigurationError(f"can't listen on {address}: {error}") from error
