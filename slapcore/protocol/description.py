"""What a node says of itself when it is formatted: its partitions and their addresses.

The wire carries a dictionary with everything that the format command knows; what the master
needs is read and checked, the rest is skipped.

- The addresses of a partition belong to its tap interface, or, without one, to an interface
  named like the partition.
- Addresses of the tap itself belong to ``route_<tap>``, with gateway and network.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address
from ipaddress import ip_network
from typing import Any

from slapcore.errors import ProtocolError
from slapcore.protocol import marshal
from slapcore.protocol.xml import shorten

MAX_PARTITIONS = 10_000
MAX_ADDRESSES = 100
MAX_CAPABILITIES = 100
MAX_NAME = 100
MAX_TEXT = 1_000

#: No white space at the ends, no slash, no control characters: it becomes the name of a directory.
NAME = re.compile(r"(?!\.{1,2}$)(?!\s)[^/\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+(?<!\s)")
#: What the interface of a tap's own addresses begins with.
ROUTE = "route_"
CONTROL_CHARACTER = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
BITS = re.compile(r"[0-9]{1,3}")
BITS_BEHIND = re.compile(r"/[0-9]{1,3}\Z")


@dataclass(frozen=True)
class Address:
    """An address on an interface; the last two are empty where there is no route."""

    interface: str
    address: str
    netmask: str
    gateway: str = ""
    network: str = ""


@dataclass(frozen=True)
class PartitionDescription:
    """A partition as its node describes it."""

    name: str
    addresses: tuple[Address, ...] = ()
    capabilities: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class NodeDescription:
    """A node as it describes itself; what it does not know is empty."""

    reference: str
    address: str = ""
    netmask: str = ""
    os_type: str = ""
    public_ipv4_address: str = ""
    slapos_version: str = ""
    partitions: tuple[PartitionDescription, ...] = ()


def decode_description(
    data: bytes | str, *, max_bytes: int = marshal.MAX_BYTES
) -> NodeDescription:
    """Read the bytes that a node sends."""
    return read_description(marshal.decode(data, max_bytes=max_bytes))


def read_description(value: marshal.Value) -> NodeDescription:
    """Read the value that a node sends."""
    computer = _Fields(value, "the description")
    return NodeDescription(
        reference=computer.read_name("reference"),
        address=computer.read_address("address"),
        netmask=computer.read_netmask("netmask"),
        os_type=computer.read_text("os_type"),
        public_ipv4_address=computer.read_address("public_ipv4_address"),
        slapos_version=computer.read_text("slapos_version"),
        partitions=_read_partitions(computer),
    )


def read_json_description(value: object) -> NodeDescription:
    """Read what a node sends by JSON-RPC: it says nothing but its partitions."""
    computer = _Fields(value, "the description")
    partitions: dict[str, PartitionDescription] = {}
    for fields in computer.read_each("compute_partition_list", MAX_PARTITIONS):
        partition = _read_json_partition(fields)
        if partition.name in partitions:
            raise computer.wrong("compute_partition_list", f"has {partition.name!r} twice")
        partitions[partition.name] = partition
    return NodeDescription(
        reference=computer.read_name("computer_guid"), partitions=tuple(partitions.values())
    )


def write_description(described: NodeDescription) -> dict[str, object]:
    """Write the value that a node sends; what is read of it again is ``described``.

    A partition's addresses are on one interface, and its routes on ``route_<interface>``.
    """
    return {
        "reference": described.reference,
        "address": described.address,
        "netmask": described.netmask,
        "os_type": described.os_type,
        "public_ipv4_address": described.public_ipv4_address,
        "slapos_version": described.slapos_version,
        "partition_list": [_write_partition(partition) for partition in described.partitions],
    }


def _write_partition(partition: PartitionDescription) -> dict[str, object]:
    own = [found for found in partition.addresses if not found.interface.startswith(ROUTE)]
    interfaces = {found.interface for found in own}
    routes = [found for found in partition.addresses if found.interface.startswith(ROUTE)]
    interfaces |= {found.interface.removeprefix(ROUTE) for found in routes}
    if len(interfaces) > 1:
        names = ", ".join(sorted(interfaces))
        raise ProtocolError(f"{partition.name} has addresses on {names}; one interface is allowed")
    tap: dict[str, object] = {"name": next(iter(interfaces), partition.name)}
    for route in routes:
        tap |= _write_route(route)
    return {
        "reference": partition.name,
        "address_list": [{"addr": found.address, "netmask": found.netmask} for found in own],
        "tap": tap,
        "capability_list": list(partition.capabilities),
    }


def _write_route(route: Address) -> dict[str, object]:
    family = f"ipv{ip_address(route.address).version}"
    return {
        f"{family}_addr": route.address,
        f"{family}_netmask": route.netmask,
        f"{family}_gateway": route.gateway,
        f"{family}_network": route.network,
    }


class _Fields:
    """The fields of one dictionary; knows where it is, for the error that names a field."""

    def __init__(self, value: object, where: str) -> None:
        if not isinstance(value, dict):
            raise ProtocolError(f"{where} is a {type(value).__name__}, not a dictionary")
        self.fields: dict[Any, Any] = value
        self.where = where

    def read_text(self, name: str) -> str:
        """Read a line of text; None and nothing read as the empty text."""
        value = self.fields.get(name)
        if value is None:
            return ""
        if not isinstance(value, str):
            raise self.wrong(name, f"is a {type(value).__name__}, not text")
        if len(value) > MAX_TEXT:
            raise self.wrong(name, f"is longer than {MAX_TEXT} characters")
        if CONTROL_CHARACTER.search(value):
            raise self.wrong(name, "has a control character")
        return value

    def read_name(self, name: str) -> str:
        value = self.read_text(name)
        if not NAME.fullmatch(value) or len(value) > MAX_NAME:
            raise self.wrong(name, f"is not a name: {shorten(value)!r}")
        return value

    def read_address(self, name: str) -> str:
        value = self.read_text(name)
        if value and not _is_address(value):
            raise self.wrong(name, f"is not an IP address: {shorten(value)!r}")
        return value

    def read_netmask(self, name: str) -> str:
        """Read a netmask: dotted, or as an IPv6 address, or a number of bits, or both."""
        value = self.read_text(name)
        mask = BITS_BEHIND.sub("", value)
        if value and not BITS.fullmatch(value) and not _is_address(mask):
            raise self.wrong(name, f"is not a netmask: {shorten(value)!r}")
        return value

    def read_network(self, name: str) -> str:
        value = self.read_text(name)
        if value and not _is_network(value):
            raise self.wrong(name, f"is not an IP network: {shorten(value)!r}")
        return value

    def read_list(self, name: str, limit: int) -> list[Any]:
        value = self.fields.get(name)
        if value is None:
            return []
        if not isinstance(value, list | tuple):
            raise self.wrong(name, f"is a {type(value).__name__}, not a list")
        if len(value) > limit:
            raise self.wrong(name, f"has more than {limit} members")
        return list(value)

    def read_each(self, name: str, limit: int) -> Iterator["_Fields"]:
        for index, member in enumerate(self.read_list(name, limit)):
            yield _Fields(member, f"{name}[{index}] of {self.where}")

    def wrong(self, name: str, fault: str) -> ProtocolError:
        return ProtocolError(f"{name} of {self.where} {fault}")


def _read_partitions(computer: _Fields) -> tuple[PartitionDescription, ...]:
    partitions: dict[str, PartitionDescription] = {}
    for fields in computer.read_each("partition_list", MAX_PARTITIONS):
        partition = _read_partition(fields)
        if partition.name in partitions:
            raise computer.wrong("partition_list", f"has {partition.name!r} twice")
        partitions[partition.name] = partition
    return tuple(partitions.values())


def _read_partition(fields: _Fields) -> PartitionDescription:
    name = fields.read_name("reference")
    tap = _Fields(fields.fields.get("tap") or {}, f"tap of {fields.where}")
    tap_name = tap.read_name("name") if tap.read_text("name") else ""
    addresses = [
        _read_address(address, tap_name or name)
        for address in fields.read_each("address_list", MAX_ADDRESSES)
    ]
    if tap_name:
        addresses.extend(_read_routes(tap, f"{ROUTE}{tap_name}"))
    return PartitionDescription(name, tuple(addresses), _read_capabilities(fields))


def _read_address(fields: _Fields, interface: str) -> Address:
    address = fields.read_address("addr")
    if not address:
        raise fields.wrong("addr", "is missing")
    return Address(interface, address, fields.read_netmask("netmask"))


def _read_json_partition(fields: _Fields) -> PartitionDescription:
    name = fields.read_name("partition_id")
    addresses = tuple(
        _read_json_address(address, name) for address in fields.read_each("ip_list", MAX_ADDRESSES)
    )
    return PartitionDescription(name, addresses, _read_capabilities(fields))


def _read_json_address(fields: _Fields, partition: str) -> Address:
    address = fields.read_address("ip-address")
    if not address:
        raise fields.wrong("ip-address", "is missing")
    return Address(
        fields.read_text("network-interface") or partition,
        address,
        fields.read_netmask("netmask"),
        fields.read_address("gateway-ip-address"),
        fields.read_network("network-address"),
    )


def _read_routes(tap: _Fields, interface: str) -> Iterator[Address]:
    for family in ("ipv4", "ipv6"):
        address = tap.read_address(f"{family}_addr")
        if address:
            yield Address(
                interface,
                address,
                tap.read_netmask(f"{family}_netmask"),
                tap.read_address(f"{family}_gateway"),
                tap.read_network(f"{family}_network"),
            )


def _read_capabilities(fields: _Fields) -> tuple[str, ...]:
    capabilities: dict[str, None] = {}
    for index, member in enumerate(fields.read_list("capability_list", MAX_CAPABILITIES)):
        where = f"capability_list of {fields.where}"
        capability = _Fields({f"member {index}": member}, where).read_text(f"member {index}")
        if capability:
            capabilities[capability] = None
    return tuple(capabilities)


def _is_address(text: str) -> bool:
    """Tell whether ``text`` is an address that means the same on every host: no zone in it."""
    try:
        return "%" not in text and bool(ip_address(text).version)
    except ValueError:
        return False


def _is_network(text: str) -> bool:
    try:
        return "%" not in text and bool(ip_network(text, strict=False).version)
    except ValueError:
        return False
