"""What ``format`` keeps: the machine's description, in the form of the legacy node.

The file is read by either node, so a machine can change from one to the other.  Each partition has
its part of it in ``.slapos-resource``, for recipes that want to know about taps.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from slapcore.errors import ConfigurationError
from slapcore.errors import ProtocolError
from slapcore.node.format.network import Address
from slapcore.node.format.network import mask_of
from slapcore.node.format.wanted import NodeShape
from slapcore.node.format.wanted import PartitionShape
from slapcore.node.format.wanted import Route
from slapcore.node.format.wanted import Tap
from slapcore.protocol import marshal

RESOURCE = ".slapos-resource"
SPACE = re.compile(rb">\s+<")


def read_state(path: Path) -> NodeShape | None:
    """Read what was kept; ``None`` where nothing was."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    text = SPACE.sub(b"><", data[data.find(b"<marshal") :].strip())
    try:
        return _read_node(_mapping(marshal.decode(text)))
    except (ProtocolError, KeyError, TypeError, AttributeError) as error:
        raise ConfigurationError(f"{path} is not what format has written: {error}") from error


def write_state(shape: NodeShape, root: Path, software_root: Path) -> dict[str, Any]:
    """Write the description of the machine, as a dictionary."""
    return {
        "reference": shape.reference,
        "address": shape.address,
        "netmask": shape.netmask,
        "software_user": shape.software_user,
        "instance_root": str(root),
        "software_root": str(software_root),
        "partition_list": [
            write_partition(each, root, shape.software_user) for each in shape.partitions
        ],
    }


def write_partition(shape: PartitionShape, root: Path, software_user: str) -> dict[str, Any]:
    path = str(root / shape.name)
    described: dict[str, Any] = {
        "reference": shape.name,
        "path": path,
        "user": {
            "name": shape.user, "path": path, "shell": "/bin/sh",
            "additional_group_list": [software_user],
        },
        "address_list": [{"addr": each.addr, "netmask": each.netmask} for each in shape.addresses],
        "ipv6_range": _write_range(shape.ipv6_range),
        "tap": _write_tap(shape.tap),
        "tun": None if shape.tun is None else _write_tap(shape.tun),
        "external_storage_list": [],
    }  # fmt: skip
    if shape.capabilities:
        described["capability_list"] = list(shape.capabilities)
    return described


def write_resource(shape: PartitionShape, root: Path, software_user: str) -> str:
    """Write what a partition is told of itself."""
    described = write_partition(shape, root, software_user)
    return json.dumps(described, sort_keys=True, indent=4)


def _write_tap(tap: Tap) -> dict[str, str]:
    told = {"name": tap.name}
    for family, route in (("ipv4", tap.ipv4), ("ipv6", tap.ipv6)):
        told |= {
            f"{family}_addr": route.addr, f"{family}_netmask": route.netmask,
            f"{family}_gateway": route.gateway, f"{family}_network": route.network,
        }  # fmt: skip
    return told


def _write_range(network: str) -> dict[str, Any]:
    if not network:
        return {}
    addr, _, bits = network.partition("/")
    return {"addr": addr, "netmask": mask_of(int(bits)), "network": network, "prefixlen": int(bits)}


def _mapping(value: object) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ProtocolError(f"a {type(value).__name__} is in it, where a dictionary belongs")
    return value


def _read_node(told: Mapping[str, Any]) -> NodeShape:
    return NodeShape(
        reference=str(told["reference"]),
        software_user=str(told.get("software_user") or "slapsoft"),
        partitions=tuple(_read_partition(_mapping(each)) for each in told["partition_list"]),
        address=str(told.get("address") or ""),
        netmask=str(told.get("netmask") or ""),
    )


def _read_partition(told: Mapping[str, Any]) -> PartitionShape:
    ranged = _mapping(told.get("ipv6_range") or {})
    return PartitionShape(
        name=str(told["reference"]),
        user=str(_mapping(told["user"])["name"]),
        addresses=tuple(
            Address(str(each["addr"]), str(each["netmask"])) for each in told["address_list"] or ()
        ),
        tap=_read_tap(_mapping(told["tap"])),
        tun=_read_tap(_mapping(told["tun"])) if told.get("tun") else None,
        ipv6_range=str(ranged.get("network") or ""),
        capabilities=tuple(map(str, told.get("capability_list") or ())),
    )


def _read_tap(told: Mapping[str, Any]) -> Tap:
    names = ("addr", "netmask", "gateway", "network")
    routes = [
        Route(*(str(told.get(f"{family}_{name}") or "") for name in names))
        for family in ("ipv4", "ipv6")
    ]
    return Tap(str(told["name"]), *routes)
