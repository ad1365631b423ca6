"""Room: where there is a place for what, and what waits for one.

Allocation never scans nodes; it asks these indexes.  They follow from the nodes and instances
(``check`` compares) and change only through the methods here.
"""

import random
from collections.abc import Iterator
from typing import TYPE_CHECKING

from BTrees.LOBTree import LOBTree
from BTrees.OOBTree import OOBTree
from persistent import Persistent

from slapcore.states import ReleaseState
from slapmaster.domain.container import add_to_set
from slapmaster.domain.container import remove_from_set

if TYPE_CHECKING:
    from slapmaster.domain.instance import Instance
    from slapmaster.domain.instance import SoftwareInstance
    from slapmaster.domain.node import ComputeNode

#: Stands for "whatever the release" in the keys below.
ANY = ""


class Room(Persistent):
    """Indexes for placing.

    ``nodes``
        (project, release URL) to the references of open nodes that have it supplied and have
        a free partition; under :data:`ANY` those with a free partition, whatever is supplied.
    ``supplied``
        (project, release URL) to the references of all nodes that have it supplied.
    ``hosts``
        (project, owner, release URL, type) to the references of instances that shared ones
        may live in; under owner :data:`ANY` everybody's.
    ``waiting``
        (project, release URL, shared) to those without a place, by the time they began to wait.
    """

    def __init__(self) -> None:
        self.nodes = OOBTree()
        self.supplied = OOBTree()
        self.hosts = OOBTree()
        self.waiting = OOBTree()

    def settle(self, node: "ComputeNode") -> None:
        """List ``node`` under what it can take, or take it off the lists; call on any change."""
        change = add_to_set if node.has_room else remove_from_set
        for url in (ANY, *self.supplied_to(node)):
            known = self.nodes.get((node.project, url), ())
            if (node.reference in known) is not node.has_room:
                change(self.nodes, (node.project, url), node.reference)

    def supplied_to(self, node: "ComputeNode") -> list[str]:
        """Give the URLs of the releases wanted on ``node``."""
        return [
            url
            for url, installation in node.installations.items()
            if installation.state is ReleaseState.AVAILABLE
        ]

    def supply(self, node: "ComputeNode", url: str) -> None:
        add_to_set(self.supplied, (node.project, url), node.reference)
        self.settle(node)

    def withdraw(self, node: "ComputeNode", url: str) -> None:
        remove_from_set(self.supplied, (node.project, url), node.reference)
        remove_from_set(self.nodes, (node.project, url), node.reference)

    def nodes_with_room(self, project: str, url: str) -> Iterator[str]:
        """Walk the references of the nodes with room for ``url``, from a random start."""
        return rotated(self.nodes.get((project, url)))

    def open_host(self, host: "SoftwareInstance") -> None:
        for key in host_keys(host):
            add_to_set(self.hosts, key, host.reference)

    def close_host(self, host: "SoftwareInstance") -> None:
        for key in host_keys(host):
            remove_from_set(self.hosts, key, host.reference)

    def find_hosts(self, project: str, owner: str, url: str, software_type: str) -> Iterator[str]:
        """Walk the references of possible hosts, from a random start."""
        return rotated(self.hosts.get((project, owner, url, software_type)))

    def wait(self, instance: "Instance", now: int) -> None:
        """Queue ``instance``; its place in the queue is when it first had to wait."""
        if instance.waiting_since:
            return
        key = waiting_key(instance)
        queue = self.waiting.get(key)
        if queue is None:
            queue = self.waiting[key] = LOBTree()
        while not queue.insert(now, instance):
            now += 1
        instance.waiting_since = now

    def leave(self, instance: "Instance") -> None:
        """Take ``instance`` out of its queue, if it is in one."""
        if instance.waiting_since:
            del self.waiting[waiting_key(instance)][instance.waiting_since]
            instance.waiting_since = 0

    def queue(self, project: str, url: str, *, shared: bool) -> "list[Instance]":
        """Give those waiting for ``url``, the oldest first."""
        return list(self.waiting.get((project, url, shared), LOBTree()).values())

    def urls_waited_for(self, project: str, *, shared: bool) -> list[str]:
        return [
            url
            for (_, url, kind), queue in self.waiting.items((project,), (project + "\0",))
            if kind is shared and queue
        ]


def rotated(members: OOBTree | None) -> Iterator[str]:
    """Walk a sorted set of references once, from a random member on, without reading it all."""
    if not members:
        return
    first = pick_near(members)
    yield from members.keys(first)
    yield from members.keys(None, first, excludemax=True)


def pick_near(members: OOBTree) -> str:
    """Give the first member at or after a reference made up at random."""
    prefix = members.maxKey().rpartition("-")[0]
    try:
        return str(members.minKey(f"{prefix}-{random.randrange(10**9):09}"))
    except ValueError:  # nothing that late
        return str(members.minKey())


def host_keys(host: "SoftwareInstance") -> tuple[tuple[str, str, str, str], ...]:
    tree = host.tree
    what = (host.release_url, host.software_type)
    return ((tree.project, tree.owner, *what), (tree.project, ANY, *what))


def waiting_key(instance: "Instance") -> tuple[str, str, bool]:
    return (instance.tree.project, instance.release_url, instance.shared)
