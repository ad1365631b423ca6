"""The end of an instance: told to go, gone from its node, forgotten.

Whatever an instance asked for goes with it.  What lives on a node goes when the node says so;
what has no place, or only shares one, goes at once.  A title is free again as soon as its
instance is told to go.
"""

from slapcore.errors import Conflict
from slapcore.states import InstanceState
from slapmaster.domain.act import Act
from slapmaster.domain.allocation import release_place
from slapmaster.domain.certification import revoke_all
from slapmaster.domain.instance import Instance
from slapmaster.domain.instance import SoftwareInstance


def depart(act: Act, instance: Instance) -> None:
    """Tell ``instance``, and all it asked for, to go."""
    for child in instance.tree.children_of(instance):
        depart(act, child)
    tree = instance.tree
    instance.state = InstanceState.DESTROYED
    del tree.instances[instance.title]
    tree.departing[instance.reference] = instance
    act.note("instance destroyed", instance.reference, instance.title)
    if instance.is_root:
        tree.state = InstanceState.DESTROYED
        act.site.trees.remove(tree)
    act.site.room.leave(instance)
    if isinstance(instance, SoftwareInstance) and instance.partition is not None:
        act.site.room.close_host(instance)
        instance.touch(act.now)
    else:
        forget(act, instance)


def report_gone(act: Act, instance: SoftwareInstance) -> None:
    """The node has removed ``instance``; raises ``Conflict`` unless that was wanted."""
    if instance.state is not InstanceState.DESTROYED:
        raise Conflict(f"nobody asked to destroy {instance.title!r}")
    forget(act, instance)


def forget(act: Act, instance: Instance) -> None:
    release_place(act, instance)
    if isinstance(instance, SoftwareInstance):
        revoke_all(act, instance, "instance destroyed")
    del instance.tree.departing[instance.reference]
    act.site.instances.remove(instance)
    act.note("instance gone", instance.reference, instance.title)
