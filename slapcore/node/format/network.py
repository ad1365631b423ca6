"""Counting addresses: which one, and which range, each partition has of its machine's network.

The rules for IPv6 are those of the legacy node, so that a machine keeps its addresses whichever of
the two formats it.
"""

from collections.abc import Collection
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address
from ipaddress import IPv6Address
from ipaddress import IPv6Interface
from ipaddress import IPv6Network
from ipaddress import ip_address
from ipaddress import ip_network

from slapcore.errors import ConfigurationError

#: which quarter of the subranges is whose
PARTITION_RANGE = 1
TAP_RANGE = 2
TUN_RANGE = 3
#: the first two addresses of a network have an owner
FIRST = 2
TUN_NETWORK = "172.16.0.0/12"


@dataclass(frozen=True)
class Address:
    """An address and its mask, as the wire wants them."""

    addr: str
    netmask: str

    @property
    def is_ipv6(self) -> bool:
        return ":" in self.addr

    @property
    def prefix(self) -> int:
        """The length of its network's prefix."""
        return prefix_of(self.netmask)

    def __str__(self) -> str:
        return f"{self.addr}/{self.prefix}"


def prefix_of(netmask: str) -> int:
    """Read a mask: as a number of bits, or as an address, or as both."""
    text = netmask.rpartition("/")[2] if netmask.rpartition("/")[2].isdigit() else netmask
    if text.isdigit():
        return int(text)
    try:
        number = int(ip_address(text))
    except ValueError as error:
        raise ConfigurationError(f"{netmask!r} is no netmask") from error
    return f"{number:b}".count("1")


def mask_of(prefix: int) -> str:
    """Write the mask of an IPv6 network as an address."""
    return str(IPv6Address(((1 << prefix) - 1) << (128 - prefix)))


def partition_address(interface: IPv6Interface, index: int) -> Address:
    """Give the address of a partition: the third of the network is the first one's."""
    prefix = interface.network.prefixlen
    room = 128 - prefix
    number = index + FIRST
    if room < 2:
        raise ConfigurationError(f"{interface.network} has no room for partitions")
    if number.bit_length() > room:
        number = index % ((1 << room) - FIRST) + FIRST
    address = IPv6Address(int(interface.network.network_address) + number)
    return Address(str(address), mask_of(prefix))


def partition_range(
    interface: IPv6Interface, index: int, shift: int, whose: int = PARTITION_RANGE
) -> IPv6Network:
    """Give the range of its own that a partition, its tap or its tun has."""
    prefix = interface.network.prefixlen + shift
    if prefix >= 128:
        raise ConfigurationError(f"{interface.network} has no room for a range per partition")
    number = (whose << (shift - 2)) + index + 1
    first = int(interface.network.network_address) + (number << (128 - prefix))
    return IPv6Network((first, prefix))


def free_ipv4(network: str, taken: Collection[str]) -> Iterator[Address]:
    """Give addresses of the local network that nobody has, in order."""
    try:
        found = ip_network(network, strict=False)
    except ValueError as error:
        raise ConfigurationError(f"ipv4_local_network is {network!r}, no network") from error
    if not isinstance(found.network_address, IPv4Address):
        raise ConfigurationError(f"ipv4_local_network is {network!r}, no IPv4 network")
    for address in found.hosts():
        if str(address) not in taken:
            yield Address(str(address), "255.255.255.255")
    raise ConfigurationError(f"{network} has no address left")


def widest(addresses: Collection[IPv6Interface]) -> IPv6Interface:
    """Give the address in the largest network: the machine's range is counted from there."""
    if not addresses:
        raise ConfigurationError("the interface has no global IPv6 address to count from")
    return min(addresses, key=lambda each: (each.network.prefixlen, each))


def tun_address(index: int, count: int) -> Address:
    """Give the address of a partition's tun: each has a part of a private network."""
    network = ip_network(TUN_NETWORK)
    prefix = network.prefixlen + max(0, (count - 1).bit_length())
    size = 1 << (32 - prefix)
    first = int(network.network_address) + index * size
    mask = IPv4Address((0xFFFFFFFF << (32 - prefix)) & 0xFFFFFFFF)
    return Address(str(IPv4Address(first + 1)), str(mask))
