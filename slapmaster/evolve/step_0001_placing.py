"""Networks, allocation supplies and instance nodes have containers; nodes are listed by traits."""

from BTrees.OOBTree import OOBTree

from slapmaster.domain.allocation_supply import AllocationSupplies
from slapmaster.domain.allocation_supply import InstanceNodes
from slapmaster.domain.network import Networks
from slapmaster.domain.site import Site


def evolve(site: Site) -> None:
    for name, kind in (
        ("networks", Networks),
        ("allocation_supplies", AllocationSupplies),
        ("instance_nodes", InstanceNodes),
    ):
        if not hasattr(site, name):
            setattr(site, name, kind())
    for name in ("states", "traits"):
        if not hasattr(site.room, name):
            setattr(site.room, name, OOBTree())
    for node in site.nodes:
        site.room.settle(node)
        site.room.describe(node)
