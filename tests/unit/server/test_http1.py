"""HTTP/1.1 without sockets: where a request ends, and what is refused."""

from contextlib import closing
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies

from slapcore.server.http1 import Refused
from slapcore.server.http1 import RequestReader
from slapcore.server.http1 import encode_head
from slapcore.server.http1 import encode_refusal


def make_reader(max_header=2000, max_body=10_000_000):
    return RequestReader(max_header, max_body)


def read(data, **limits):
    with closing(make_reader(**limits)) as reader:
        reader.feed(data)
        return reader.next_request()


def read_all(pieces, **limits):
    """Feed pieces and collect whatever requests they make, as (path, body)."""
    reader = make_reader(**limits)
    found = []
    for piece in pieces:
        reader.feed(piece)
        while (request := reader.next_request()) is not None:
            found.append((request.environ["PATH_INFO"], request.body.read()))
            request.body.close()
    assert not reader.began
    return found


def head(*headers, line="GET / HTTP/1.1"):
    return "\r\n".join([line, "Host: localhost", *headers, "", ""]).encode("latin-1")


def chunked(body, size):
    parts = [body[place : place + size] for place in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


STREAM = (
    b"\r\n"
    + head(line="GET /one HTTP/1.1")
    + head("Content-Length: 5", line="POST /two HTTP/1.1")
    + b"\r\n\r\nx"
    + head("Transfer-Encoding: chunked", line="POST /three HTTP/1.1")
    + b"5;name=value\r\nhello\r\nA\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n"
    + head("Content-Length: 0", line="PUT /four HTTP/1.1")
)
REQUESTS = [("/one", b""), ("/two", b"\r\n\r\nx"), ("/three", b"hello0123456789"), ("/four", b"")]


def test_requests_are_found_one_after_the_other():
    assert read_all([STREAM]) == REQUESTS


def test_it_does_not_matter_how_the_bytes_come():
    assert read_all(STREAM[place : place + 1] for place in range(len(STREAM))) == REQUESTS


@given(strategies.lists(strategies.integers(0, len(STREAM)), max_size=10))
def test_it_does_not_matter_where_the_bytes_are_cut(places):
    cuts = [0, *sorted(places), len(STREAM)]
    pieces = [STREAM[begin:end] for begin, end in pairwise(cuts)]
    assert read_all(pieces) == REQUESTS


@given(strategies.binary(max_size=3000), strategies.integers(1, 700), strategies.integers(1, 999))
def test_any_body_comes_through_chunks_of_any_size(body, size, cut):
    data = head("Transfer-Encoding: chunked", line="POST / HTTP/1.1") + chunked(body, size)
    pieces = [data[place : place + cut] for place in range(0, len(data), cut)]
    assert read_all(pieces) == [("/", body)]


@given(strategies.binary(max_size=300))
def test_junk_is_refused_or_waited_for_and_nothing_else(junk):
    reader = make_reader(max_header=100)
    try:
        reader.feed(junk)
        reader.next_request()
    except Refused as refused:
        assert encode_refusal(refused).startswith(b"HTTP/1.1 %d " % refused.status)
    reader.close()


@given(strategies.binary(max_size=40), strategies.integers(0, 200))
def test_junk_anywhere_in_a_request_is_refused_or_waited_for_and_nothing_else(junk, place):
    data = head("Content-Length: 10", "A: b", line="POST /a?b HTTP/1.1") + b"0123456789"
    reader = make_reader()
    try:
        reader.feed(data[:place] + junk + data[place:])
        while reader.next_request() is not None:
            pass
    except Refused as refused:
        assert refused.status in (400, 413, 417, 431, 501, 505)
    reader.close()


def test_a_large_body_is_not_kept_in_memory():
    body = bytes(1_000_000)
    for data in (
        head(f"Content-Length: {len(body)}") + body,
        head("Transfer-Encoding: chunked") + chunked(body, 65536),
    ):
        request = read(data)
        assert request.body.fileno() > 2
        assert request.body.read() == body
        request.body.close()


def test_the_head_becomes_what_wsgi_wants():
    request = read(
        head(
            "Accept: text/html",
            "ACCEPT:  text/plain\t",
            "Cookie: a=1",
            "Cookie: b=2",
            "Content-Type: text/xml",
            "X-Empty:",
            "X-Latin: \xe9",
            line="POST /a%20b/%C3%A9?c=%2F HTTP/1.1",
        )
    )
    assert request.environ == {
        "REQUEST_METHOD": "POST",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REQUEST_URI": "/a%20b/%C3%A9?c=%2F",
        "PATH_INFO": "/a b/\xc3\xa9",
        "QUERY_STRING": "c=%2F",
        "HTTP_HOST": "localhost",
        "HTTP_ACCEPT": "text/html, text/plain",
        "HTTP_COOKIE": "a=1; b=2",
        "CONTENT_TYPE": "text/xml",
        "CONTENT_LENGTH": "0",
        "HTTP_X_EMPTY": "",
        "HTTP_X_LATIN": "\xe9",
    }


@pytest.mark.parametrize(
    ("target", "path", "query", "host"),
    [
        ("/", "/", "", "localhost"),
        ("//double", "//double", "", "localhost"),
        ("/a?b?c", "/a", "b?c", "localhost"),
        ("http://example.com:80/a?b", "/a", "b", "example.com:80"),
        ("HTTP://example.com", "/", "", "example.com"),
        ("http://example.com?b", "/", "b", "example.com"),
    ],
)
def test_the_target_is_a_path_or_a_url(target, path, query, host):
    environ = read(head(line=f"GET {target} HTTP/1.1")).environ
    found = (environ["PATH_INFO"], environ["QUERY_STRING"], environ["HTTP_HOST"])
    assert found == (path, query, host)


def test_options_may_ask_about_the_server_itself():
    assert read(head(line="OPTIONS * HTTP/1.1")).environ["PATH_INFO"] == ""


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (head(line="GET  / HTTP/1.1"), 400),
        (head(line="GET / HTTP/1.1 "), 400),
        (head(line="GET /a b HTTP/1.1"), 400),
        (head(line="GET /\xe9 HTTP/1.1"), 400),
        (head(line="GET a HTTP/1.1"), 400),
        (head(line="GET * HTTP/1.1"), 400),
        (head(line="CONNECT a:80 HTTP/1.1"), 400),
        (head(line="GET /a#b HTTP/1.1"), 400),
        (head(line="GET /%ff HTTP/1.1"), 400),
        (head(line="GET http://user@host/ HTTP/1.1"), 400),
        (head(line="G@T / HTTP/1.1"), 400),
        (head(line="GET / HTTP/3.0"), 505),
        (head(line="GET / http/1.1"), 400),
        (head("A : b"), 400),
        (head("A"), 400),
        (head(": b"), 400),
        (head("A_B: c"), 400),
        (head("Client_Cert: c"), 400),
        (head("A: b\r\n folded: c"), 400),
        (head("A: b\nC: d"), 400),
        (head("A: b\rC: d"), 400),
        (head("A: b\0"), 400),
        (head("Host: other"), 400),
        (b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400),
        (b"GET / HTTP/1.1\nHost: a\n\n\r\n\r\n", 400),
        (head("Content-Length: 1", "Content-Length: 1"), 400),
        (head("Content-Length: 1, 1"), 400),
        (head("Content-Length: +1"), 400),
        (head("Content-Length: 1_0"), 400),
        (head("Content-Length: \xb2"), 400),
        (head("Content-Length: 0x1"), 400),
        (head("Content-Length: "), 400),
        (head("Content-Length: 1", "Transfer-Encoding: chunked"), 400),
        (head("Transfer-Encoding: chunked", line="GET / HTTP/1.0"), 400),
        (head("Transfer-Encoding: gzip, chunked"), 501),
        (head("Transfer-Encoding: chunked, chunked"), 501),
        (head("Transfer-Encoding: xchunked"), 501),
        (head("Transfer-Encoding: chunked", "Transfer-Encoding: chunked"), 400),
        (head("Expect: miracles"), 417),
        (head("Content-Length: 10000001"), 413),
        (head("Transfer-Encoding: chunked") + b"5\r\nhelloXX", 400),
        (head("Transfer-Encoding: chunked") + b"\r\n", 400),
        (head("Transfer-Encoding: chunked") + b"-1\r\n", 400),
        (head("Transfer-Encoding: chunked") + b"5\nhello", 400),
        (head("Transfer-Encoding: chunked") + b"fffffffff\r\n", 400),
        (head("Transfer-Encoding: chunked") + b"ffffffff\r\n", 413),
        (head("Transfer-Encoding: chunked") + b"1" * 2000, 400),
        (head("Transfer-Encoding: chunked") + b"0\r\n" + b"a: b\r\n" * 500, 431),
        (head("A: " + "b" * 2000), 431),
        (b"GET /" + b"a" * 3000, 414),
    ],
)
def test_what_two_readers_could_understand_differently_is_refused(data, status):
    with pytest.raises(Refused) as raised:
        read(data)
    assert raised.value.status == status


@pytest.mark.parametrize(
    ("version", "connection", "kept"),
    [
        ("1.1", None, True),
        ("1.1", "close", False),
        ("1.1", "Keep-Alive, Close", False),
        ("1.0", None, False),
        ("1.0", "Keep-Alive", True),
    ],
)
def test_the_client_says_whether_the_connection_is_kept(version, connection, kept):
    headers = [f"Connection: {connection}"] if connection else []
    assert read(head(*headers, line=f"GET / HTTP/{version}")).keep_alive is kept


def test_who_waits_for_a_sign_is_noticed_once_the_head_is_here():
    reader = make_reader()
    reader.feed(head("Content-Length: 4", "Expect: 100-continue"))
    assert reader.next_request() is None
    assert reader.wants_continue
    reader.feed(b"body")
    assert reader.next_request().body.read() == b"body"
    assert not reader.wants_continue


def test_a_head_with_a_line_end_in_it_is_not_written():
    for status, headers in (
        ("200 OK\r\nA: b", []),
        ("200 OK", [("A", "b\r\nC: d")]),
        ("200 OK", [("A\n", "b")]),
        ("200 OK", [("A", "b\r")]),
    ):
        with pytest.raises(ValueError, match="line end"):
            encode_head(status, headers, "")


def test_a_head_is_written_as_it_is_given():
    written = encode_head("200 OK", [("A", "b"), ("A", "c")], "Connection: close\r\n")
    assert written.startswith(b"HTTP/1.1 200 OK\r\nA: b\r\nA: c\r\nDate: ")
    assert written.endswith(b"\r\nServer: slapmaster\r\nConnection: close\r\n\r\n")
