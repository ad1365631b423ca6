"""SoftwareInstance and SharedInstance: what customers asked for, and where it lives.

Small records by writer: people write the instance, the program in it writes its connection
parameters, the node writes its status.
"""

from typing import TypeGuard

from BTrees.OOBTree import OOBTree
from persistent import Persistent

from slapcore.errors import NotFound
from slapcore.states import InstanceState
from slapmaster.domain.certificate import Certificate
from slapmaster.domain.certificate import SealedKey
from slapmaster.domain.container import Container
from slapmaster.domain.node import ComputePartition
from slapmaster.domain.reliance import rely_on
from slapmaster.domain.room import Turn
from slapmaster.domain.status import AccessStatus
from slapmaster.domain.tree import InstanceTree
from slapmaster.domain.values import Parameters


class Connection(Persistent):
    """How to reach an instance: what the program in it published."""

    parameters: Parameters = ()


class Instance(Persistent):
    """What a software instance and a shared one have in common.

    ``requester`` is the instance that asked for it, ``None`` for the root of its tree.
    ``partition`` is where it lives; while there is none, ``waiting_for`` says why and ``turn``
    since when.
    """

    shared = False
    requester: "SoftwareInstance | None" = None
    partition: ComputePartition | None = None
    waiting_for = ""
    turn: Turn | None = None
    state = InstanceState.STARTED
    parameters: Parameters = ()
    demands: Parameters = ()

    def __init__(self, reference: str, title: str, tree: InstanceTree) -> None:
        self.reference = reference
        self.title = title
        self.tree = tree
        self.release_url = ""
        self.software_type = ""
        self.connection = Connection()
        self.access = AccessStatus()

    @property
    def wanted_state(self) -> InstanceState:
        """What its node is told: a stopped tree stops whatever is in it."""
        if self.state is InstanceState.STARTED and self.tree.state is InstanceState.STOPPED:
            return InstanceState.STOPPED
        return self.state

    @property
    def is_root(self) -> bool:
        return self.requester is None

    def leave_requester(self) -> None:
        """No longer be one of those that the requester asked for."""
        if self.requester is not None and self.requester.children:
            self.requester.children.pop(self.reference, None)

    def touch(self, now: int) -> None:
        """Have the node that runs this instance, or its host, process it again."""
        if self.partition is not None:
            self.partition.touch(now)

    def has_been_seen(self) -> None:
        """Have the cached views that show this instance made again, without processing it."""
        if self.partition is not None:
            self.partition.node.changed()


class SoftwareInstance(Instance):
    """An instance with a partition of its own, and a certificate to speak for itself.

    ``children`` are those it asked for, by reference, as long as they are wanted.
    """

    certificates: tuple[Certificate, ...] = ()
    secret: SealedKey | None = None
    children: OOBTree | None = None

    def adopt(self, child: Instance) -> None:
        """Have ``child`` below this instance from now on, which must not go meanwhile."""
        rely_on(self)
        child.leave_requester()
        child.requester = self
        if self.children is None:
            self.children = OOBTree()
        self.children[child.reference] = child

    def dismiss_children(self) -> list[Instance]:
        """Have nobody below this instance any more, and give who was.

        Whoever is asked for meanwhile makes a conflict.
        """
        if self.children is None:
            return []
        rely_on(self.children)
        dismissed = list(self.children.values())
        self.children.clear()
        return dismissed


class SharedInstance(Instance):
    """A share in somebody's instance: it lives in its host's partition."""

    shared = True
    changed = 0

    def touch(self, now: int) -> None:
        """Have the host processed again; ``changed`` tells it which of its guests is new."""
        self.changed = max(now, self.changed + 1)
        super().touch(now)

    @property
    def host(self) -> SoftwareInstance | None:
        return self.partition.instance if self.partition is not None else None


def is_host(instance: Instance | None) -> TypeGuard[SoftwareInstance]:
    """Tell whether shared instances may settle in ``instance``."""
    return (
        isinstance(instance, SoftwareInstance)
        and instance.partition is not None
        and instance.state is not InstanceState.DESTROYED
        and instance.partition.node.remote is None
    )


class Instances(Container[Instance]):
    """All instances whose end has not come."""

    kind = "instance"


def instance_on(partition: ComputePartition) -> SoftwareInstance:
    """Give the instance that lives in ``partition``; raises ``NotFound`` when nothing does."""
    if partition.instance is None:
        raise NotFound(f"nothing lives in {partition.name} of {partition.node.reference}")
    return partition.instance


def find_on(partition: ComputePartition, shared: str | None) -> Instance:
    """Give the instance in ``partition``, or the shared one called ``shared`` in it."""
    host = instance_on(partition)
    if shared is None:
        return host
    found: SharedInstance | None = (partition.shared or {}).get(shared)
    if found is None:
        raise NotFound(f"no shared instance {shared!r} in {host.reference}")
    return found
