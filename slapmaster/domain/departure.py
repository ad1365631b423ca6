"""The end of an instance: told to go, gone from its node, forgotten.

Whatever an instance asked for goes with it.  What lives on a node goes when the node says so;
what has no place, or only shares one, goes at once.  A title is free again as soon as its
instance is told to go.
"""

from slapcore.errors import Conflict
from slapcore.states import InstanceState
from slapmaster.domain.act import Act
from slapmaster.domain.certification import revoke_all
from slapmaster.domain.feed import EventKind
from slapmaster.domain.hosting import host_key
from slapmaster.domain.instance import Instance
from slapmaster.domain.instance import SoftwareInstance
from slapmaster.domain.instance import is_host
from slapmaster.domain.telling import tell_of_instance
from slapmaster.domain.waiting import place_expecting
from slapmaster.domain.waiting import release_place


def depart(act: Act, instance: Instance) -> None:
    """Tell ``instance``, and all it asked for, to go."""
    instance.leave_requester()
    going = [instance]
    while going:
        member = going.pop()
        if isinstance(member, SoftwareInstance):
            going += member.dismiss_children()
        tell_to_go(act, member)
    if instance.is_root:
        instance.tree.state = InstanceState.DESTROYED
        act.site.trees.remove(instance.tree)
    else:
        place_expecting(act, instance.tree)


def tell_to_go(act: Act, instance: Instance) -> None:
    if is_host(instance):
        act.site.room.close_host(instance, host_key(act.site, instance))
    instance.state = InstanceState.DESTROYED
    del instance.tree.instances[instance.title]
    act.note("instance destroyed", instance.reference, instance.title)
    tell_of_instance(act, EventKind.DESTROYED, instance)
    if instance.partition is None or instance.shared:
        forget(act, instance)
    else:
        instance.tree.departing[instance.reference] = instance
        instance.touch(act.now)


def report_gone(act: Act, instance: SoftwareInstance) -> None:
    """The node has removed ``instance``; raises ``Conflict`` unless that was wanted."""
    if instance.state is not InstanceState.DESTROYED:
        raise Conflict(f"nobody asked to destroy {instance.title!r}")
    del instance.tree.departing[instance.reference]
    forget(act, instance)


def forget(act: Act, instance: Instance) -> None:
    tell_of_instance(act, EventKind.GONE, instance)
    release_place(act, instance)
    if isinstance(instance, SoftwareInstance):
        revoke_all(act, instance, "instance destroyed")
    act.site.instances.remove(instance)
    act.note("instance gone", instance.reference, instance.title)
