"""The server through real sockets: what peers see, the slow and the hostile ones too."""

import http.client
import logging
import os
import socket
import ssl
import stat
import struct
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from contextlib import closing
from contextlib import contextmanager
from contextlib import suppress
from datetime import UTC
from datetime import datetime
from datetime import timedelta

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from slapcore import errors
from slapcore.log import request_id
from slapcore.server import connection
from slapcore.server.listeners import Limits
from slapcore.server.listeners import Listener
from slapcore.server.listeners import Server
from slapmaster.auth.authority import Authority

BIG = bytes(range(256)) * 6250  # 1.6 MB
NOW = datetime.now(UTC)
QUICK = Limits(
    handshake_timeout=0.6, request_timeout=0.6, idle_timeout=0.6, max_body=100_000, max_header=4096
)


class Application:
    """Answers by path what the tests want to see."""

    def __init__(self):
        self.environ = {}
        self.seen = Counter()
        self.closed = threading.Event()
        self.running = threading.Event()
        self.gate = threading.Event()

    def __call__(self, environ, start_response):
        self.environ = environ
        path = environ["PATH_INFO"]
        self.seen[path] += 1
        return getattr(self, f"answer_{path.strip('/') or 'hello'}")(environ, start_response)

    def answer_hello(self, environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "6")])
        return [b"hello\n"]

    def answer_echo(self, environ, start_response):
        body = environ["wsgi.input"].read()
        start_response("200 OK", [("Content-Length", str(len(body)))])
        return [body]

    def answer_big(self, environ, start_response):
        start_response("200 OK", [("Content-Length", str(len(BIG)))])
        return [BIG]

    def answer_undeclared(self, environ, start_response):
        start_response("200 OK", [])
        return [b"one ", b"two"]

    def answer_stream(self, environ, start_response):
        start_response("200 OK", [])
        return Stream(self.closed, [b"first,", b"", b"second," * 10_000, b"third"])

    def answer_broken(self, environ, start_response):
        start_response("200 OK", [("Content-Length", "100")])
        return [b"too short"]

    def answer_written(self, environ, start_response):
        start_response("200 OK", [])(b"written ")
        return iter([b"and ", b"returned"])

    def answer_nothing(self, environ, start_response):
        start_response("204 No Content", [])
        return []

    def answer_failing(self, environ, start_response):
        raise KeyError("a secret of the house")

    def answer_missing(self, environ, start_response):
        start_response("404 Not Found", [("Content-Length", "0")])
        return []

    def answer_splitting(self, environ, start_response):
        start_response("200 OK", [("Location", "/a\r\nSet-Cookie: b=c")])
        return [b""]

    def answer_waiting(self, environ, start_response):
        self.running.set()
        self.gate.wait(10)
        return self.answer_hello(environ, start_response)


class Stream:
    """A body without a known length, which wants to be closed."""

    def __init__(self, closed, chunks):
        self._closed = closed
        self._chunks = chunks

    def __iter__(self):
        return iter(self._chunks)

    def close(self):
        self._closed.set()


@pytest.fixture
def application():
    return Application()


@contextmanager
def running(application, *listeners, **options):
    server = Server(application, listeners=listeners or [Listener.plain("127.0.0.1", 0)], **options)
    server.start()
    try:
        yield server
    finally:
        server.stop(grace=2)


@pytest.fixture
def server(application):
    with running(application, limits=QUICK) as server:
        yield server


@pytest.fixture(scope="module")
def authority():
    return Authority.create("Test authority", NOW)


@pytest.fixture(scope="module")
def folder(authority, tmp_path_factory):
    """The certificates of the server and of several clients, as files."""
    folder = tmp_path_factory.mktemp("certificates")
    other = Authority.create("Test authority", NOW)
    issued = {
        "server": authority.issue_server(["localhost", "127.0.0.1"], days=9, now=NOW),
        "client": authority.issue("COMP-1", "node@example.com", days=9, now=NOW),
        "foreign": other.issue("COMP-1", "node@example.com", days=9, now=NOW),
        "expired": authority.issue("COMP-1", "", days=1, now=NOW - timedelta(days=3)),
    }
    for name, each in issued.items():
        (folder / f"{name}.crt").write_text(each.certificate)
        (folder / f"{name}.key").write_text(each.key)
    (folder / "authority.crt").write_bytes(authority.certificate_pem)
    return folder


def tls(folder):
    return Listener.tls(
        "127.0.0.1", 0, certificate=folder / "server.crt", key=folder / "server.key"
    )


@contextmanager
def connected(server, index=0):
    address = server.addresses[index]
    with socket.create_connection((address.host, address.port), timeout=10) as sock:
        yield sock


@contextmanager
def crowd(server, size):
    """Many silent connections."""
    with ExitStack() as stack:
        yield [stack.enter_context(connected(server)) for _ in range(size)]


def say(server, data, index=0):
    """Send ``data`` on a connection of its own; everything that comes back until it ends."""
    with connected(server, index) as sock:
        sock.sendall(data)
        return read_all(sock)


def read_all(sock):
    return b"".join(iter(lambda: sock.recv(65536), b""))


def get(path="/", *headers, version="1.1", method="GET"):
    lines = [f"{method} {path} HTTP/{version}", "Host: localhost", "Connection: close", *headers]
    return "\r\n".join([*lines, "", ""]).encode()


def url(server, path="/", index=0):
    scheme = "http" if index == 0 else "https"
    return f"{scheme}://127.0.0.1:{server.addresses[index].port}{path}"


# What a well-behaved peer sees


def test_an_answer_is_complete_and_says_little_about_the_server(server):
    answer = requests.get(url(server), timeout=5)
    assert (answer.status_code, answer.text) == (200, "hello\n")
    assert answer.headers["Server"] == "slapmaster"
    assert "Date" in answer.headers


def test_the_application_is_told_of_the_peer_and_the_request(server, application):
    requests.post(url(server, "/echo?a=%20b"), data={"x": "1"}, timeout=5)
    environ = application.environ
    assert environ["REMOTE_ADDR"] == "127.0.0.1"
    assert environ["REQUEST_METHOD"] == "POST"
    assert environ["QUERY_STRING"] == "a=%20b"
    assert environ["CONTENT_TYPE"] == "application/x-www-form-urlencoded"
    assert environ["CONTENT_LENGTH"] == "3"
    assert environ["wsgi.url_scheme"] == "http"
    assert environ["SERVER_PORT"] == str(server.addresses[0].port)
    assert "slapmaster.client_certificate" not in environ
    assert "slapmaster.peer_uid" not in environ


def test_each_request_has_an_id_of_its_own(server, application):
    found = set()
    for _ in range(3):
        requests.get(url(server), timeout=5)
        found.add(application.environ["slapmaster.request_id"])
    assert len(found) == 3


def test_a_connection_is_kept_for_many_requests(server):
    port = server.addresses[0].port
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=5)) as connection:
        connection.connect()
        local = connection.sock.getsockname()
        for number in range(20):
            connection.request("POST", "/echo", body=b"x" * number)
            assert connection.getresponse().read() == b"x" * number
        assert connection.sock.getsockname() == local


def test_requests_sent_together_are_answered_in_order(server):
    head = b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n"
    parts = [head + b"no%d" % number for number in range(5)]
    answer = say(server, b"".join(parts) + get("/nothing"))
    places = [answer.find(b"no%d" % number) for number in range(5)]
    assert places == sorted(places)
    assert answer.count(b"HTTP/1.1 ") == 6
    assert b"no4HTTP/1.1 204" in answer


def test_close_is_obeyed_and_announced(server):
    assert b"\r\nConnection: close\r\n" in say(server, get())


def test_an_old_client_gets_an_answer_that_ends_with_the_connection(server):
    answer = say(server, b"GET /stream HTTP/1.0\r\n\r\n")
    assert b"chunked" not in answer
    assert answer.endswith(b"third")


def test_an_old_client_may_ask_to_keep_the_connection(server):
    with connected(server) as sock:
        for _ in range(2):
            sock.sendall(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            answer = sock.recv(65536)
            assert b"\r\nConnection: keep-alive\r\n" in answer
            assert answer.endswith(b"hello\n")


@pytest.mark.parametrize("path", ["/", "/big", "/undeclared", "/stream"])
def test_head_has_the_headers_and_no_body(server, path):
    head, _, body = say(server, get(path, method="HEAD")).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 ")
    assert body == b""


def test_the_length_is_declared_where_it_is_known(server):
    answer = requests.get(url(server, "/undeclared"), timeout=5)
    assert (answer.headers["Content-Length"], answer.text) == ("7", "one two")


def test_a_body_of_unknown_length_is_sent_in_chunks_and_closed(server, application):
    answer = requests.get(url(server, "/stream"), timeout=5)
    assert answer.headers["Transfer-Encoding"] == "chunked"
    assert answer.text == "first," + "second," * 10_000 + "third"
    assert application.closed.wait(5)


def test_what_is_written_comes_before_what_is_returned(server):
    assert requests.get(url(server, "/written"), timeout=5).text == "written and returned"


def test_no_content_has_no_body_and_no_length(server):
    answer = say(server, get("/nothing"))
    assert answer.startswith(b"HTTP/1.1 204 ")
    assert b"Content-Length" not in answer
    assert answer.endswith(b"\r\n\r\n")


def test_a_big_answer_arrives_whole(server):
    assert requests.get(url(server, "/big"), timeout=10).content == BIG


def test_a_big_body_arrives_whole(application):
    with running(application) as server:
        body = os.urandom(3_000_000)
        assert requests.post(url(server, "/echo"), data=body, timeout=10).content == body
        chunks = (body[place : place + 70_001] for place in range(0, len(body), 70_001))
        answer = requests.post(url(server, "/echo"), data=chunks, timeout=10)
        assert answer.content == body
        assert application.environ["CONTENT_LENGTH"] == str(len(body))


def test_who_expects_to_be_told_to_continue_is_told(server):
    with connected(server) as sock:
        sock.sendall(
            b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n"
            b"Expect: 100-continue\r\nConnection: close\r\n\r\n"
        )
        assert sock.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        sock.sendall(b"body")
        assert read_all(sock).endswith(b"\r\n\r\nbody")


def test_many_clients_at_once_each_get_their_own_answer(application):
    with running(application, threads=3) as server, ThreadPoolExecutor(16) as pool:

        def ask(number):
            body = b"%d" % number * 1000
            return requests.post(url(server, "/echo"), data=body, timeout=20).content == body

        assert all(pool.map(ask, range(200)))


# Faults of the application


def test_a_failure_is_a_500_that_tells_the_peer_nothing_but_where_to_look(server, caplog):
    answer = requests.get(url(server, "/failing"), timeout=5)
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert "its log says why" in answer.text
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert requests.get(url(server), timeout=5).ok


def test_a_failed_request_leaves_one_line(server, caplog):
    caplog.set_level(logging.INFO)
    requests.get(url(server, "/missing?token=abc"), timeout=5)
    assert [record.getMessage() for record in caplog.records] == [
        "GET /missing from 127.0.0.1: 404 Not Found"
    ]


def test_lines_of_one_request_carry_its_id_and_no_other_does(server, application, caplog):
    caplog.set_level(logging.INFO)
    caplog.handler.addFilter(lambda record: setattr(record, "id", request_id.get()) or True)
    requests.get(url(server, "/missing"), timeout=5)
    asked = application.environ["slapmaster.request_id"]
    say(server, b"junk\r\n\r\n")
    requests.get(url(server, "/failing"), timeout=5)
    failed = application.environ["slapmaster.request_id"]
    ids = [record.id for record in caplog.records]
    assert (ids[0], ids[2]) == (asked, failed)
    assert len(set(ids)) == 3


def test_a_body_shorter_than_declared_ends_the_connection(server, caplog):
    with pytest.raises(requests.exceptions.RequestException):
        requests.get(url(server, "/broken"), timeout=5)
    assert "91 bytes shorter than declared" in caplog.text


def test_a_header_can_not_be_split(server):
    answer = say(server, get("/splitting"))
    assert answer.startswith(b"HTTP/1.1 500 ")
    assert b"Set-Cookie" not in answer


# Limits and malformed requests


@pytest.mark.parametrize(
    ("request_bytes", "status", "reason"),
    [
        (b"GET\r\n\r\n", 400, b"request line is malformed"),
        (b"GET / HTTP/2.0\r\nHost: x\r\n\r\n", 505, b"HTTP/1.1"),
        (b"GET / HTTP/1.1\r\n\r\n", 400, b"Host is missing"),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400, b"Content-Length"),
        (
            b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n",
            400,
            b"exclude one another",
        ),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100001\r\n\r\n", 413, b"100000 bytes"),
        (
            b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n186a1\r\n",
            413,
            b"100000 bytes",
        ),
        (
            b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            400,
            b"chunk of the body is malformed",
        ),
        (b"GET / HTTP/1.1\r\nHost: x\r\nA: " + b"a" * 5000 + b"\r\n\r\n", 431, b"4096 bytes"),
        (b"GET /" + b"a" * 5000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414, b"4096 bytes"),
    ],
)
def test_what_is_malformed_or_too_long_is_refused_with_the_reason(
    server, application, request_bytes, status, reason
):
    answer = say(server, request_bytes)
    assert answer.startswith(b"HTTP/1.1 %d " % status)
    assert reason in answer
    assert b"\r\nConnection: close\r\n" in answer
    assert not application.seen


def test_who_sends_far_too_much_still_reads_why_it_was_refused(server):
    answer = requests.post(url(server, "/echo"), data=b"x" * 5_000_000, timeout=10)
    assert (answer.status_code, answer.text) == (
        413,
        "The body of the request is longer than 100000 bytes.\n",
    )


# Slow and silent peers


def test_silent_peers_stall_nobody_and_are_sent_away(application, folder):
    with running(application, tls(folder), threads=2, limits=QUICK) as server:
        port = server.addresses[0].port
        with crowd(server, 20) as silent:
            begin = time.monotonic()
            answer = requests.get(
                f"https://127.0.0.1:{port}/", verify=folder / "authority.crt", timeout=5
            )
            assert answer.ok
            assert time.monotonic() - begin < 0.5
            assert all(sock.recv(10) == b"" for sock in silent)


def test_a_handshake_that_does_not_go_on_is_ended(application, folder):
    with running(application, tls(folder), limits=QUICK) as server, connected(server) as sock:
        sock.sendall(b"\x16\x03\x01\x02\x00\x01")
        assert sock.recv(10) == b""


def trickle(sock, data):
    """Send a byte every now and then until the other side has enough."""
    try:
        for place in range(len(data)):
            sock.sendall(data[place : place + 1])
            time.sleep(0.03)
    except OSError:
        return


@pytest.mark.parametrize(
    "slow",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\nA: " + b"a" * 1000,
        b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 9999\r\n\r\n" + b"a" * 1000,
    ],
    ids=["headers", "body"],
)
def test_slow_requests_are_ended_in_time_and_occupy_nobody(server, slow):
    with ThreadPoolExecutor(12) as pool, crowd(server, 12) as peers:
        for sock in peers:
            pool.submit(trickle, sock, slow)
        begin = time.monotonic()
        assert requests.get(url(server), timeout=5).ok
        assert time.monotonic() - begin < 0.5
        for sock in peers:
            assert sock.recv(65536).startswith(b"HTTP/1.1 408 ")
        assert time.monotonic() - begin < 3


def test_slow_readers_occupy_nobody(application):
    with running(application, threads=2) as server, crowd(server, 6) as slow:
        for sock in slow:
            sock.sendall(b"GET /big HTTP/1.1\r\nHost: x\r\n\r\n" * 8)
        begin = time.monotonic()
        assert requests.get(url(server), timeout=5).ok
        assert time.monotonic() - begin < 1


def test_a_reader_that_does_not_read_is_ended(application, monkeypatch):
    monkeypatch.setattr(connection, "SLOWEST", 1 << 30)
    with running(application, limits=QUICK) as server, connected(server) as sock:
        sock.sendall(b"GET /big HTTP/1.1\r\nHost: x\r\n\r\n" * 8)
        time.sleep(1.2)
        with suppress(ConnectionError):
            assert len(read_all(sock)) < 8 * len(BIG)


def flood(sock, data):
    """Send ``data`` again and again, throwing away what comes back, until the other end closes."""
    sock.settimeout(0.5)
    drain = threading.Thread(target=throw_away, args=(sock,))
    drain.start()
    with suppress(OSError):
        while True:
            sock.sendall(data)
    drain.join()


def throw_away(sock):
    with suppress(OSError):
        while sock.recv(1 << 20):
            pass


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 2000,
        b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999\r\n\r\n" * 20_000,
    ],
    ids=["requests", "refused"],
)
def test_who_never_stops_sending_leaves_the_others_their_turn(application, data):
    with ThreadPoolExecutor(1) as pool, running(application, threads=1) as server:
        address = server.addresses[0]
        with socket.create_connection((address.host, address.port)) as greedy:
            pool.submit(flood, greedy, data)
            time.sleep(0.2)
            for _ in range(3):
                assert requests.get(url(server), timeout=3).ok


def test_an_idle_connection_is_ended(server):
    with connected(server) as sock:
        sock.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert sock.recv(65536).endswith(b"hello\n")
        assert sock.recv(65536) == b""


def test_a_slow_application_is_not_taken_for_a_slow_peer(application):
    with running(application, threads=1, limits=QUICK) as server, ThreadPoolExecutor(2) as pool:
        waiting = pool.submit(requests.get, url(server, "/waiting"), timeout=10)
        assert application.running.wait(5)
        second = pool.submit(requests.get, url(server), timeout=10)
        time.sleep(1.5)
        application.gate.set()
        assert waiting.result().ok
        assert second.result().ok


def test_too_many_connections_push_out_the_one_that_waits_longest(application):
    limits = Limits(max_connections=5)
    with running(application, limits=limits) as server, crowd(server, 5) as idle:
        time.sleep(0.2)
        assert requests.get(url(server), timeout=5).ok
        assert idle[0].recv(10) == b""


def test_a_crowd_of_connections_is_survived(application):
    limits = Limits(max_connections=6)

    def ask(number):
        try:
            return say(server, get())[-6:]
        except ConnectionError:
            return b""

    with running(application, limits=limits) as server, ThreadPoolExecutor(16) as pool:
        answers = set(pool.map(ask, range(300)))
        assert b"hello\n" in answers
        assert answers <= {b"hello\n", b""}
        assert requests.get(url(server), timeout=5).ok


def test_peers_that_vanish_leave_nothing_behind(server):
    partial = b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n"
    for data in [b"", b"GET", get("/big"), partial]:
        with connected(server) as sock:
            sock.sendall(data)
            # Closing with this option resets the connection.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    assert requests.get(url(server), timeout=5).ok
    deadline = time.monotonic() + 5
    while server._connections and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not server._connections


# TLS


@pytest.fixture
def both(application, folder):
    with running(application, Listener.plain("127.0.0.1", 0), tls(folder), limits=QUICK) as server:
        yield server


def pair(folder, name):
    return (str(folder / f"{name}.crt"), str(folder / f"{name}.key"))


def secure(server, folder, name=None, path="/"):
    """Ask over TLS as the legacy client does, with the certificate ``name``."""
    return requests.get(
        url(server, path, index=1),
        cert=pair(folder, name) if name else None,
        verify=str(folder / "authority.crt"),
        timeout=5,
    )


def test_without_a_certificate_tls_works_and_the_application_sees_none(both, application, folder):
    assert secure(both, folder).text == "hello\n"
    assert application.environ["wsgi.url_scheme"] == "https"
    assert "slapmaster.client_certificate" not in application.environ


def test_the_client_certificate_reaches_the_application(both, application, folder, authority):
    assert secure(both, folder, "client").ok
    der = application.environ["slapmaster.client_certificate"]
    assert authority.verify(der, datetime.now(UTC)).common_name == "COMP-1"
    given = x509.load_pem_x509_certificate((folder / "client.crt").read_bytes())
    assert der == given.public_bytes(Encoding.DER)


@pytest.mark.parametrize(
    ("name", "reason"), [("foreign", "another authority"), ("expired", "certificate expired on")]
)
def test_a_bad_certificate_passes_tls_and_is_named_by_the_application(
    both, application, folder, authority, name, reason
):
    assert secure(both, folder, name).ok
    with pytest.raises(errors.Unauthenticated, match=reason):
        authority.verify(application.environ["slapmaster.client_certificate"], datetime.now(UTC))


def test_a_certificate_without_its_key_proves_nothing(both, folder):
    context = ssl.create_default_context(cafile=folder / "authority.crt")
    with pytest.raises(ssl.SSLError):
        context.load_cert_chain(folder / "client.crt", folder / "foreign.key")


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_connection_is_never_resumed(both, folder, version, application):
    context = ssl.create_default_context(cafile=folder / "authority.crt")
    context.minimum_version = context.maximum_version = version
    context.load_cert_chain(*pair(folder, "client"))
    session = None
    for _ in range(3):
        with connected(both, 1) as raw:
            sock = context.wrap_socket(raw, server_hostname="localhost", session=session)
            with sock:
                sock.sendall(get())
                assert sock.recv(65536).startswith(b"HTTP/1.1 200")
                assert not sock.session_reused
                assert "slapmaster.client_certificate" in application.environ
                session = sock.session


def test_old_versions_of_tls_are_refused(both, folder):
    context = ssl.create_default_context(cafile=folder / "authority.crt")
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning):
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    with connected(both, 1) as raw, pytest.raises((ssl.SSLError, ConnectionError)):
        context.wrap_socket(raw, server_hostname="localhost")


def test_plain_http_on_the_tls_port_is_told_so(both):
    answer = say(both, get(), index=1)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"This port speaks HTTPS" in answer


def test_big_bodies_and_answers_pass_tls(application, folder):
    with running(application, Listener.plain("127.0.0.1", 0), tls(folder)) as server:
        body = os.urandom(2_000_000)
        for _ in range(2):
            assert secure(server, folder, "client", "/big").content == BIG
            answer = requests.post(
                url(server, "/echo", index=1), data=body, verify=folder / "authority.crt", timeout=9
            )
            assert answer.content == body


def test_a_slow_reader_gets_the_whole_answer_over_tls(application, folder):
    context = ssl.create_default_context(cafile=folder / "authority.crt")
    with running(application, tls(folder)) as server, connected(server) as raw:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 100_000)
        with context.wrap_socket(raw, server_hostname="localhost") as sock:
            sock.sendall(get("/big"))
            time.sleep(0.3)
            assert read_all(sock).endswith(BIG)


def test_a_new_server_certificate_counts_after_reloading(application, folder, authority, tmp_path):
    listener = Listener.tls(
        "127.0.0.1", 0, certificate=tmp_path / "server.crt", key=tmp_path / "server.key"
    )

    def write():
        issued = authority.issue_server(["localhost"], days=9, now=NOW)
        listener.certificate.write_text(issued.certificate)
        listener.key.write_text(issued.key)
        return issued.fingerprint

    def seen(server):
        address = server.addresses[0]
        pem = ssl.get_server_certificate((address.host, address.port))
        return x509.load_pem_x509_certificate(pem.encode()).serial_number

    first = write()
    with running(application, listener) as server:
        before = seen(server)
        assert write() != first
        assert seen(server) == before
        server.reload()
        after = seen(server)
        assert after != before
        listener.key.write_text("junk")
        with pytest.raises(errors.ConfigurationError):
            server.reload()
        assert seen(server) == after


def test_a_certificate_and_a_key_that_do_not_fit_are_refused_by_name(application, folder):
    listener = Listener.tls(
        "127.0.0.1", 0, certificate=folder / "server.crt", key=folder / "client.key"
    )
    with pytest.raises(errors.ConfigurationError, match=r"server\.crt"):
        Server(application, listeners=[listener]).start()


# The unix socket


def ask_unix(path, request):
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(5)
        sock.connect(str(path))
        sock.sendall(request)
        return read_all(sock)


def test_the_unix_socket_is_ours_alone_and_names_the_peer(application, tmp_path):
    path = tmp_path / "control.sock"
    with running(application, Listener.unix(path)) as server:
        assert server.addresses == (path,)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert ask_unix(path, get()).endswith(b"hello\n")
        assert application.environ["slapmaster.peer_uid"] == os.getuid()
        assert application.environ["REMOTE_ADDR"] == ""
    assert not path.exists()


def test_a_listener_may_have_an_application_of_its_own(application, tmp_path):
    control = Application()
    path = tmp_path / "control.sock"
    with running(
        application, Listener.plain("127.0.0.1", 0), Listener.unix(path, control)
    ) as server:
        ask_unix(path, get("/nothing"))
        requests.get(url(server), timeout=5)
    assert (dict(control.seen), dict(application.seen)) == ({"/nothing": 1}, {"/": 1})


def test_the_socket_of_a_dead_server_is_replaced_and_that_of_a_live_one_is_not(
    application, tmp_path
):
    path = tmp_path / "control.sock"
    with closing(socket.socket(socket.AF_UNIX)) as dead:
        dead.bind(str(path))
    with running(application, Listener.unix(path)):
        with pytest.raises(errors.ConfigurationError, match="another server listens"):
            Server(application, listeners=[Listener.unix(path)]).start()
        assert ask_unix(path, get()).endswith(b"hello\n")


def test_a_file_in_the_place_of_the_socket_is_left_alone(application, tmp_path):
    path = tmp_path / "control.sock"
    path.write_text("precious")
    with pytest.raises(errors.ConfigurationError, match="not a socket"):
        Server(application, listeners=[Listener.unix(path)]).start()
    assert path.read_text() == "precious"


# Start and stop


def test_an_address_in_use_is_an_error_that_names_it(server, application):
    port = server.addresses[0].port
    with pytest.raises(errors.ConfigurationError, match=f"127.0.0.1:{port}"):
        Server(application, listeners=[Listener.plain("127.0.0.1", port)]).start()


def test_every_address_of_the_machine_is_served_with_a_star(application):
    with running(application, Listener.plain("*", 0)) as server:
        assert requests.get(f"http://127.0.0.1:{server.addresses[0].port}/", timeout=5).ok
        assert application.environ["REMOTE_ADDR"] == "127.0.0.1"


def test_stopping_finishes_what_has_begun_and_takes_nothing_new(application):
    with running(application) as server, ThreadPoolExecutor(2) as pool:
        waiting = pool.submit(requests.get, url(server, "/waiting"), timeout=10)
        assert application.running.wait(5)
        stopping = pool.submit(server.stop, 10)
        with pytest.raises(ConnectionError):
            for _ in range(100):
                say(server, get())
                time.sleep(0.02)
        application.gate.set()
        assert waiting.result().text == "hello\n"
        assert waiting.result().headers["Connection"] == "close"
        stopping.result(5)
        assert not server._connections


def test_stopping_does_not_wait_for_ever_and_not_for_the_idle(application):
    with running(application) as server, connected(server) as idle, connected(server) as partial:
        idle.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert idle.recv(65536).endswith(b"hello\n")
        partial.sendall(b"GET / HTT")
        time.sleep(0.1)
        begin = time.monotonic()
        server.stop(grace=0.5)
        assert time.monotonic() - begin < 2
        assert idle.recv(10) == b""
        assert partial.recv(10) == b""


def test_nothing_is_left_open_after_a_run(application, folder, tmp_path):
    before = set(os.listdir("/proc/self/fd"))
    path = tmp_path / "control.sock"
    plain = Listener.plain("127.0.0.1", 0)
    with running(application, plain, tls(folder), Listener.unix(path)) as server:
        secure(server, folder, "client")
        ask_unix(path, get())
    assert set(os.listdir("/proc/self/fd")) == before
