"""Find a place, give it, take it back.

A place is given inside the request, or the reason why there is none is kept with the instance.
What waits is placed the moment room appears, the oldest first (:mod:`~slapmaster.domain.waiting`).
"""

import logging
from collections.abc import Iterator
from itertools import chain
from itertools import islice
from typing import Any

from slapcore.errors import PolicyFailed
from slapmaster.domain.act import Act
from slapmaster.domain.certification import certify_instance
from slapmaster.domain.demand import choosing_demands
from slapmaster.domain.demand import sieves_for
from slapmaster.domain.demand import weight_of
from slapmaster.domain.feed import EventKind
from slapmaster.domain.hosting import host_key
from slapmaster.domain.hosting import hosts_for
from slapmaster.domain.instance import Instance
from slapmaster.domain.instance import SharedInstance
from slapmaster.domain.instance import SoftwareInstance
from slapmaster.domain.instance import is_host
from slapmaster.domain.node import ComputeNode
from slapmaster.domain.node import ComputePartition
from slapmaster.domain.policy import DEFAULT
from slapmaster.domain.policy import Candidate
from slapmaster.domain.policy import Wish
from slapmaster.domain.policy import choose
from slapmaster.domain.policy import is_installed
from slapmaster.domain.reasons import explain
from slapmaster.domain.reasons import put_in_words
from slapmaster.domain.reliance import rely_on
from slapmaster.domain.reliance import rely_on_members
from slapmaster.domain.room import ANY
from slapmaster.domain.room import Key
from slapmaster.domain.room import rotated
from slapmaster.domain.site import Site
from slapmaster.domain.telling import tell_of_instance
from slapmaster.domain.values import POLICY

log = logging.getLogger(__name__)

#: How many nodes with room a policy gets to see, and how many are looked at to find them.  The
#: best of ten drawn by chance is nearly the best of all, and each costs a few loads of records.
#: The first ones are always among them, so that nodes can be filled one after the other.
WINDOW = 10
FIRST = 3
LOOKED_AT = 10_000

#: How near a node is to an instance: its requester is there, or the root of its tree.
BY_REQUESTER = 2
BY_ROOT = 1


def give_place(act: Act, instance: Instance) -> bool:
    """Give ``instance`` a place, or have it wait; tell whether it has one now.

    Raises ``PolicyFailed`` when what was to choose did not.
    """
    place = None if must_queue(act.site, instance) else find_place(act, instance)
    if place is not None:
        settle(act, instance, place)
        return True
    rely_on(act.site.projects[instance.tree.project])
    key, demands = wanted_place(act.site, instance), choosing_demands(act.site, instance)
    act.site.room.wait(instance, key, demands, act.now)
    why = put_in_words(instance, explain(act.site, instance))
    if not instance.waiting_for:
        tell_of_instance(act, EventKind.WAITING, instance, why)
    say_why(instance, why)
    return False


def must_queue(site: Site, instance: Instance) -> bool:
    """Tell whether others, who want the same and came first, are just being placed."""
    room = site.room
    if instance.turn is not None or not room.unfinished:
        return False
    return room.is_waited_for(wanted_place(site, instance), choosing_demands(site, instance))


def say_why(instance: Instance, why: str) -> None:
    """Keep with ``instance`` why it has no place."""
    if why != instance.waiting_for:
        instance.waiting_for = why


def wanted_place(site: Site, instance: Instance) -> Key:
    """Give the key that room has the places for ``instance`` under."""
    if instance.shared:
        return host_key(site, instance)
    project = site.projects[instance.tree.project]
    return (project.reference, ANY if project.any_release else instance.release_url)


def find_place(
    act: Act, instance: Instance, without: ComputeNode | None = None
) -> ComputePartition | None:
    """Find a place for ``instance``, if there is one; raises ``PolicyFailed``.

    Where it shall live elsewhere than now, it is to be ``without`` the node that it lives on.
    """
    if isinstance(instance, SharedInstance):
        hosts = hosts_for(act.site, instance)
        return next((host for host in hosts if host.node is not without), None)
    found = candidates_for(act.site, instance)
    places = list(islice((place for place in found if place.node is not without), WINDOW))
    if not places:
        return None
    name = policy_of(act, instance)
    if name is None:
        return places[0]
    candidates = [show(place, instance) for place in places]
    chosen = choose(act.hook, name, wish_of(instance), candidates)
    return places[candidates.index(chosen)]


def try_to_find_place(act: Act, instance: Instance) -> ComputePartition | None:
    """Find a place for one that waits; a policy that fails makes only that one wait on."""
    try:
        return find_place(act, instance)
    except PolicyFailed as error:
        log.warning("%s waits on: %s", instance.reference, error)
        say_why(instance, str(error))
        return None


def policy_of(act: Act, instance: Instance) -> str | None:
    """Give the name of the policy that chooses for ``instance``, if there is any."""
    project = act.site.projects[instance.tree.project]
    name: str = dict(instance.demands).get(POLICY) or project.policy
    if name:
        return name
    return DEFAULT if is_installed(act.hook, DEFAULT) else None


def wish_of(instance: Instance) -> Wish:
    return Wish(
        reference=instance.reference,
        title=instance.title,
        release_url=instance.release_url,
        software_type=instance.software_type,
        parameters=dict(instance.parameters),
        demands=dict(instance.demands),
        tree=instance.tree.title,
        owner=instance.tree.owner,
        project=instance.tree.project,
    )


def show(place: ComputePartition, instance: Instance) -> Candidate:
    """Show a place as policies see it."""
    node = place.node
    return Candidate(
        node=node.reference,
        node_title=node.title,
        partition=place.name,
        capabilities=place.capabilities,
        network=node.network,
        categories=dict(node.categories),
        free=node.free_count(),
        load=node.standing.load,
        capacity=node.standing.capacity,
        near=dict(nodes_near(instance)).get(node.reference, 0),
    )


def nodes_near(instance: Instance) -> list[tuple[str, int]]:
    """Give the nodes of the tree's root and of the requester, the nearest last."""
    near = ((instance.tree.root, BY_ROOT), (instance.requester, BY_REQUESTER))
    return [
        (other.partition.node.reference, how)
        for other, how in near
        if other is not None and other.partition is not None
    ]


def candidates_for(site: Site, instance: Instance) -> Iterator[ComputePartition]:
    """Walk free partitions that meet the demands of ``instance``, one per node."""
    weight = weight_of(site, instance)
    for reference in islice(nodes_for(site, instance), LOOKED_AT):
        partition = free_partition(site.nodes[reference], instance, weight)
        if partition is not None:
            yield partition


def nodes_for(site: Site, instance: Instance) -> Iterator[str]:
    """Walk the nodes with room that meet the demands: near ones, the first, then by chance."""
    found: Any = site.room.nodes.get(wanted_place(site, instance))
    for sieve in sieves_for(site, instance):
        if not found:
            return
        found = sieve.apply(found)
    if not found:
        return
    near = [node for node, _ in reversed(nodes_near(instance)) if node in found]
    seen: set[str] = set()
    for node in chain(near, list(islice(iter(found), FIRST)), rotated(found)):
        if node not in seen:
            seen.add(node)
            yield node


def free_partition(
    node: ComputeNode, instance: Instance, weight: int
) -> ComputePartition | None:
    """Give a free partition with the capability that is asked for, or with none if none is."""
    if not node.standing.can_carry(weight):
        rely_on(node.standing)
        return None
    capability = dict(instance.demands).get("capability")
    for name in rotated(node.free):
        partition = node[name]
        if capability in partition.capabilities or not (capability or partition.capabilities):
            return partition
    rely_on_members(node.free)
    return None


def settle(act: Act, instance: Instance, place: ComputePartition) -> None:
    """Let ``instance`` live in ``place``."""
    act.site.room.leave(instance)
    say_why(instance, "")
    instance.partition = place
    tell_of_instance(act, EventKind.PLACED, instance, place.name)
    act.note("placed", instance.reference, f"{place.node.reference} {place.name}")
    if isinstance(instance, SharedInstance):
        place.take_in(instance, act.now)
    elif isinstance(instance, SoftwareInstance):
        place.occupy(instance, weight_of(act.site, instance), act.now)
        act.site.room.settle(place.node)
        certify_instance(act, instance)
        if is_host(instance):
            act.site.room.open_host(instance, host_key(act.site, instance))


def leave_place(act: Act, instance: Instance) -> list[SharedInstance]:
    """Take ``instance`` out of its place; give those who shared it and have none now."""
    place = instance.partition
    assert place is not None
    instance.partition = None
    if isinstance(instance, SharedInstance):
        place.put_out(instance, act.now)
        return []
    guests = list(place.shared_instances())
    place.vacate(act.now)
    act.site.room.settle(place.node)
    for guest in guests:
        guest.partition = None
        act.note("host lost", guest.reference)
        tell_of_instance(act, EventKind.HOST_LOST, guest)
    return guests
