"""Answers that take their time: nobody waits for them but their peers."""

import http.client
import math
import threading
import time
from contextlib import ExitStack
from contextlib import closing
from contextlib import contextmanager

import pytest

from slapcore.server.listeners import Limits
from slapcore.server.listeners import Listener
from slapcore.server.listeners import Server

QUICK = Limits(request_timeout=0.4, idle_timeout=5)


class Body:
    """Says ``pieces`` as somebody adds them, and ``end`` at its end."""

    def __init__(self):
        self.pieces = []
        self.deadline = math.inf
        self.ended = False
        self.asked = 0
        self.closed = threading.Event()
        self.wake = None

    def attend(self, wake):
        self.wake = wake

    def finish(self):
        self.ended = True

    def close(self):
        self.closed.set()

    def __iter__(self):
        while not self.ended:
            self.asked += 1
            yield self.pieces.pop(0) if self.pieces else b""
        yield b"end"


class Application:
    """Answers hello, or a body that takes its time."""

    def __init__(self):
        self.bodies = []

    def __call__(self, environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain")])
        if environ["PATH_INFO"] == "/hello":
            return [b"hello"]
        self.bodies.append(Body())
        return self.bodies[-1]


@pytest.fixture
def application():
    return Application()


@contextmanager
def running(application, threads=1):
    listener = Listener.plain("127.0.0.1", 0)
    server = Server(application, listeners=[listener], threads=threads, limits=QUICK)
    server.start()
    try:
        yield server
    finally:
        server.stop(grace=2)


@pytest.fixture
def server(application):
    with running(application) as server:
        yield server


def ask(server, path="/"):
    connection = http.client.HTTPConnection("127.0.0.1", server.addresses[0].port, timeout=5)
    connection.request("GET", path)
    return connection, connection.getresponse()


def until(met, seconds=5):
    deadline = time.monotonic() + seconds
    while not met() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert met()


def test_others_are_answered_by_the_only_thread_while_many_wait(server, application):
    with ExitStack() as stack:
        answers = []
        for _ in range(50):
            connection, answer = ask(server)
            stack.enter_context(closing(connection))
            answers.append(answer)
        time.sleep(3 * QUICK.request_timeout)  # their time does not run out
        connection, hello = ask(server, "/hello")
        with closing(connection):
            assert hello.read() == b"hello"
        for number, body in enumerate(application.bodies):
            body.pieces.append(b"news %02d" % number)
            body.wake()
        assert sorted(answer.read1() for answer in answers) == [
            b"news %02d" % number for number in range(50)
        ]


def test_a_body_that_was_woken_before_it_waits_is_asked_again(server, application):
    class Hasty(Body):
        def __iter__(self):
            self.wake()
            yield b""
            yield b"at once"

    application.bodies = Bodies(Hasty)
    connection, answer = ask(server)
    with closing(connection):
        assert answer.read() == b"at once"


class Bodies(list):
    """Has each body be of another class."""

    def __init__(self, kind):
        super().__init__()
        self.kind = kind

    def append(self, body):
        body.__class__ = self.kind
        super().append(body)


def test_a_body_is_asked_again_when_its_time_has_come(server, application):
    connection, _ = ask(server)
    with closing(connection):
        (body,) = application.bodies
        asked = body.asked
        body.deadline = time.monotonic()
        body.wake()
        until(lambda: body.asked >= asked + 3)
        body.deadline = math.inf


def test_a_body_is_closed_when_its_peer_has_gone(server, application):
    connection, answer = ask(server)
    answer.close()
    connection.close()
    assert application.bodies[0].closed.wait(5)


def test_after_an_answer_that_took_its_time_the_connection_is_used_again(server, application):
    connection, answer = ask(server)
    with closing(connection):
        application.bodies[0].finish()
        application.bodies[0].wake()
        assert answer.read() == b"end"
        connection.request("GET", "/hello")
        assert connection.getresponse().read() == b"hello"


def test_a_server_that_ends_has_those_answers_come_to_their_end(application):
    with running(application) as server:
        connection, answer = ask(server)
        begun = time.monotonic()
    with closing(connection):
        assert answer.read() == b"end"
    assert time.monotonic() - begun < 1


def test_waking_what_has_ended_does_nothing(server, application):
    connection, answer = ask(server)
    with closing(connection):
        body = application.bodies[0]
        body.finish()
        body.wake()
        answer.read()
        assert body.closed.wait(5)
        body.wake()
        connection.request("GET", "/hello")
        assert connection.getresponse().read() == b"hello"
