"""Move an instance to another node: its place, and not its data.

It keeps its reference, title, parameters, and those who share it.  Its old place is destroyed
and freed by the node's report, as that of any instance that was told to go: a remnant stands for
it until then.  What it knew by its old certificate is no longer believed; the new place gets a
new one.
"""

from slapcore.errors import Conflict
from slapcore.states import InstanceState
from slapmaster.domain.act import Act
from slapmaster.domain.allocation import find_place
from slapmaster.domain.allocation import policy_of
from slapmaster.domain.allocation import settle
from slapmaster.domain.certification import revoke_all
from slapmaster.domain.feed import EventKind
from slapmaster.domain.hosting import host_key
from slapmaster.domain.instance import Instance
from slapmaster.domain.instance import SharedInstance
from slapmaster.domain.instance import SoftwareInstance
from slapmaster.domain.instance import is_host
from slapmaster.domain.node import ComputePartition
from slapmaster.domain.plan import Plan
from slapmaster.domain.reasons import explain
from slapmaster.domain.reasons import put_in_words
from slapmaster.domain.telling import tell_of_instance
from slapmaster.domain.waiting import follow_up


def plan_move(act: Act, instance: Instance) -> Plan:
    """Say where ``instance`` would move, or why it can't; nothing is stored."""
    refuse_immovable(instance)
    place = find_other_place(act, instance)
    policy = (policy_of(act, instance) or "") if not instance.shared else ""
    reasons = explain(act.site, instance, placed=True)
    if place is None:
        why = put_in_words(instance, reasons)
        text = f"there is no other place for it: {why}" if reasons else "there is no other place"
        return Plan(policy=policy, reasons=reasons, text=text)
    return Plan(
        node=place.node.reference,
        partition=place.name,
        policy=policy,
        reasons=reasons,
        text=f"it would move to {place.name} of {place.node.reference}; its data would not",
    )


def can_move(act: Act, instance: Instance) -> str:
    """Say why ``instance`` can't move; nothing if it can."""
    plan = plan_move(act, instance)
    return "" if plan.node else plan.text


def move(act: Act, instance: Instance) -> ComputePartition:
    """Move ``instance`` to another node, or host; raises ``Conflict`` when there is none."""
    refuse_immovable(instance)
    place = find_other_place(act, instance)
    if place is None:
        raise Conflict(f"{instance.title!r} can't move: {plan_move(act, instance).text}")
    old = instance.partition
    assert old is not None
    act.note("moved", instance.reference, f"{name_of(old)} -> {name_of(place)}")
    if isinstance(instance, SharedInstance):
        old.put_out(instance, act.now)
        settle(act, instance, place)
    else:
        assert isinstance(instance, SoftwareInstance)
        move_software(act, instance, old, place)
    tell_of_instance(act, EventKind.MOVED, instance, f"from {name_of(old)}")
    if instance.requester is not None:
        instance.requester.touch(act.now)
    follow_up(act, [instance])
    return place


def refuse_immovable(instance: Instance) -> None:
    if instance.state is InstanceState.DESTROYED:
        raise Conflict(f"{instance.title!r} is being destroyed and can't move")
    if instance.partition is None:
        raise Conflict(f"{instance.title!r} has no place yet: it waits for one")
    if instance.partition.node.remote is not None:
        raise Conflict(f"{instance.title!r} lives on a remote node: only that one could move it")


def find_other_place(act: Act, instance: Instance) -> ComputePartition | None:
    assert instance.partition is not None
    return find_place(act, instance, instance.partition.node)


def move_software(
    act: Act, instance: SoftwareInstance, old: ComputePartition, place: ComputePartition
) -> None:
    if is_host(instance):
        act.site.room.close_host(instance, host_key(act.site, instance))
    guests = list(old.shared_instances())
    leave_remnant(act, instance, old)
    revoke_all(act, instance, "moved to another node")
    settle(act, instance, place)
    for guest in guests:
        guest.partition = place
        place.take_in(guest, act.now)


def leave_remnant(act: Act, instance: SoftwareInstance, place: ComputePartition) -> None:
    """Leave in ``place`` what its node is to destroy, under a reference of its own."""
    remnant = SoftwareInstance(act.new_reference("SOFTINST"), instance.title, instance.tree)
    remnant.requester = instance.requester
    remnant.release_url = instance.release_url
    remnant.software_type = instance.software_type
    remnant.parameters = instance.parameters
    remnant.demands = instance.demands
    remnant.connection.parameters = instance.connection.parameters
    remnant.state = InstanceState.DESTROYED
    remnant.partition = place
    act.site.instances.add(remnant)
    instance.tree.departing[remnant.reference] = remnant
    instance.partition = None
    place.hand_over(remnant, act.now)
    act.note("remnant left", remnant.reference, instance.reference)


def name_of(place: ComputePartition) -> str:
    return f"{place.node.reference} {place.name}"
