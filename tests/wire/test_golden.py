"""What is written and read, against what the peer's library wrote."""

from pathlib import Path

import pytest

from slapcore.protocol.consumption import read_usage
from slapcore.protocol.description import Address
from slapcore.protocol.description import decode_description
from slapcore.protocol.marshal import Document
from slapcore.protocol.marshal import decode
from slapcore.protocol.marshal import encode
from slapcore.protocol.marshal import encode_fragment
from slapcore.protocol.parameters import read_parameters
from slapcore.protocol.parameters import write_parameters

GOLDEN = Path(__file__).parent / "golden"


def read_pair(path):
    value, content = path.read_bytes().split(b"\n", 1)
    return eval(value.decode(), {"Document": Document}), content


def find_pairs(prefix):
    paths = sorted(GOLDEN.glob(f"{prefix}*.pair"))
    assert paths
    return pytest.mark.parametrize("path", paths, ids=lambda path: path.stem)



@find_pairs("marshal-")
def test_a_value_is_written_as_the_peer_writes_it(path):
    value, content = read_pair(path)
    assert encode(value) == content


@find_pairs("marshal-")
def test_what_the_peer_writes_is_read(path):
    value, content = read_pair(path)
    assert decode(content) == value
    assert encode(decode(content)) == content


@find_pairs("marshal-")
def test_a_value_written_ahead_is_written_the_same(path):
    value, content = read_pair(path)
    assert encode(encode_fragment(value)) == content


def test_what_the_peer_refers_to_twice_is_read_twice():
    value, content = read_pair(GOLDEN / "repeated.pair")
    assert b"<reference " in content
    assert decode(content) == value
    assert decode(encode(value)) == value


@find_pairs("parameters-")
def test_parameters_are_written_as_the_peer_writes_them(path):
    parameters, content = read_pair(path)
    assert write_parameters(parameters) == content.decode()


@find_pairs("parameters-")
def test_parameters_of_the_peer_are_read(path):
    parameters, content = read_pair(path)
    assert read_parameters(content) == {key: str(value) for key, value in parameters.items()}


def test_the_description_of_a_real_node_is_read():
    value, content = read_pair(GOLDEN / "description.pair")
    assert encode(value) == content
    node = decode_description(content)
    assert (node.reference, node.address, node.netmask) == ("COMP-1", "10.0.0.1", "255.255.255.0")
    assert node.public_ipv4_address == "192.0.2.1"
    assert node.slapos_version == "1.26.1"
    first, second = node.partitions
    assert first.addresses == (
        Address("slaptap0", "10.0.0.10", "255.255.255.255"),
        Address("slaptap0", "2001:db8::10", "ffff:ffff:ffff:ffff::"),
        Address("route_slaptap0", "10.1.0.1", "255.255.255.0", "10.1.0.254", "10.1.0.0"),
        Address(
            "route_slaptap0",
            "2001:db8:1::1",
            "ffff:ffff:ffff:ffff::",
            "2001:db8:1::",
            "2001:db8:1::/64",
        ),
    )
    assert [address.interface for address in second.addresses] == ["slaptap1", "slaptap1"]
    assert (first.capabilities, second.capabilities) == ((), ("gpu", "licence é"))


def test_the_collected_usage_of_a_real_node_is_read():
    (transaction,) = read_usage((GOLDEN / "usage-collected.xml").read_bytes()).transactions
    assert transaction.start.isoformat() == "2026-11-22T00:00:00+00:00"
    assert transaction.stop.isoformat() == "2026-11-22T23:59:59+00:00"
    assert transaction.arrows[0].kind == "Destination"
    assert [movement.reference for movement in transaction.movements] == ["COMP-1", "slapuser0"]
    assert {movement.quantity for movement in transaction.movements} == {12.5}


def test_the_aggregated_usage_of_a_real_node_is_read():
    (transaction,) = read_usage((GOLDEN / "usage-aggregated.xml").read_bytes()).transactions
    assert (transaction.reference, transaction.start) == ("COMP-1", None)
    assert transaction.stop is not None
    (movement,) = transaction.movements
    assert (movement.resource, movement.reference) == ("CPU Consumption", "slappart0")
    assert movement.vat == ""
