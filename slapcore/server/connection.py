"""One connection, from its first byte to its last."""

import logging
import select
import time
from collections.abc import Callable
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from slapcore.log import new_request_id
from slapcore.log import request_id
from slapcore.server import http1
from slapcore.server.answer import Answer
from slapcore.server.http1 import Refused
from slapcore.server.transport import PlainTransport

log = logging.getLogger(__name__)

Environ = dict[str, Any]
Application = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]

#: bytes per second that a peer must take or give at least, once its time is over
SLOWEST = 8 << 10

#: how long an ended connection is kept for the peer to read why
LINGER_SECONDS = 3.0

#: requests sent in one go that are answered before other connections have their turn
ANSWERED_IN_A_ROW = 16

#: pieces of a request that are read before other connections have their turn
RECEIVED_IN_A_ROW = 256

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


class Phase(Enum):
    """What a connection is doing."""

    OPENING = "until its first byte, or with TLS to the end of the handshake"
    RECEIVING = "part of a request is here"
    ANSWERING = "an answer is made or on its way"
    AWAITING = "the application has no more to say yet; the peer waits with us"
    IDLE = "between two requests"
    LINGERING = "nothing more is said, the peer may still read"


def do_nothing() -> None:
    """Whom nobody can wake."""


class Connection:
    """One connection, from the first byte to the last; used by one thread at a time."""

    def __init__(
        self, carrier: PlainTransport, application: Application, environ: Environ, limits: Limits
    ) -> None:
        self.registered = False
        #: no request is taken after the one at hand
        self.ending = False
        #: there may be more to say since the application was asked last
        self.roused = False
        #: called by an application that has more to say, from whatever thread
        self.rouse: Callable[[], None] = do_nothing
        self.fileno = carrier.fileno()
        self.peer = environ["REMOTE_ADDR"] or "the local socket"
        self._carrier = carrier
        self._application = application
        self._environ = environ
        self._limits = limits
        self._opener = getattr(application, "open_body", None)
        self._reader = http1.RequestReader(
            limits.max_header, limits.max_body, self._open_body if self._opener else None
        )
        self._answer: Answer | None = None
        #: what the lines of the log about the last request carry
        self._identity = "-"
        self._enter(Phase.OPENING, limits.handshake_timeout)

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
        request_id.set(self._identity)
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
        if self.phase is Phase.AWAITING:
            return
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
        if self.phase is Phase.AWAITING:
            self._resume()
        for _ in range(ANSWERED_IN_A_ROW):
            if self._answer is None:
                request = self._receive()
                if request is None:
                    return self._carrier.wants
                self._answer = self._ask(request)
                self._enter(Phase.ANSWERING, self._limits.request_timeout)
            self.deadline += self._answer.flush(self._carrier) / SLOWEST
            if not self._answer.done:
                return self._await(self._answer)
            event = self._end_answer()
            if event is not None:
                return event
        self._carrier.wants = select.EPOLLOUT
        return select.EPOLLOUT

    def _await(self, answer: "Answer") -> int:
        """Let the peer take its time, or the application: then only the peer's going is heard."""
        if not answer.waits:
            return self._carrier.wants
        self.phase = Phase.AWAITING
        self.deadline = answer.deadline
        if self.ending:
            answer.finish()
            self.roused = True
        self._carrier.wants = select.EPOLLRDHUP
        return self._carrier.wants

    def _resume(self) -> None:
        poll = select.poll()
        poll.register(self.fileno, select.POLLRDHUP)
        if poll.poll(0):
            raise EOFError("it did not wait for the answer")
        self._enter(Phase.ANSWERING, self._limits.request_timeout)

    def _receive(self) -> http1.Request | None:
        """Read until a request is whole; ``None`` when more has to come."""
        for _ in range(RECEIVED_IN_A_ROW):
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
        # There is more, but others have waited: this goes on as soon as one could write.
        self._carrier.wants = select.EPOLLOUT
        return None

    def _open_body(self, head: dict[str, str], length: int | None) -> http1.Body | None:
        """Have the application say where the body of a request goes that begins to come in."""
        assert self._opener is not None
        body: http1.Body | None = self._opener(self._whole(head), length)
        return body

    def _whole(self, head: dict[str, str]) -> Environ:
        """Give what is known of a request, by its head and by its connection."""
        environ: Environ = {**self._environ, **head}
        if self._carrier.certificate is not None:
            environ["slapmaster.client_certificate"] = self._carrier.certificate
        return environ

    def _send_continue(self) -> None:
        if self._reader.wants_continue:
            self._reader.wants_continue = False
            self._carrier.send([CONTINUE])

    def _ask(self, request: http1.Request) -> "Answer":
        """Have the application answer."""
        self._identity = new_request_id()
        environ = self._whole(request.environ)
        environ["wsgi.input"] = request.body
        # It is all there already: without this WebOb copies it, to a file if it is long.
        environ["webob.is_body_seekable"] = True
        environ["slapmaster.request_id"] = self._identity
        answer = Answer(request)
        try:
            body = self._application(environ, answer.start)
            keep_alive = request.keep_alive and not self.ending
            answer.take(body, keep_alive=keep_alive, wake=self.rouse)
        except Exception:
            log.exception("%s %s failed", environ["REQUEST_METHOD"], environ["PATH_INFO"])
            answer.close()
            text = f"The server failed; its log says why at {self._identity}."
            return Answer.of(Refused(500, text))
        if answer.status >= "400":
            self._log_failure(environ, answer.status)
        return answer

    def _log_failure(self, environ: Environ, status: str) -> None:
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        log.info("%s %s from %s: %s", method, path, self.peer, status)

    def _end_answer(self) -> int | None:
        """Put the sent answer away; ``None`` when another request is here already."""
        assert self._answer is not None
        answer, self._answer = self._answer, None
        answer.close()
        self._carrier.wants = select.EPOLLIN
        if answer.keep_alive and (self._reader.began or self._carrier.has_pending()):
            self._enter(Phase.RECEIVING, self._limits.request_timeout)
            return None
        if answer.keep_alive:
            self._enter(Phase.IDLE, self._limits.idle_timeout)
            return select.EPOLLIN
        if answer.lingers:
            self._carrier.finish()
            self._enter(Phase.LINGERING, LINGER_SECONDS)
            return select.EPOLLIN
        return CLOSED

    def _refuse(self, refused: Refused) -> int:
        self._identity = new_request_id()
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
