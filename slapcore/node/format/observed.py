"""What there is on the machine: users, groups, directories, interfaces, addresses, routes."""

import grp
import json
import pwd
import stat
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv6Interface
from pathlib import Path
from typing import Any

from slapcore.config import NodeConfig
from slapcore.errors import ConfigurationError
from slapcore.errors import SlapError
from slapcore.node.format.network import Address
from slapcore.node.format.network import mask_of
from slapcore.node.format.wanted import Surroundings

SECONDS = 30.0


@dataclass(frozen=True)
class Found:
    """A directory as it is."""

    mode: int
    uid: int
    gid: int


@dataclass(frozen=True)
class User:
    """A user as they are."""

    uid: int
    gid: int
    home: str
    groups: frozenset[str]


def find_directory(path: Path) -> Found | None:
    """Look at a directory; raises ``SlapError`` where something else is in its place."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return None
    if not stat.S_ISDIR(found.st_mode):
        raise SlapError(f"{path} is no directory")
    return Found(stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid)


def find_user(name: str) -> User | None:
    try:
        found = pwd.getpwnam(name)
    except KeyError:
        return None
    groups = frozenset(each.gr_name for each in grp.getgrall() if name in each.gr_mem)
    return User(found.pw_uid, found.pw_gid, found.pw_dir, groups)


def find_group(name: str) -> int | None:
    try:
        return grp.getgrnam(name).gr_gid
    except KeyError:
        return None


def ask_ip(*words: str) -> list[dict[str, Any]]:
    """Ask the program ``ip`` for what it tells in JSON."""
    return list(json.loads(run_ip("-json", *words) or "[]"))


def run_ip(*words: str) -> str:
    """Run ``ip``; raises ``SlapError`` with its own words."""
    command: Sequence[str] = ("ip", *words)
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    except FileNotFoundError as error:
        raise ConfigurationError("the program ip (iproute2) is missing on this machine") from error
    if done.returncode:
        raise SlapError(f"{' '.join(command)}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


@dataclass(frozen=True)
class Interface:
    """A network interface and its addresses."""

    name: str
    addresses: frozenset[Address]

    def has(self, address: Address) -> bool:
        return any(address.addr == each.addr for each in self.addresses)


def find_interfaces() -> dict[str, Interface]:
    """Find all interfaces, by name."""
    found = {}
    for told in ask_ip("address", "show"):
        addresses = frozenset(
            Address(each["local"], write_mask(each["family"], int(each["prefixlen"])))
            for each in told.get("addr_info", ())
            if "local" in each
        )
        found[told["ifname"]] = Interface(told["ifname"], addresses)
    return found


def write_mask(family: str, bits: int) -> str:
    if family == "inet6":
        return mask_of(bits)
    number = (0xFFFFFFFF << (32 - bits)) & 0xFFFFFFFF
    return ".".join(str(number >> shift & 0xFF) for shift in (24, 16, 8, 0))


def look_around(config: NodeConfig) -> Surroundings:
    """See what addresses the machine has to give."""
    shape = config.format
    if not shape.interface or not (shape.alter_network or shape.ipv4_network):
        return Surroundings()
    interfaces = find_interfaces()
    outer = interfaces.get(shape.ipv6_interface or shape.interface)
    if outer is None or shape.interface not in interfaces:
        raise ConfigurationError(f"there is no interface {shape.ipv6_interface or shape.interface}")
    ipv6 = [IPv6Interface(str(each)) for each in outer.addresses if each.is_ipv6]
    taken = frozenset(
        each.addr for one in interfaces.values() for each in one.addresses if not each.is_ipv6
    )
    return Surroundings(
        tuple(each for each in ipv6 if is_global(each)), taken, find_gateway(config, interfaces)
    )


def is_global(interface: IPv6Interface) -> bool:
    """Tell whether others than this link can reach the address."""
    return not (interface.is_link_local or interface.is_loopback or interface.is_multicast)


def find_gateway(config: NodeConfig, interfaces: dict[str, Interface]) -> Address | None:
    name = config.format.tap_gateway
    if not name or not config.format.create_tap:
        return None
    found = interfaces.get(name)
    ipv4 = [each for each in found.addresses if not each.is_ipv6] if found else []
    if not ipv4:
        raise ConfigurationError(f"tap_gateway_interface {name} has no IPv4 address")
    return min(ipv4, key=str)
