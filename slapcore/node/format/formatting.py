"""One format from beginning to end: looked at, planned, done, kept, told."""

import json
import platform
from functools import cached_property
from importlib.metadata import version

from slapcore.config import NodeConfig
from slapcore.errors import Forbidden
from slapcore.node.format.apply import apply_plan
from slapcore.node.format.observed import look_around
from slapcore.node.format.plan import Action
from slapcore.node.format.plan import make_plan
from slapcore.node.format.plan import needs_root
from slapcore.node.format.state import read_state
from slapcore.node.format.state import write_state
from slapcore.node.format.wanted import NodeShape
from slapcore.node.format.wanted import PartitionShape
from slapcore.node.format.wanted import Tap
from slapcore.node.format.wanted import shape_of
from slapcore.node.supervisor import replace_text
from slapcore.protocol import marshal
from slapcore.protocol.description import Address
from slapcore.protocol.description import NodeDescription
from slapcore.protocol.description import PartitionDescription


class Formatting:
    """The format of one machine; ``shape`` is what there is to be."""

    def __init__(self, config: NodeConfig) -> None:
        self.config = config

    @cached_property
    def shape(self) -> NodeShape:
        kept = read_state(self.config.format.state) if self.config.format.state else None
        return shape_of(self.config, kept, look_around(self.config))

    def plan(self) -> list[Action]:
        return make_plan(self.config, self.shape)

    def apply(self, plan: list[Action]) -> None:
        """Do it, and keep what was given out; only root can make users and addresses."""
        if needs_root(plan):
            raise Forbidden("users and addresses are root's to make; see alter_user, alter_network")
        apply_plan(plan, lambda action: None)
        state = write_state(self.shape, self.config.instance_root, self.config.software_root)
        if self.config.format.state is not None:
            self.config.format.state.parent.mkdir(parents=True, exist_ok=True)
            replace_text(self.config.format.state, marshal.encode(state).decode(), 0o644)
        if self.config.format.state_json is not None:
            text = json.dumps(state, sort_keys=True, indent=2)
            replace_text(self.config.format.state_json, text, 0o644)

    def describe(self) -> NodeDescription:
        """Say to the master what there is."""
        return NodeDescription(
            reference=self.config.reference,
            address=self.shape.address,
            netmask=self.shape.netmask,
            os_type=json.dumps([platform.platform(), *system_of()]),
            public_ipv4_address=self.config.format.public_ipv4,
            slapos_version=f"slapmaster {version('slapmaster')}",
            partitions=tuple(map(describe_partition, self.shape.partitions)),
        )


def system_of() -> tuple[str, str, str]:
    """Give the name and version of the distribution, and its whole name."""
    try:
        told = platform.freedesktop_os_release()
    except OSError:
        return "linux", "", "Linux"
    return told.get("ID", "linux"), told.get("VERSION_ID", ""), told.get("NAME", "Linux")


def describe_partition(shape: PartitionShape) -> PartitionDescription:
    own = [Address(shape.tap.name, each.addr, each.netmask) for each in shape.addresses]
    return PartitionDescription(
        shape.name, (*own, *describe_routes(shape.tap)), shape.capabilities
    )


def describe_routes(tap: Tap) -> tuple[Address, ...]:
    return tuple(
        Address(f"route_{tap.name}", route.addr, route.netmask, route.gateway, route.network)
        for route in (tap.ipv4, tap.ipv6)
        if route.addr
    )
