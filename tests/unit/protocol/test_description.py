"""Descriptions of nodes: what is read, and which field is at fault."""

import pytest

from slapcore.errors import ProtocolError
from slapcore.protocol import description
from slapcore.protocol.description import Address
from slapcore.protocol.description import NodeDescription
from slapcore.protocol.description import PartitionDescription
from slapcore.protocol.description import decode_description
from slapcore.protocol.description import read_description
from slapcore.protocol.description import write_description
from slapcore.protocol.marshal import encode


def node(**fields):
    return {"reference": "COMP-1", **fields}


def partition(**fields):
    return node(partition_list=[{"reference": "slappart0", **fields}])


def test_a_node_may_know_little_of_itself():
    assert read_description(node()) == NodeDescription(reference="COMP-1")
    nothing = dict.fromkeys(
        ["address", "netmask", "os_type", "public_ipv4_address", "slapos_version"]
    )
    assert read_description(node(partition_list=None, **nothing)) == NodeDescription(
        reference="COMP-1"
    )


def test_what_the_master_does_not_need_is_skipped():
    sent = partition(user={"name": "slapuser0"}, path="/x", tun=None, external_storage_list=[])
    assert read_description(sent).partitions == (PartitionDescription("slappart0"),)
    assert read_description(node(instance_root=7, interface={"name": "lo"}, tap_ipv6=True))


@pytest.mark.parametrize("tap", [None, {}, {"name": ""}, {"name": None, "ipv4_addr": "10.1.0.1"}])
def test_without_a_tap_addresses_are_on_the_partition_s_interface(tap):
    sent = partition(tap=tap, address_list=[{"addr": "10.0.0.1", "netmask": "255.0.0.0"}])
    assert read_description(sent).partitions[0].addresses == (
        Address("slappart0", "10.0.0.1", "255.0.0.0"),
    )


def test_addresses_of_the_tap_are_on_its_route():
    tap = {
        "name": "tap0",
        "ipv4_addr": "10.1.0.1",
        "ipv4_netmask": "255.0.0.0",
        "ipv4_gateway": "10.1.0.254",
        "ipv4_network": "10.1.0.0/8",
        "ipv6_addr": "2001:db8::1",
    }
    sent = partition(tap=tap, address_list=[{"addr": "10.0.0.1"}])
    assert read_description(sent).partitions[0].addresses == (
        Address("tap0", "10.0.0.1", ""),
        Address("route_tap0", "10.1.0.1", "255.0.0.0", "10.1.0.254", "10.1.0.0/8"),
        Address("route_tap0", "2001:db8::1", ""),
    )


@pytest.mark.parametrize("netmask", ["255.255.255.0", "ffff::", "ffff::/16", "64", "", None])
def test_netmasks_come_in_many_forms(netmask):
    address = {"addr": "2001:db8::1", "netmask": netmask}
    (read,) = read_description(partition(address_list=[address])).partitions[0].addresses
    assert read.netmask == (netmask or "")


def test_a_capability_is_taken_once():
    sent = partition(capability_list=["gpu", "", "gpu", "licence é"])
    assert read_description(sent).partitions[0].capabilities == ("gpu", "licence é")


def test_a_partition_may_be_described_by_tuples():
    assert read_description(node(partition_list=({"reference": "slappart0"},))).partitions


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        (None, "the description is a NoneType, not a dictionary"),
        ([], "the description is a list, not a dictionary"),
        ({}, "reference of the description is not a name: ''"),
        ({"reference": 7}, "reference of the description is a int, not text"),
        (node(address="here"), "address of the description is not an IP address: 'here'"),
        (node(address="fe80::1%eth0"), "address of the description is not an IP address"),
        (node(netmask="x"), "netmask of the description is not a netmask: 'x'"),
        (node(netmask="ffff::/x"), "netmask of the description is not a netmask: 'ffff::/x'"),
        (node(netmask="255.0.0.0/"), "netmask of the description is not a netmask"),
        (node(public_ipv4_address="::g"), "public_ipv4_address of the description is not"),
        (node(os_type=["Linux"]), "os_type of the description is a list, not text"),
        (node(os_type="x" * 1001), "os_type of the description is longer than 1000 characters"),
        (node(slapos_version="1\n2"), "slapos_version of the description has a control character"),
        (node(partition_list={}), "partition_list of the description is a dict, not a list"),
        (
            node(partition_list=["slappart0"]),
            r"partition_list\[0\] of the description is a str, not a dictionary",
        ),
        (
            node(partition_list=[{"reference": "a"}, {"reference": "a"}]),
            "partition_list of the description has 'a' twice",
        ),
        (
            node(partition_list=[{"reference": "a"}, {}]),
            r"reference of partition_list\[1\] of the description is not a name: ''",
        ),
        (partition(tap="tap0"), r"tap of partition_list\[0\] of the description is a str"),
        (partition(tap={"name": "a/b"}), r"name of tap of partition_list\[0\] .* is not a name"),
        (
            partition(tap={"name": "a", "ipv4_addr": "x"}),
            r"ipv4_addr of tap of partition_list\[0\] of the description is not an IP address",
        ),
        (
            partition(tap={"name": "a", "ipv6_addr": "::1", "ipv6_network": "::/200"}),
            r"ipv6_network of tap of partition_list\[0\] of the description is not an IP network",
        ),
        (partition(address_list="::1"), r"address_list of partition_list\[0\] .* not a list"),
        (
            partition(address_list=[{"addr": "::1"}, {"netmask": "64"}]),
            r"addr of address_list\[1\] of partition_list\[0\] of the description is missing",
        ),
        (
            partition(capability_list=["a", 1]),
            r"member 1 of capability_list of partition_list\[0\] .* is a int, not text",
        ),
    ],
)
def test_the_field_at_fault_is_named(value, fault):
    with pytest.raises(ProtocolError, match=fault):
        read_description(value)


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "a/b", "/", "a\nb", "a\x00", "a\x85b", " a", "a ", "a\n", "\u2028", "x" * 101],
)
def test_what_can_t_be_a_directory_is_no_name(name):
    with pytest.raises(ProtocolError, match=r"reference of partition_list\[0\]"):
        read_description(node(partition_list=[{"reference": name}]))


@pytest.mark.parametrize("name", ["slappart0", "a", "...", ".a", "a b", "é", "-", "x" * 100])
def test_what_can_be_a_directory_is_a_name(name):
    assert read_description(node(partition_list=[{"reference": name}])).partitions[0].name == name


def test_too_much_is_refused():
    limit = description.MAX_PARTITIONS
    many = [{"reference": f"slappart{index}"} for index in range(limit + 1)]
    assert len(read_description(node(partition_list=many[:limit])).partitions) == limit
    with pytest.raises(ProtocolError, match=r"partition_list .* has more than 10000 members"):
        read_description(node(partition_list=many))
    with pytest.raises(ProtocolError, match=r"address_list .* has more than 100 members"):
        read_description(partition(address_list=[{"addr": "::1"}] * 101))
    with pytest.raises(ProtocolError, match="longer than 10 bytes"):
        decode_description(encode(node()), max_bytes=10)


def test_what_is_written_of_a_node_is_read_again():
    tap = (
        Address("tap0", "10.0.0.1", "255.0.0.0"),
        Address("tap0", "fd00::1", "64"),
        Address("route_tap0", "10.1.0.1", "255.0.0.0", "10.1.0.254", "10.0.0.0"),
        Address("route_tap0", "fd00::2", "64", "fd00::3", "fd00::/64"),
    )
    described = NodeDescription(
        reference="COMP-1",
        address="10.0.0.9",
        netmask="255.0.0.0",
        os_type="Linux",
        slapos_version="1",
        partitions=(
            PartitionDescription("slappart0", tap, ("gpu",)),
            PartitionDescription("slappart1"),
            PartitionDescription("slappart2", (Address("slappart2", "10.0.0.2", ""),)),
        ),
    )
    assert decode_description(encode(write_description(described))) == described


def test_addresses_on_several_interfaces_can_t_be_told():
    addresses = (Address("eth0", "10.0.0.1", ""), Address("eth1", "10.0.0.2", ""))
    described = NodeDescription(
        reference="COMP-1", partitions=(PartitionDescription("slappart0", addresses),)
    )
    with pytest.raises(ProtocolError, match="slappart0 has addresses on eth0, eth1"):
        write_description(described)
