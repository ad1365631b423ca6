"""Why there is no place: what is wrong with each node, grouped and counted.

No node is looked at: sets that the indexes hold are cut down, one sieve after the other, so that
thousands of nodes take milliseconds.  Each node is counted once, for the first thing that is
wrong with it.
"""

from collections.abc import Iterator
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from BTrees.OOBTree import OOSet
from BTrees.OOBTree import difference
from BTrees.OOBTree import union

from slapmaster.domain.demand import Sieve
from slapmaster.domain.demand import meets
from slapmaster.domain.demand import sieves_for
from slapmaster.domain.demand import weight_of
from slapmaster.domain.hosting import possible_hosts
from slapmaster.domain.instance import Instance
from slapmaster.domain.instance import SharedInstance
from slapmaster.domain.node import Availability
from slapmaster.domain.site import Site

#: What keeps a node from taking more, in words.
UNAVAILABLE = {
    Availability.CLOSED: "closed",
    Availability.FAULTY: "reports an error",
    Availability.LOADED: "at its capacity",
    Availability.FULL: "no free partition",
}


@dataclass(frozen=True, slots=True)
class Reason:
    """So many nodes, or hosts, are no place for it, and why; ``example`` is one of them."""

    count: int
    why: str
    example: str


def explain(site: Site, instance: Instance, *, placed: bool = False) -> tuple[Reason, ...]:
    """Say why ``instance`` can't live on any node, or in any host, as far as the indexes know.

    Where there is a place for it, it is ``placed``: then what the indexes let pass has no fault.
    """
    if isinstance(instance, SharedInstance):
        return tuple(reasons_of_hosts(site, instance))
    return tuple(reasons_of_nodes(site, instance, placed=placed))


def reasons_of_nodes(site: Site, instance: Instance, *, placed: bool) -> Iterator[Reason]:
    project = instance.tree.project
    states = dict(site.room.nodes_in(project))
    left: Any = OOSet()
    for nodes in states.values():
        left = union(left, nodes)
    for sieve in stages(site, instance, states):
        passed = sieve.apply(left)
        if len(passed) < len(left):
            lost = difference(left, passed)
            yield Reason(len(lost), sieve.why, lost.minKey())
        left = passed
    if left and not placed:
        yield Reason(len(left), what_is_left(site, instance), left.minKey())


def stages(site: Site, instance: Instance, states: dict[str, Any]) -> Iterator[Sieve]:
    """Walk what a node has to pass, in the order in which it is said."""
    project = instance.tree.project
    yield from sieves_for(site, instance)
    if not site.projects[project].any_release:
        supplied = site.room.supplied.get((project, instance.release_url), OOSet())
        yield Sieve("release not supplied", supplied)
    for availability, why in UNAVAILABLE.items():
        if availability in states:
            yield Sieve(why, states[availability], keep=False)


def what_is_left(site: Site, instance: Instance) -> str:
    """Say what is wrong with a node that has room, but no place for this one."""
    capability = dict(instance.demands).get("capability")
    weight = weight_of(site, instance)
    if weight > 1:
        return f"no room for what takes {weight} of its capacity"
    if capability is not None:
        return f"no free partition with capability {capability}"
    return "every free partition is kept for those who demand its capability"


def reasons_of_hosts(site: Site, instance: SharedInstance) -> Iterator[Reason]:
    wanted = dict(instance.demands).get("instance")
    others, elsewhere = [], []
    for host in possible_hosts(site, instance):
        if wanted not in (None, host.reference):
            others.append(host.reference)
        elif host.partition is not None and not meets(site, host.partition.node, instance):
            elsewhere.append(host.reference)
    if others:
        yield Reason(len(others), f"not {wanted}", min(others))
    if elsewhere:
        yield Reason(len(elsewhere), "not on a node that is demanded", min(elsewhere))


def put_in_words(instance: Instance, reasons: Sequence[Reason]) -> str:
    """Say all ``reasons`` in one sentence."""
    kind = "hosts" if instance.shared else "nodes"
    total = sum(reason.count for reason in reasons)
    if not total and instance.shared:
        return (
            f"no instance of {instance.release_url} with type {instance.software_type!r} in "
            f"{instance.tree.project} can host this shared instance yet"
        )
    if not total:
        return f"there is no node in {instance.tree.project} yet"
    said = "; ".join(f"{one.count}: {one.why} (as {one.example})" for one in reasons)
    return f"no place on {total} {kind}: {said}"
