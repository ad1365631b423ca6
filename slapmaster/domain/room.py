"""Room: where there is a place for what, and what waits for one.

Allocation never scans nodes; it asks these indexes.  They follow from the nodes and instances
(``check`` compares) and change only through the methods here.

Whoever finds no place and begins to wait relies on the list it found nothing in; whoever makes
room relies on nobody having begun to wait meanwhile.  So nothing waits for what is there.
"""

import random
from collections.abc import Iterable
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from BTrees.Length import Length
from BTrees.LOBTree import LOBTree
from BTrees.OOBTree import OOBTree
from BTrees.OOBTree import OOTreeSet
from persistent import Persistent

from slapmaster.domain.container import add_to_set
from slapmaster.domain.container import remove_from_set
from slapmaster.domain.reliance import rely_on
from slapmaster.domain.reliance import rely_on_members

if TYPE_CHECKING:
    from slapmaster.domain.instance import Instance
    from slapmaster.domain.instance import SoftwareInstance
    from slapmaster.domain.node import ComputeNode
    from slapmaster.domain.values import Parameters

#: Stands for "whatever the release" and "whoever the owner" in the keys below.
ANY = ""

#: What is waited for: (project, release URL) a partition, (project, owner, release URL, type) a
#: host to share.
Key = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Turn:
    """Where an instance waits, with what demands, and since when (microseconds)."""

    key: Key
    demands: "Parameters"
    since: int


class Queue(Persistent):
    """Those who wait for the same.

    ``lines`` has them by what they demand of the place and then by time, so that who can't be
    served is not looked at.  ``arrivals`` counts whoever came, and is never counted down.
    """

    def __init__(self) -> None:
        self.lines = OOBTree()
        self.arrivals = Length()


class Room(Persistent):
    """Indexes for placing.

    ``nodes``
        (project, release URL) to the references of open nodes that have it supplied and have
        a free partition; under :data:`ANY` those with a free partition, whatever is supplied.
    ``supplied``
        (project, release URL) to the references of all nodes that have it supplied.
    ``hosts``
        (project, owner, release URL, type) to the references of instances that shared ones
        may live in; the owner is :data:`ANY` where hosts are open to all.
    ``queues``
        What is waited for to the :class:`Queue` of those without a place.
    ``unfinished``
        The references of nodes and hosts that may have room for more of those who wait.
    """

    def __init__(self) -> None:
        self.nodes = OOBTree()
        self.supplied = OOBTree()
        self.hosts = OOBTree()
        self.queues = OOBTree()
        self.unfinished = OOTreeSet()

    def settle(self, node: "ComputeNode") -> None:
        """List ``node`` under what it can take, or take it off the lists; call on any change."""
        standing = node.standing
        rely_on(standing)
        if node.has_room is standing.listed:
            return
        standing.listed = not standing.listed
        change = add_to_set if standing.listed else remove_from_set
        for url in (ANY, *standing.supplied):
            change(self.nodes, (node.project, url), node.reference)

    def offer_again(self, node: "ComputeNode") -> None:
        """Make a conflict with whoever has just begun to wait since ``node`` did not suit it."""
        if node.standing.listed:
            for url in (ANY, *node.standing.supplied):
                self.nodes[(node.project, url)].remove(node.reference)
                self.nodes[(node.project, url)].insert(node.reference)

    def supply(self, node: "ComputeNode", url: str) -> None:
        node.standing.supplied = tuple(sorted((*node.standing.supplied, url)))
        add_to_set(self.supplied, (node.project, url), node.reference)
        if node.standing.listed:
            add_to_set(self.nodes, (node.project, url), node.reference)

    def withdraw(self, node: "ComputeNode", url: str) -> None:
        node.standing.supplied = tuple(known for known in node.standing.supplied if known != url)
        remove_from_set(self.supplied, (node.project, url), node.reference)
        if node.standing.listed:
            remove_from_set(self.nodes, (node.project, url), node.reference)

    def nodes_with_room(self, project: str, url: str) -> Iterator[str]:
        """Walk the references of the nodes with room for ``url``, from a random start."""
        return rotated(self.nodes.get((project, url)))

    def open_host(self, host: "SoftwareInstance", key: Key) -> None:
        add_to_set(self.hosts, key, host.reference)

    def close_host(self, host: "SoftwareInstance", key: Key) -> None:
        remove_from_set(self.hosts, key, host.reference)

    def find_hosts(self, key: Key) -> Iterator[str]:
        """Walk the references of possible hosts, from a random start."""
        return rotated(self.hosts.get(key))

    def wait(self, instance: "Instance", key: Key, demands: "Parameters", now: int) -> None:
        """Queue ``instance``; it keeps the turn it had when it waits for something else now."""
        turn = instance.turn
        if turn is not None and (turn.key, turn.demands) == (key, demands):
            return
        self.leave(instance)
        since = now if turn is None else turn.since
        queue = self._queue(key)
        line = queue.lines.get(demands)
        if line is None:
            line = queue.lines[demands] = LOBTree()
        while not line.insert(since, instance):
            since += 1
        instance.turn = Turn(key, demands, since)
        queue.arrivals.change(1)
        rely_on_members(self._places(key, shared=instance.shared))

    def leave(self, instance: "Instance") -> None:
        """Take ``instance`` out of its queue, if it is in one."""
        turn = instance.turn
        if turn is None:
            return
        lines = self.queues[turn.key].lines
        del lines[turn.demands][turn.since]
        if not lines[turn.demands]:
            del lines[turn.demands]
        instance.turn = None

    def lines_for(self, keys: Iterable[Key]) -> "list[tuple[Parameters, LOBTree]]":
        """Give the lines of those waiting for one of ``keys``, each with what is demanded.

        Call it when there is room: whoever begins to wait meanwhile makes a conflict.
        """
        found = []
        for key in keys:
            queue = self._queue(key)
            rely_on(queue.arrivals)
            found += queue.lines.items()
        return found

    def _queue(self, key: Key) -> Queue:
        queue: Queue | None = self.queues.get(key)
        if queue is None:
            queue = self.queues[key] = Queue()
        return queue

    def _places(self, key: Key, *, shared: bool) -> OOTreeSet:
        index = self.hosts if shared else self.nodes
        places = index.get(key)
        if places is None:
            places = index[key] = OOTreeSet()
        return places


def rotated(members: OOTreeSet | None) -> Iterator[str]:
    """Walk a sorted set of references once, from a random member on, without reading it all."""
    if not members:
        return
    first = pick_any(members)
    yield from members.keys(first)
    yield from members.keys(None, first, excludemax=True)


def pick_any(members: OOTreeSet) -> str:
    """Give a member by chance, reading no more than the way down to it."""
    state = members.__getstate__()
    while len(state) > 1:  # a tree of several buckets: children, with keys between them
        child = random.choice(state[0][::2])
        if not isinstance(child, OOTreeSet):
            return str(random.choice(list(child)))
        members, state = child, child.__getstate__()
    return str(random.choice(list(members)))
