"""Bodies that go where the application says, and answers that come from a file."""

import hashlib
import http.client
import io
import os
import socket
import threading
import time
from contextlib import closing
from contextlib import contextmanager
from contextlib import suppress
from datetime import UTC
from datetime import datetime

import pytest
import requests

from slapcore.server import answer
from slapcore.server import connection
from slapcore.server.http1 import Refused
from slapcore.server.listeners import Limits
from slapcore.server.listeners import Listener
from slapcore.server.listeners import Server
from slapmaster.auth.authority import Authority

LONG = os.urandom(3_000_000)
SMALL_LIMITS = Limits(max_body=1000, request_timeout=5.0)


class Sink(io.BytesIO):
    """A place for a body that tells when it was closed."""

    def __init__(self):
        super().__init__()
        self.gone = threading.Event()

    def close(self):
        self.gone.set()
        super().close()


class File:
    """Part of a file as the body of an answer."""

    def __init__(self, path, start=0):
        self.file = path.open("rb")
        self.file.seek(start)

    def fileno(self):
        return self.file.fileno()

    def tell(self):
        return self.file.tell()

    def __iter__(self):
        return iter(lambda: self.file.read(100_000), b"")

    def close(self):
        self.file.close()


class Application:
    """Hashes what is sent to ``/sink``; sends the long file from anywhere else."""

    def __init__(self, path):
        self.path = path
        self.sinks = []
        self.opened = []
        self.files = []

    def open_body(self, environ, length):
        self.opened.append((environ["PATH_INFO"], environ["REMOTE_ADDR"], length))
        if environ["PATH_INFO"] == "/forbidden":
            raise Refused(403, "Not here.")
        if environ["PATH_INFO"] != "/sink":
            return None
        self.sinks.append(Sink())
        return self.sinks[-1]

    def __call__(self, environ, start_response):
        if environ["REQUEST_METHOD"] == "POST":
            body = hashlib.sha512(environ["wsgi.input"].read()).hexdigest().encode()
            start_response("201 Created", [("Content-Length", str(len(body)))])
            return [body]
        start = int(environ["QUERY_STRING"] or 0)
        length = int(environ["PATH_INFO"].strip("/") or len(LONG) - start)
        start_response("200 OK", [("Content-Length", str(length))])
        self.files.append(File(self.path, start))
        return self.files[-1]


@pytest.fixture
def application(tmp_path):
    path = tmp_path / "long"
    path.write_bytes(LONG)
    return Application(path)


@contextmanager
def running(application, *listeners):
    listeners = listeners or (Listener.plain("127.0.0.1", 0),)
    server = Server(application, listeners=listeners, threads=2, limits=SMALL_LIMITS)
    server.start()
    try:
        yield server
    finally:
        server.stop(2.0)


@pytest.fixture
def server(application):
    with running(application) as server:
        yield server


def url(server, path, index=0):
    return f"http://127.0.0.1:{server.addresses[index].port}{path}"


def test_a_body_goes_where_the_application_says_and_may_be_larger_than_the_limit(
    server, application
):
    answer = requests.post(url(server, "/sink"), LONG, timeout=10)
    assert answer.text == hashlib.sha512(LONG).hexdigest()
    assert application.opened == [("/sink", "127.0.0.1", len(LONG))]
    assert application.sinks[0].gone.wait(5)


def test_the_length_of_a_body_in_chunks_is_not_known_to_the_application(server, application):
    pieces = (LONG[at : at + 70_000] for at in range(0, len(LONG), 70_000))
    answer = requests.post(url(server, "/sink"), pieces, timeout=10)
    assert answer.text == hashlib.sha512(LONG).hexdigest()
    assert application.opened == [("/sink", "127.0.0.1", None)]


@pytest.mark.parametrize("body", [LONG, iter([LONG])], ids=["length", "chunks"])
def test_other_bodies_have_the_usual_limit(server, body):
    with closing(http.client.HTTPConnection("127.0.0.1", server.addresses[0].port)) as asking:
        with suppress(ConnectionError):  # it may have answered and gone before all was sent
            asking.request("POST", "/other", body)
        assert asking.getresponse().status == 413


def test_the_application_may_refuse_a_body_before_it_comes(server):
    with closing(socket.create_connection(("127.0.0.1", server.addresses[0].port))) as sock:
        sock.sendall(b"POST /forbidden HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n")
        assert sock.recv(1000).startswith(b"HTTP/1.1 403 Forbidden\r\n")


def test_a_body_that_breaks_off_is_closed(server, application):
    with closing(socket.create_connection(("127.0.0.1", server.addresses[0].port))) as sock:
        sock.sendall(b"POST /sink HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nbegin")
        wait_for(lambda: application.sinks)
    assert application.sinks[0].gone.wait(5)


def wait_for(wanted):
    deadline = time.monotonic() + 5
    while not wanted():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize(
    ("path", "wanted"),
    [("/", LONG), ("/10?2999990", LONG[-10:]), ("/70000", LONG[:70_000]), ("/1?5", LONG[5:6])],
    ids=["whole", "end", "beginning", "byte"],
)
def test_an_answer_from_a_file_is_as_long_as_it_says(server, application, path, wanted):
    assert requests.get(url(server, path), timeout=10).content == wanted
    wait_for(lambda: application.files[-1].file.closed)


def test_answers_from_files_share_a_connection(server):
    with requests.Session() as session:
        for start in (0, 1_000_000, 2_999_999):
            found = session.get(url(server, f"/?{start}"), timeout=10)
            assert found.content == LONG[start:]


def test_head_reads_no_file(server):
    found = requests.head(url(server, "/"), timeout=10)
    assert (found.headers["Content-Length"], found.content) == (str(len(LONG)), b"")


def test_a_file_that_is_shorter_than_its_answer_ends_the_connection(server, application):
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        _ = requests.get(url(server, "/3000010"), timeout=10).content
    wait_for(lambda: application.files[-1].file.closed)


def test_a_file_goes_over_tls_too(application, tmp_path):
    now = datetime.now(UTC)
    authority = Authority.create("Test authority", now)
    found = authority.issue_server(["localhost", "127.0.0.1"], days=9, now=now)
    for name, text in (("server.crt", found.certificate), ("server.key", found.key)):
        (tmp_path / name).write_text(text)
    listener = Listener.tls(
        "127.0.0.1", 0, certificate=tmp_path / "server.crt", key=tmp_path / "server.key"
    )
    (tmp_path / "ca").write_bytes(authority.certificate_pem)
    with running(application, listener) as server:
        place = url(server, "/?7").replace("http:", "https:")
        assert requests.get(place, timeout=10, verify=tmp_path / "ca").content == LONG[7:]


def test_who_sends_or_takes_without_end_leaves_the_others_their_turn(application, monkeypatch):
    monkeypatch.setattr(connection, "RECEIVED_IN_A_ROW", 2)
    monkeypatch.setattr(answer, "SENT_IN_A_ROW", 100_000)
    with running(application) as server:
        sent = requests.post(url(server, "/sink"), LONG, timeout=10)
        assert sent.text == hashlib.sha512(LONG).hexdigest()
        assert requests.get(url(server, "/"), timeout=10).content == LONG
