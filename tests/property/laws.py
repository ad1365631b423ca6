"""What holds for every site, and between what it was and what it is after something was done.

No partition is given twice; nothing waits for what is there; who waited longest is served
first; times only grow; what a node is shown does not change unless its revision does, and what
lives there is processed again when what is wanted of it changes; destroyed is the end.
"""

from dataclasses import dataclass

from slapcore.states import InstanceState
from slapmaster.api import nodeview
from slapmaster.domain.allocation import wanted_place
from slapmaster.domain.check import find_problems
from slapmaster.domain.demand import choosing_demands
from slapmaster.domain.demand import meets
from slapmaster.domain.demand import weight_of
from slapmaster.domain.hosting import can_host
from slapmaster.domain.instance import is_host


@dataclass(frozen=True)
class Picture:
    """What is compared before and after."""

    times: dict[tuple[str, str], int]
    contents: dict[tuple[str, str], object]
    documents: dict[str, tuple[int, bytes]]
    lines: dict[object, list[str]]
    ended: frozenset[str]


def contents_of(partition):
    """Give what the instance in ``partition`` has to be processed again for."""
    instance = partition.instance
    if instance is None:
        return None
    guests = [
        (guest.reference, guest.title, guest.wanted_state, guest.parameters)
        for guest in partition.shared_instances()
    ]
    what = (instance.release_url, instance.software_type, instance.parameters, instance.demands)
    return (instance.reference, instance.title, instance.wanted_state, what, guests)


def draw(site, ended):
    partitions = {
        (node.reference, partition.name): partition
        for node in site.nodes
        for partition in node.partitions.values()
    }
    destroyed = {one.reference for one in site.instances if one.state is InstanceState.DESTROYED}
    return Picture(
        times={where: partition.timestamp for where, partition in partitions.items()},
        contents={where: contents_of(partition) for where, partition in partitions.items()},
        documents={
            node.reference: (node.revision(), nodeview.put_together(node, {}).body)
            for node in site.nodes
        },
        lines={
            (key, demanded): [waiting.reference for waiting in line.values()]
            for key, queue in site.room.queues.items()
            for demanded, line in queue.lines.items()
        },
        ended=frozenset(destroyed | ended),
    )


def keep_laws(site):
    """Look at what must hold at any time."""
    assert list(find_problems(site)) == []
    given = [one.partition for one in site.instances if not one.shared and one.partition]
    assert len(given) == len({(place.node.reference, place.name) for place in given})
    for instance in site.instances:
        if instance.turn is not None:
            find = hosts_for if instance.shared else nodes_for
            assert not find(site, instance), f"{instance.title} waits for what is there"


def follow_laws(site, before, now):
    """Look at what must hold between ``before`` and ``now``."""
    for where, time in before.times.items():
        assert now.times[where] >= time
        if now.contents[where] != before.contents[where]:
            assert now.times[where] > time
    for node, (revision, body) in before.documents.items():
        assert now.documents[node][0] >= revision
        if now.documents[node][1] != body:
            assert now.documents[node][0] > revision
    for wish, line in before.lines.items():
        the_oldest_were_served_first(site, wish, line)
    for reference in before.ended:
        instance = site.instances.find(reference)
        assert instance is None or instance.state is InstanceState.DESTROYED


def the_oldest_were_served_first(site, wish, line):
    """Look at those who still want what they have stood in ``line`` for."""
    found = [site.instances.find(reference) for reference in line]
    waits = [
        one.turn is not None
        for one in found
        if one is not None
        and one.state is not InstanceState.DESTROYED
        and (wanted_place(site, one), choosing_demands(site, one)) == wish
    ]
    assert waits == sorted(waits)


def nodes_for(site, instance):
    """Find the nodes where ``instance`` could live, by looking at all of them."""
    project = site.projects[instance.tree.project]
    capability = dict(instance.demands).get("capability")
    return [
        node.reference
        for node in site.nodes
        if node.is_open
        and not node.standing.fault
        and node.standing.can_carry(weight_of(site, instance))
        and (project.any_release or instance.release_url in node.standing.supplied)
        and meets(site, node, instance)
        and any(
            partition.is_free
            and (capability in partition.capabilities or not (capability or partition.capabilities))
            for partition in node.partitions.values()
        )
    ]


def hosts_for(site, instance):
    """Find the instances that ``instance`` could share, by looking at all of them."""
    return [
        host.reference
        for host in site.instances
        if is_host(host) and can_host(site, host, instance)
    ]
