"""ComputeNode and ComputePartition: a machine, and the places on it.

Whatever a node would see differently bumps its ``revision`` (:meth:`ComputeNode.changed`);
whatever an instance must be processed again for also moves its partition's ``timestamp``
(:meth:`ComputePartition.touch`), which is in microseconds and only grows.
"""

from collections.abc import Iterator
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import replace
from enum import StrEnum
from typing import TYPE_CHECKING

from BTrees.Length import Length
from BTrees.OOBTree import OOBTree
from BTrees.OOBTree import OOTreeSet
from persistent import Persistent

from slapcore.errors import NotFound
from slapmaster.domain.certificate import Certificate
from slapmaster.domain.container import Container
from slapmaster.domain.status import AccessStatus

if TYPE_CHECKING:
    from slapmaster.domain.instance import SharedInstance
    from slapmaster.domain.instance import SoftwareInstance
    from slapmaster.domain.remote import Remote


class AllocationScope(StrEnum):
    """Whether a node takes new instances, or why not."""

    OPEN = "open"
    OUTDATED = "close/outdated"
    MAINTENANCE = "close/maintenance"
    TERMINATION = "close/termination"
    FOREVER = "close/forever"
    NO_ALLOCATION = "close/noallocation"


class Availability(StrEnum):
    """Whether a node takes one more instance; if not, the first reason why not."""

    ROOM = "room"
    CLOSED = "closed"
    FAULTY = "faulty"
    FULL = "full"
    LOADED = "loaded"


class ClosureKind(StrEnum):
    """Why a node is closed by name, and not only by its scope."""

    CORDONED = "cordoned"
    DRAINED = "drained"
    OUTDATED = "outdated"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Closure:
    """Who closed a node, since when, until when (0: for good), and why.

    ``moves`` says that what is still on it at the end of that time is to be moved.
    """

    kind: ClosureKind
    reason: str
    by: str
    since: int
    until: int = 0
    moves: bool = False

    def without_end(self) -> "Closure":
        return replace(self, until=0)


@dataclass(frozen=True, slots=True)
class Address:
    """An address of a partition; gateway and network only for routed interfaces."""

    interface: str
    ip: str
    netmask: str
    gateway: str = ""
    network: str = ""


@dataclass(frozen=True, slots=True)
class PartitionSpec:
    """What a node says of one of its partitions."""

    name: str
    addresses: tuple[Address, ...]
    capabilities: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NodeFacts:
    """What a node says of itself besides its partitions."""

    address: str = ""
    netmask: str = ""
    os_type: str = ""
    public_ipv4: str = ""
    agent_version: str = ""


class ComputePartition(Persistent):
    """One place on a node: a user, a directory, some addresses."""

    instance: "SoftwareInstance | None" = None
    shared: OOBTree | None = None
    addresses: tuple[Address, ...] = ()
    capabilities: tuple[str, ...] = ()
    active = True
    timestamp = 0
    weight = 1

    def __init__(self, node: "ComputeNode", name: str) -> None:
        self.node = node
        self.name = name

    @property
    def is_free(self) -> bool:
        return self.active and self.instance is None

    def touch(self, now: int) -> None:
        """Have the node process this partition again."""
        self.timestamp = max(now, self.timestamp + 1)
        self.node.changed()

    def occupy(self, instance: "SoftwareInstance", weight: int, now: int) -> None:
        """Have ``instance`` live here, which takes so much of the node's capacity."""
        self.instance = instance
        if weight != self.weight:
            self.weight = weight
        self.node.standing.carry(weight)
        self.node.take_out(self.name)
        self.touch(now)

    def hand_over(self, instance: "SoftwareInstance", now: int) -> None:
        """Have ``instance`` here instead of what was, and nobody who shares it."""
        self.instance = instance
        self.shared = None
        self.touch(now)

    def vacate(self, now: int) -> None:
        self.node.standing.carry(-self.weight)
        self.instance = None
        self.shared = None
        if self.active:
            self.node.put_back(self.name)
        self.touch(now)

    def shared_instances(self) -> "Iterator[SharedInstance]":
        """Walk the shared instances that live in this partition's instance, by reference."""
        return iter(self.shared.values() if self.shared is not None else ())

    def take_in(self, shared: "SharedInstance", now: int) -> None:
        if self.shared is None:
            self.shared = OOBTree()
        self.shared[shared.reference] = shared
        self.touch(now)

    def put_out(self, shared: "SharedInstance", now: int) -> None:
        assert self.shared is not None
        del self.shared[shared.reference]
        self.touch(now)


class Standing(Persistent):
    """What decides whether a node takes new instances, and of what; placing relies on it.

    A record of its own: whoever opens or closes the node, supplies a release to it, or has it
    become full or no longer full writes this, so no two of them miss one another.  ``supplied``
    are the URLs of the releases wanted on it; ``listed`` says whether
    :class:`~slapmaster.domain.room.Room` lists the node under them, ``availability`` and
    ``traits`` what else it is listed under.  ``fault`` is what keeps it from taking more though it
    is open.  ``capacity`` is how much it can carry, if that is not just its partitions, and
    ``load`` how much it does.
    """

    scope = AllocationScope.OPEN
    supplied: tuple[str, ...] = ()
    listed = False
    availability: Availability | None = None
    traits: tuple[tuple[str, str], ...] = ()
    fault = ""
    capacity = 0
    load = 0

    def carry(self, weight: int) -> None:
        """Carry so much more; it is only counted where there is a limit."""
        if self.capacity:
            self.load += weight

    def can_carry(self, weight: int) -> bool:
        return not self.capacity or self.load + weight <= self.capacity


class ComputeNode(Persistent):
    """A machine that runs instances.

    ``free`` holds the names of the partitions that nothing lives in, and ``free_count`` how
    many those are.  ``categories`` are what requests may ask of a node (region, memory …).
    ``remote`` says where that really is, if another project or master stands for it.
    """

    facts = NodeFacts()
    categories: tuple[tuple[str, str], ...] = ()
    certificates: tuple[Certificate, ...] = ()
    network = ""
    remote: "Remote | None" = None
    closure: Closure | None = None

    def __init__(self, reference: str, title: str, project: str) -> None:
        self.reference = reference
        self.title = title
        self.project = project
        self.partitions = OOBTree()
        self.installations = OOBTree()
        self.standing = Standing()
        self.free = OOTreeSet()
        self.free_count = Length()
        self.revision = Length()
        self.access = AccessStatus()
        self.usage = OOBTree()

    def __getitem__(self, name: str) -> ComputePartition:
        partition = self.partitions.get(name)
        if partition is None:
            raise NotFound(f"no partition {name!r} on {self.reference}")
        return partition  # type: ignore[no-any-return]

    @property
    def scope(self) -> AllocationScope:
        return self.standing.scope

    @property
    def is_open(self) -> bool:
        return self.standing.scope is AllocationScope.OPEN

    @property
    def has_room(self) -> bool:
        """Tell whether it takes another instance.

        Two who each take one of the last two partitions don't both miss that it is full now:
        a set that both together would empty makes a conflict.
        """
        return self.availability is Availability.ROOM

    @property
    def availability(self) -> Availability:
        if not self.is_open:
            return Availability.CLOSED
        if self.standing.fault:
            return Availability.FAULTY
        if not self.free:
            return Availability.FULL
        return Availability.ROOM if self.standing.can_carry(1) else Availability.LOADED

    def limit(self, capacity: int) -> None:
        """Carry no more than ``capacity``; none at all is no limit but the partitions."""
        self.standing.capacity = capacity
        self.standing.load = self.weigh() if capacity else 0

    def weigh(self) -> int:
        """Add up what all that lives here takes of its capacity."""
        lived_in = (one for one in self.partitions.values() if one.instance is not None)
        return sum(partition.weight for partition in lived_in)

    def in_service(self) -> Iterator[ComputePartition]:
        """Walk the partitions that the node has, or has something living in."""
        for partition in self.partitions.values():
            if partition.active or partition.instance is not None:
                yield partition

    def changed(self) -> None:
        """Have every cached view of this node made again."""
        self.revision.change(1)

    def take_over(self, facts: NodeFacts, specs: Sequence[PartitionSpec], now: int) -> bool:
        """Follow what the node says it is; tell whether that changed anything.

        A partition no longer named leaves service: at once if nothing lives in it, else when
        what lives there has gone.  Named again, it comes back.
        """
        known = self.revision()
        if facts != self.facts:
            self.facts = facts
            self.changed()
        wanted = {spec.name: spec for spec in specs}
        for spec in specs:
            self._bring(spec, now)
        for name, partition in self.partitions.items():
            if name not in wanted and partition.active:
                self._retire(partition)
        return bool(self.revision() != known)

    def _bring(self, spec: PartitionSpec, now: int) -> None:
        partition = self.partitions.get(spec.name)
        if partition is None:
            partition = self.partitions[spec.name] = ComputePartition(self, spec.name)
            self.put_back(spec.name)
            self.changed()
        elif not partition.active:
            partition.active = True
            if partition.instance is None:
                self.put_back(spec.name)
            self.changed()
        if (partition.addresses, partition.capabilities) != (spec.addresses, spec.capabilities):
            partition.addresses = spec.addresses
            partition.capabilities = spec.capabilities
            partition.touch(now)

    def _retire(self, partition: ComputePartition) -> None:
        partition.active = False
        if partition.instance is None:
            self.take_out(partition.name)
        self.changed()

    def take_out(self, name: str) -> None:
        """List the partition ``name`` as free no more."""
        self.free.remove(name)
        self.free_count.change(-1)

    def put_back(self, name: str) -> None:
        """List the partition ``name`` as free."""
        self.free.insert(name)
        self.free_count.change(1)


class Nodes(Container[ComputeNode]):
    """All compute nodes; a title is used once per project."""

    kind = "compute node"
    unique = {"title": lambda node: (node.project, node.title)}
