"""AllocationSupply: which nodes take what, for whom; and instances offered as hosts.

A project without any has a sensible rule: every member may have whatever its nodes are supplied
with, and share in instances of their own.  With the first one that is over: there is a place
only where one of them allows it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from persistent import Persistent

from slapmaster.domain.catalog import Catalog
from slapmaster.domain.container import Container

if TYPE_CHECKING:
    from slapmaster.domain.instance import Instance
    from slapmaster.domain.site import Site

#: Stands for every node of the project, those to come as well.
EVERY = "every"


@dataclass(frozen=True, slots=True, order=True)
class Cell:
    """A product, a type and a release that may be placed; what is empty may be any."""

    product: str = ""
    software_type: str = ""
    release_url: str = ""

    def allows(self, catalog: Catalog, release_url: str, software_type: str) -> bool:
        if self.software_type not in ("", software_type):
            return False
        if self.release_url not in ("", release_url):
            return False
        product = catalog.find(self.product)
        return not self.product or (product is not None and release_url in product.releases)


class AllocationSupply(Persistent):
    """Allows to place on ``nodes`` what ``cells`` say, for ``person`` or for everybody.

    ``nodes`` are references of nodes, or :data:`EVERY`.  ``hosts`` are instance nodes that shared
    instances may live in, whatever their release is; with ``same_tree`` they may live in
    instances of their own tree.  Without ``cells`` everything is allowed.
    """

    person = ""
    nodes: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    cells: tuple[Cell, ...] = ()
    same_tree = False

    def __init__(self, reference: str, title: str, project: str) -> None:
        self.reference = reference
        self.title = title
        self.project = project

    def allows(self, catalog: Catalog, instance: "Instance") -> bool:
        """Tell whether ``instance`` may live on one of the nodes, or in one of the hosts."""
        if self.person not in ("", instance.tree.owner):
            return False
        release, software_type = instance.release_url, instance.software_type
        return not self.cells or any(
            cell.allows(catalog, release, software_type) for cell in self.cells
        )


class AllocationSupplies(Container[AllocationSupply]):
    """All allocation supplies; a title is used once per project."""

    kind = "allocation supply"
    unique = {"title": lambda supply: (supply.project, supply.title)}


class InstanceNode(Persistent):
    """An instance offered as a host for shared ones; reference ``SHARED-n``."""

    def __init__(self, reference: str, title: str, project: str, instance: str) -> None:
        self.reference = reference
        self.title = title
        self.project = project
        self.instance = instance


class InstanceNodes(Container[InstanceNode]):
    """All instance nodes; an instance is offered once."""

    kind = "instance node"
    unique = {
        "title": lambda node: (node.project, node.title),
        "instance": lambda node: node.instance,
    }


def supplies_for(site: "Site", instance: "Instance") -> tuple[AllocationSupply, ...] | None:
    """Give the allocation supplies that allow ``instance``; ``None`` where there are none at all.

    The last is the rule of a project that has none: whatever its nodes are supplied with.
    """
    project = site.projects[instance.tree.project]
    if not project.supplies:
        return None
    found = (site.allocation_supplies[reference] for reference in project.supplies)
    return tuple(supply for supply in found if supply.allows(site.catalog, instance))


def nodes_allowed(supplies: tuple[AllocationSupply, ...] | None) -> tuple[str, ...]:
    """Give the references of the nodes that ``supplies`` allow, or :data:`EVERY`."""
    if supplies is None or any(EVERY in supply.nodes for supply in supplies):
        return (EVERY,)
    return tuple(sorted({node for supply in supplies for node in supply.nodes}))


def hosts_offered(site: "Site", supplies: tuple[AllocationSupply, ...] | None) -> Iterator[str]:
    """Walk the references of the instances that ``supplies`` offer as hosts."""
    for reference in sorted({host for supply in supplies or () for host in supply.hosts}):
        node = site.instance_nodes.find(reference)
        if node is not None:
            yield node.instance
