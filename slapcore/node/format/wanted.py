"""What there is to be: from the configuration, a definition, and what was given out before.

- What a partition was given once it keeps: addresses are in the hands of its users.
- With a definition file nothing is made up: users and addresses are those that it names.
- Fewer partitions than there are is refused: an instance may live in the last.
"""

import configparser
from collections.abc import Collection
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from dataclasses import replace
from ipaddress import IPv4Interface
from ipaddress import IPv6Interface
from pathlib import Path

from slapcore.config import FormatConfig
from slapcore.config import NodeConfig
from slapcore.errors import ConfigurationError
from slapcore.node.format.network import PARTITION_RANGE
from slapcore.node.format.network import TAP_RANGE
from slapcore.node.format.network import Address
from slapcore.node.format.network import free_ipv4
from slapcore.node.format.network import mask_of
from slapcore.node.format.network import partition_address
from slapcore.node.format.network import partition_range
from slapcore.node.format.network import tun_address
from slapcore.node.format.network import widest


@dataclass(frozen=True)
class Route:
    """An address that is reached through a tap."""

    addr: str = ""
    netmask: str = ""
    gateway: str = ""
    network: str = ""


@dataclass(frozen=True)
class Tap:
    """The interface of a partition's virtual machines, and how it is reached."""

    name: str
    ipv4: Route = field(default_factory=Route)
    ipv6: Route = field(default_factory=Route)


@dataclass(frozen=True, kw_only=True)
class PartitionShape:
    """One partition as it is to be."""

    name: str
    user: str
    addresses: tuple[Address, ...] = ()
    tap: Tap
    tun: Tap | None = None
    #: in the form network/bits; empty without a range
    ipv6_range: str = ""
    capabilities: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class NodeShape:
    """The machine as it is to be."""

    reference: str
    software_user: str
    partitions: tuple[PartitionShape, ...]
    address: str = ""
    netmask: str = ""


@dataclass(frozen=True)
class Surroundings:
    """What the machine offers: global IPv6 addresses of its interface, and who has which IPv4."""

    ipv6: tuple[IPv6Interface, ...] = ()
    taken_ipv4: frozenset[str] = frozenset()
    gateway: Address | None = None


def shape_of(
    config: NodeConfig, kept: NodeShape | None, around: Surroundings
) -> NodeShape:
    """Say what there is to be."""
    shape = config.format
    if shape.definition is not None:
        return read_definition(config, shape.definition)
    before = kept.partitions if kept is not None else ()
    if len(before) > shape.partitions:
        raise ConfigurationError(
            f"partition_amount is {shape.partitions}, and {len(before)} partitions are there"
        )
    taken = {address.addr for each in before for address in each.addresses}
    taken |= around.taken_ipv4
    free = free_ipv4(shape.ipv4_network, taken) if shape.ipv4_network else None
    partitions = [
        before[index]
        if index < len(before) and before[index].addresses
        else PartitionShape(
            name=f"{shape.partition_name}{index}",
            user=f"{shape.user_name}{index}",
            addresses=(
                *((next(free),) if free is not None else ()),
                *((partition_address(widest(around.ipv6), index),) if around.ipv6 else ()),
            ),
            tap=Tap(f"{shape.tap_name}{index}"),
        )
        for index in range(shape.partitions)
    ]
    partitions = [routed(shape, each, index, around) for index, each in enumerate(partitions)]
    address = widest(around.ipv6) if around.ipv6 else None
    return NodeShape(
        reference=config.reference,
        software_user=shape.software_user,
        partitions=tuple(partitions),
        address=str(address.ip) if address else "",
        netmask=mask_of(address.network.prefixlen) if address else "",
    )


def routed(
    shape: FormatConfig, partition: PartitionShape, index: int, around: Surroundings
) -> PartitionShape:
    """Give a partition the ranges, the tap and the tun that it does not have yet."""
    machine = widest(around.ipv6) if around.ipv6 else None
    shift = shape.ipv6_prefix_shift
    if shape.ipv6_ranges and machine is not None and not partition.ipv6_range:
        found = partition_range(machine, index, shift, PARTITION_RANGE)
        partition = replace(partition, ipv6_range=str(found))
    tap = partition.tap
    if shape.create_tap and around.gateway is not None and not tap.ipv4.addr:
        tap = replace(tap, ipv4=behind(around.gateway, index))
    if shape.create_tap and shape.tap_ipv6 and machine is not None and not tap.ipv6.addr:
        found = partition_range(machine, index, shift, TAP_RANGE)
        route = Route(
            str(found.broadcast_address), mask_of(found.prefixlen),
            str(found.network_address + 1), f"{found.network_address + 1}/{found.prefixlen}",
        )  # fmt: skip
        tap = replace(tap, ipv6=route)
    tun = partition.tun
    if shape.create_tun and tun is None:
        own = tun_address(index, shape.partitions)
        route = Route(own.addr, own.netmask, "", f"{own.addr}/{own.netmask}")
        tun = Tap(f"slaptun{index}", ipv4=route)
    return replace(partition, tap=tap, tun=tun)


def behind(gateway: Address, index: int) -> Route:
    """Give the address of a tap in the network of the interface that leads outside."""
    network = IPv4Interface(f"{gateway.addr}/{gateway.prefix}").network
    hosts = [str(host) for host in network.hosts() if str(host) != gateway.addr]
    if index >= len(hosts):
        raise ConfigurationError(f"{network} has no address for the tap of partition {index}")
    return Route(hosts[index], gateway.netmask, gateway.addr, str(network))


def read_definition(config: NodeConfig, path: Path) -> NodeShape:
    """Read a definition file; whatever is wrong with it raises ``ConfigurationError``."""
    parser = configparser.RawConfigParser()
    try:
        with path.open(encoding="utf-8") as file:
            parser.read_file(file)
        computer = dict(parser["computer"]) if parser.has_section("computer") else {}
        address, _, netmask = computer.get("address", "").partition("/")
        sections = [f"partition_{index}" for index in range(config.format.partitions)]
        return NodeShape(
            reference=config.reference,
            software_user=computer.get("software_user", config.format.software_user),
            partitions=tuple(_read_partition(dict(parser[each])) for each in sections),
            address=address,
            netmask=netmask,
        )
    except OSError as error:
        raise ConfigurationError(f"{path} can't be read: {error.strerror}") from error
    except (configparser.Error, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path}: {error}") from error
    except KeyError as error:
        raise ConfigurationError(f"{path} lacks {error}") from error


def _read_partition(section: Mapping[str, str]) -> PartitionShape:
    return PartitionShape(
        name=section["pathname"],
        user=section["user"],
        addresses=tuple(map(_read_address, section.get("address", "").split())),
        tap=Tap(section.get("network_interface", section["pathname"])),
        ipv6_range=section.get("ipv6_range", ""),
        capabilities=tuple(_words(section.get("capability_list", "").splitlines())),
    )


def _words(lines: Collection[str]) -> list[str]:
    return [line.strip() for line in lines if line.strip()]


def _read_address(text: str) -> Address:
    addr, slash, netmask = text.partition("/")
    if not slash:
        raise ConfigurationError(f"{text!r} is no address with a netmask")
    return Address(addr, netmask)
