"""The bench sends what the ``slapos`` command line sends, byte for byte (recorded from 1.26.1)."""

from tests.bench import wire
from tests.bench.load import Script
from tests.bench.load import content_length

GET = (
    b"GET /getFullComputerInformation?computer_id=local HTTP/1.1\r\nHost: 127.0.0.1:18999\r\n"
    b"User-agent: slapos.core/1.26.1\r\nAccept-Encoding: gzip, deflate\r\nAccept: */*\r\n"
    b"Connection: keep-alive\r\n\r\n"
)
POST = (
    b"POST /setComputerPartitionConnectionXml HTTP/1.1\r\nHost: 127.0.0.1:18999\r\n"
    b"User-agent: slapos.core/1.26.1\r\nAccept-Encoding: gzip, deflate\r\nAccept: */*\r\n"
    b"Connection: keep-alive\r\nContent-type: application/x-www-form-urlencoded\r\n"
    b"Content-Length: 222\r\n"
    b"Authorization: X-SlapPartition computer_id=local, computer_partition_id=slappart0\r\n\r\n"
    b"computer_id=local&computer_partition_id=slappart0&connection_xml=%3Cmarshal%3E%3Cdictionary"
    b"+id%3D%22i2%22%3E%3Cstring%3Eurl%3C%2Fstring%3E%3Cstring%3Ex%3C%2Fstring%3E%3C%2Fdictionary"
    b"%3E%3C%2Fmarshal%3E&slave_reference=None"
)
HOST = "127.0.0.1:18999"


def test_a_read_is_what_the_client_sends():
    assert wire.get(HOST, "/getFullComputerInformation", computer_id="local") == GET


def test_a_partition_s_word_is_what_the_client_sends():
    fields = {"connection_xml": wire.marshalled({"url": "x"}), "slave_reference": "None"}
    sent = wire.post_as_partition(
        HOST, "/setComputerPartitionConnectionXml", "local", "slappart0", **fields
    )
    assert sent == POST


def test_links_are_filled_in_as_both_masters_write_them():
    values = {"query": ['title:="a b"'], "select_list": ["title", "url_string"]}
    ours = "http://localhost:1/hateoas/search{?query,select_list*}"
    theirs = "http://localhost:1/hateoas/?mode=search&query={query}&select_list={select_list}"
    assert wire.expand(ours, values) == (
        "/hateoas/search?query=title%3A%3D%22a%20b%22&select_list=title&select_list=url_string"
    )
    assert wire.expand(theirs, values) == (
        "/hateoas/?mode=search&query=title%3A%3D%22a%20b%22&select_list=title,url_string"
    )


def test_every_request_of_a_script_carries_a_number_of_its_own():
    sent = Script((b"a" + wire.NUMBER.encode(), b"b" + wire.NUMBER.encode()), first=7).requests()
    assert [next(sent) for _ in range(3)] == [b"a00000007", b"b00000008", b"a00000009"]


def test_an_answer_without_a_length_ends_with_its_connection():
    assert content_length(b"HTTP/1.0 200 OK\r\nContent-length: 12\r\nX: y") == 12
    assert content_length(b"HTTP/1.0 200 OK\r\nX: y") is None
