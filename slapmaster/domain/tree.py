"""InstanceTree: what one person asked for, and all it asked for in turn."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from BTrees.OOBTree import OOBTree
from persistent import Persistent

from slapcore.states import InstanceState
from slapmaster.domain.container import Container
from slapmaster.domain.values import is_relative

if TYPE_CHECKING:
    from slapmaster.domain.instance import Instance
    from slapmaster.domain.node import ComputePartition


class InstanceTree(Persistent):
    """A root instance and everything below it; ``instances`` maps titles to them.

    ``departing`` holds, by reference, the instances that were told to go and are still on a
    node: their titles can be used again.  ``expecting`` holds, by reference, those that wait for a
    place which depends on where the others live.
    """

    state = InstanceState.STARTED
    root: "Instance | None" = None
    expecting: OOBTree | None = None

    def __init__(self, reference: str, title: str, owner: str, project: str) -> None:
        self.reference = reference
        self.title = title
        self.owner = owner
        self.project = project
        self.instances = OOBTree()
        self.departing = OOBTree()

    def everything(self) -> "Iterator[Instance]":
        """Walk all instances of the tree, the departing ones too."""
        yield from list(self.instances.values())
        yield from list(self.departing.values())

    def expect(self, waiting: "Instance") -> None:
        """Keep ``waiting`` in mind, if its place depends on the others'."""
        if is_relative(waiting.demands):
            if self.expecting is None:
                self.expecting = OOBTree()
            self.expecting[waiting.reference] = waiting

    def expect_no_more(self, placed: "Instance") -> None:
        if self.expecting is not None:
            self.expecting.pop(placed.reference, None)

    def places_beside(self, instance: "Instance") -> "Iterator[ComputePartition]":
        """Walk the places of all others."""
        for member in self.everything():
            if member is not instance and member.partition is not None:
                yield member.partition


class Trees(Container[InstanceTree]):
    """All trees not yet destroyed; a person uses a title once per project."""

    kind = "service"
    unique = {"title": lambda tree: (tree.owner, tree.project, tree.title)}
    many = {"project": lambda tree: tree.project}
