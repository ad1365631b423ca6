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
from BTrees.OOBTree import OOSet
from BTrees.OOBTree import OOTreeSet
from persistent import Persistent

from slapmaster.domain.category import branches
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
        The references of nodes, hosts and projects that may have room for more of those who
        wait.
    ``states``
        (project, availability) to the references of the nodes in it: all nodes are somewhere.
    ``traits``
        (project, key, value) to the references of the nodes that can be demanded by that: their
        network, their categories, the capabilities of their partitions.
    """

    def __init__(self) -> None:
        self.nodes = OOBTree()
        self.supplied = OOBTree()
        self.hosts = OOBTree()
        self.queues = OOBTree()
        self.unfinished = OOTreeSet()
        self.states = OOBTree()
        self.traits = OOBTree()

    def settle(self, node: "ComputeNode") -> None:
        """List ``node`` under what it can take, or take it off the lists; call on any change."""
        standing = node.standing
        rely_on(standing)
        availability = node.availability
        if availability is not standing.availability:
            if standing.availability is not None:
                remove_from_set(
                    self.states, (node.project, str(standing.availability)), node.reference
                )
            add_to_set(self.states, (node.project, str(availability)), node.reference)
            standing.availability = availability
        if node.has_room is standing.listed:
            return
        standing.listed = not standing.listed
        change = add_to_set if standing.listed else remove_from_set
        for url in (ANY, *standing.supplied):
            change(self.nodes, (node.project, url), node.reference)

    def describe(self, node: "ComputeNode") -> None:
        """List ``node`` under what can be demanded of it; call when that may have changed."""
        traits = traits_of(node)
        for trait in set(node.standing.traits).difference(traits):
            remove_from_set(self.traits, (node.project, *trait), node.reference)
        for trait in set(traits).difference(node.standing.traits):
            add_to_set(self.traits, (node.project, *trait), node.reference)
        if traits != node.standing.traits:
            node.standing.traits = traits

    def nodes_in(self, project: str) -> Iterator[tuple[str, OOTreeSet]]:
        """Walk the nodes of ``project`` by their availability."""
        for key, nodes in self.states.items((project, ""), (project + "\0", "")):
            yield key[1], nodes

    def values_of(self, project: str, key: str) -> list[str]:
        """Give what the nodes of ``project`` are said to be in the category ``key``."""
        first, last = (project, key, ""), (project, key + "\0", "")
        return [found[2] for found, nodes in self.traits.items(first, last) if nodes]

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
        instance.tree.expect(instance)
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
        instance.tree.expect_no_more(instance)

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

    def is_waited_for(self, key: Key, demands: "Parameters") -> bool:
        """Tell whether somebody with the same ``demands`` waits for ``key``."""
        queue = self.queues.get(key)
        return queue is not None and demands in queue.lines

    def keys_waited_for(self, project: str) -> list[Key]:
        """Give everything in ``project`` that was ever waited for."""
        return list(self.queues.keys((project,), (project + "\0",)))

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


def traits_of(node: "ComputeNode") -> tuple[tuple[str, str], ...]:
    """Give what can be demanded of ``node``: a category's value, and whatever that is part of."""
    found = {("network", node.network), ("network", ANY)} if node.network else set()
    for key, value in node.categories:
        found.update((key, branch) for branch in branches(value))
    for partition in node.partitions.values():
        if partition.active:
            found.update(("capability", word) for word in partition.capabilities)
    return tuple(sorted(found))


def rotated(members: OOTreeSet | OOSet | None) -> Iterator[str]:
    """Walk a sorted set of references once, from a random member on, without reading it all."""
    if not members:
        return
    if isinstance(members, OOSet):
        found = list(members)
        start = random.randrange(len(found))
        yield from (*found[start:], *found[:start])
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
