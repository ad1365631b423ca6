"""The differences between what is wanted and what there is, as a list of what is to be done.

A plan changes nothing by being made; ``--dry-run`` shows it.  A machine that is as wanted has an
empty plan.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from slapcore.config import NodeConfig
from slapcore.node.folder import Folder
from slapcore.node.format.network import Address
from slapcore.node.format.observed import Interface
from slapcore.node.format.observed import ask_ip
from slapcore.node.format.observed import find_directory
from slapcore.node.format.observed import find_group
from slapcore.node.format.observed import find_interfaces
from slapcore.node.format.observed import find_user
from slapcore.node.format.state import RESOURCE
from slapcore.node.format.state import write_resource
from slapcore.node.format.wanted import NodeShape
from slapcore.node.format.wanted import PartitionShape
from slapcore.node.format.wanted import Tap
from slapcore.node.host import PARTITION_MODE

ROOT_MODE = 0o755


@dataclass(frozen=True)
class AddGroup:
    """A group that is missing."""

    name: str

    def __str__(self) -> str:
        return f"add the group {self.name}"


@dataclass(frozen=True)
class AddUser:
    """A user that is missing, with a group of the same name."""

    name: str
    home: Path
    groups: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"add the user {self.name}, at home in {self.home}"


@dataclass(frozen=True)
class ChangeUser:
    """A user who lives elsewhere, or is not in all groups."""

    name: str
    home: Path
    groups: tuple[str, ...] = ()

    def __str__(self) -> str:
        groups = "".join(f", and in the group {name}" for name in self.groups)
        return f"have the user {self.name} be at home in {self.home}{groups}"


@dataclass(frozen=True)
class MakeDirectory:
    """A directory that is missing."""

    path: Path
    mode: int

    def __str__(self) -> str:
        return f"make the directory {self.path}"


@dataclass(frozen=True)
class SetMode:
    """A directory that others may do too much with, or its owner too little."""

    path: Path
    mode: int

    def __str__(self) -> str:
        return f"set the mode of {self.path} to {self.mode:04o}"


@dataclass(frozen=True)
class SetOwner:
    """A directory that belongs to somebody else."""

    path: Path
    user: str

    def __str__(self) -> str:
        return f"give {self.path} to {self.user}"


@dataclass(frozen=True)
class AddAddress:
    """An address that an interface lacks."""

    interface: str
    address: Address

    def __str__(self) -> str:
        return f"add the address {self.address} to {self.interface}"


@dataclass(frozen=True)
class AddTap:
    """An interface for the virtual machines of a partition."""

    name: str
    mode: str
    user: str

    def __str__(self) -> str:
        return f"make the {self.mode} {self.name} of {self.user}"


@dataclass(frozen=True)
class AddRoute:
    """A way that is not known yet."""

    network: str
    interface: str
    gateway: str = ""
    local: bool = False

    def __str__(self) -> str:
        through = f" through {self.gateway}" if self.gateway else ""
        return f"route {self.network} to {self.interface}{through}"


@dataclass(frozen=True)
class WriteResource:
    """What a partition is told of itself, and does not know yet."""

    partition: str
    folder: Folder
    text: str

    def __str__(self) -> str:
        return f"tell {self.partition} of its resources in {RESOURCE}"


Action = (
    AddGroup | AddUser | ChangeUser | MakeDirectory | SetMode | SetOwner | AddAddress | AddTap
    | AddRoute | WriteResource
)  # fmt: skip


def make_plan(config: NodeConfig, shape: NodeShape) -> list[Action]:
    """List what is to be done, in the order in which it can be."""
    return [
        *plan_roots(config, shape),
        *(action for each in shape.partitions for action in plan_partition(config, shape, each)),
        *plan_network(config, shape),
    ]


def plan_roots(config: NodeConfig, shape: NodeShape) -> Iterator[Action]:
    if config.format.alter_user:
        yield from plan_user(shape.software_user, config.software_root, ())
    for path in (config.instance_root, config.software_root):
        yield from plan_directory(path, ROOT_MODE)
    for path in config.shared_parts[-1:]:
        yield from plan_directory(path, ROOT_MODE)
    if config.format.alter_user:
        for path in (config.software_root, *config.shared_parts[-1:]):
            yield from plan_owner(path, shape.software_user)


def plan_partition(
    config: NodeConfig, shape: NodeShape, partition: PartitionShape
) -> Iterator[Action]:
    path = config.instance_root / partition.name
    if config.format.alter_user:
        yield from plan_user(partition.user, path, (shape.software_user,))
    yield from plan_directory(path, PARTITION_MODE)
    for storage in storages(config, partition):
        yield from plan_directory(storage, PARTITION_MODE)
    if config.format.alter_user:
        for each in (path, *storages(config, partition)):
            yield from plan_owner(each, partition.user)
    text = write_resource(partition, config.instance_root, shape.software_user)
    folder = Folder(path)
    if find_directory(path) is None or folder.read(RESOURCE) != text:
        yield WriteResource(partition.name, folder, text)


def storages(config: NodeConfig, partition: PartitionShape) -> list[Path]:
    """List a partition's directories on other disks."""
    if config.storage_home is None:
        return []
    disks = [path for path in config.storage_home.glob("data*") if path.name[4:].isdigit()]
    return [path / partition.name for path in sorted(disks)]


def plan_user(name: str, home: Path, groups: tuple[str, ...]) -> Iterator[Action]:
    if find_group(name) is None:
        yield AddGroup(name)
    found = find_user(name)
    if found is None:
        yield AddUser(name, home, groups)
    elif found.home != str(home) or not set(groups) <= found.groups:
        yield ChangeUser(name, home, groups)


def plan_directory(path: Path, mode: int) -> Iterator[Action]:
    found = find_directory(path)
    if found is None:
        yield MakeDirectory(path, mode)
    elif found.mode != mode:
        yield SetMode(path, mode)


def plan_owner(path: Path, user: str) -> Iterator[Action]:
    found, owner = find_directory(path), find_user(user)
    if found is None or owner is None or (found.uid, found.gid) != (owner.uid, owner.gid):
        yield SetOwner(path, user)


def plan_network(config: NodeConfig, shape: NodeShape) -> Iterator[Action]:
    if not config.format.alter_network:
        return
    interfaces = find_interfaces()
    local = config.format.interface
    outer = config.format.ipv6_interface or local
    for partition in shape.partitions:
        for address in partition.addresses:
            name = outer if address.is_ipv6 else local
            if name and not interfaces[name].has(address):
                yield AddAddress(name, address)
        if partition.ipv6_range:
            yield from plan_route(AddRoute(partition.ipv6_range, "lo", local=True))
        if config.format.create_tap:
            yield from plan_tap(partition.tap, "tap", partition.user, interfaces)
        if partition.tun is not None:
            yield from plan_tap(partition.tun, "tun", partition.user, interfaces)


def plan_tap(
    tap: Tap, mode: str, user: str, interfaces: dict[str, Interface]
) -> Iterator[Action]:
    found = interfaces.get(tap.name)
    if found is None:
        yield AddTap(tap.name, mode, user)
    if mode == "tun":
        own = Address(tap.ipv4.addr, tap.ipv4.netmask)
        if own.addr and not (found and found.has(own)):
            yield AddAddress(tap.name, own)
        return
    if tap.ipv4.addr:
        yield from plan_route(AddRoute(f"{tap.ipv4.addr}/32", tap.name), known=found is not None)
    if tap.ipv6.network:
        gateway = AddRoute(f"{tap.ipv6.gateway}/128", tap.name)
        yield from plan_route(gateway, known=found is not None)
        behind = AddRoute(tap.ipv6.network, tap.name, tap.ipv6.gateway)
        yield from plan_route(behind, known=found is not None)


def plan_route(route: AddRoute, *, known: bool = True) -> Iterator[Action]:
    family = "-6" if ":" in route.network else "-4"
    table = ("table", "local") if route.local else ()
    there = known and ask_ip(family, "route", "show", *table, route.network, "dev", route.interface)
    if not there:
        yield route


def needs_root(actions: list[Action]) -> bool:
    """Tell whether some of it is only for root to do, and we are not."""
    for_root = (AddGroup, AddUser, ChangeUser, SetOwner, AddAddress, AddTap, AddRoute)
    return os.getuid() != 0 and any(isinstance(each, for_root) for each in actions)
