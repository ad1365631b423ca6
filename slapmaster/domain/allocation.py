"""Find a place, give it, take it back.

A place is given inside the request, or the reason why there is none is kept with the instance.
What waits is placed the moment room appears, the oldest first.
"""

from collections.abc import Iterator
from itertools import islice

from persistent import Persistent

from slapcore.states import InstanceState
from slapmaster.domain.act import Act
from slapmaster.domain.certification import certify_instance
from slapmaster.domain.instance import Instance
from slapmaster.domain.instance import SharedInstance
from slapmaster.domain.instance import SoftwareInstance
from slapmaster.domain.node import ComputeNode
from slapmaster.domain.node import ComputePartition
from slapmaster.domain.reliance import rely_on
from slapmaster.domain.room import ANY
from slapmaster.domain.site import Site
from slapmaster.domain.values import CATEGORY_DEMANDS

#: How many nodes with room a policy gets to see, and how many are looked at to find them.
WINDOW = 50
LOOKED_AT = 10_000


def allocate(act: Act, instance: Instance) -> bool:
    """Give ``instance`` a place, or have it wait; tell whether it has one now."""
    place = find_place(act, instance)
    if place is None:
        act.site.room.wait(instance, act.now)
        why = why_not(act.site, instance)
        if why != instance.waiting_for:
            instance.waiting_for = why
        return False
    act.site.room.leave(instance)
    instance.waiting_for = ""
    settle(act, instance, place)
    return True


def find_place(act: Act, instance: Instance) -> ComputePartition | None:
    if isinstance(instance, SharedInstance):
        return next(hosts_for(act.site, instance), None)
    candidates = list(islice(candidates_for(act.site, instance), WINDOW))
    if not candidates:
        return None
    chosen: ComputePartition = act.hook.slapmaster_choose_partition(
        instance=instance, candidates=candidates
    )
    return chosen


def settle(act: Act, instance: Instance, place: ComputePartition) -> None:
    """Let ``instance`` live in ``place``."""
    instance.partition = place
    if isinstance(instance, SharedInstance):
        rely_on(place)
        place.take_in(instance, act.now)
    elif isinstance(instance, SoftwareInstance):
        rely_on(place.node, *relevant_installation(place.node, instance))
        place.occupy(instance, act.now)
        if not place.node.has_room:
            act.site.room.settle(place.node)
        certify_instance(act, instance)
        open_to_shared(act, instance)
    act.note("placed", instance.reference, f"{place.node.reference} {place.name}")


def relevant_installation(node: ComputeNode, instance: Instance) -> list[Persistent]:
    installation = node.installations.get(instance.release_url)
    return [] if installation is None else [installation]


def candidates_for(site: Site, instance: Instance) -> Iterator[ComputePartition]:
    """Walk free partitions that meet the demands of ``instance``, one per node."""
    for node in islice(nodes_for(site, instance), LOOKED_AT):
        if meets_demands(node, instance):
            partition = free_partition(node, instance)
            if partition is not None:
                yield partition


def nodes_for(site: Site, instance: Instance) -> Iterator[ComputeNode]:
    project = site.projects[instance.tree.project]
    url = ANY if project.any_release else instance.release_url
    wanted = dict(instance.demands).get("node")
    if wanted is None:
        return (site.nodes[found] for found in site.room.nodes_with_room(project.reference, url))
    listed = site.room.nodes.get((project.reference, url), ())
    return iter([site.nodes[wanted]] if wanted in listed else [])


def meets_demands(node: ComputeNode, instance: Instance) -> bool:
    demands = dict(instance.demands)
    offers = {"node": node.reference, "project": node.project, "network": node.network}
    offers.update(node.categories)
    keys = ("node", "project", "network", *CATEGORY_DEMANDS)
    return all(offers.get(key) == demands[key] for key in keys if key in demands)


def free_partition(node: ComputeNode, instance: Instance) -> ComputePartition | None:
    """Give a free partition with the capability that is asked for, or with none if none is."""
    capability = dict(instance.demands).get("capability")
    for name in node.free:
        partition = node[name]
        if capability in partition.capabilities or not (capability or partition.capabilities):
            return partition
    return None


def hosts_for(site: Site, instance: SharedInstance) -> Iterator[ComputePartition]:
    """Walk the partitions of instances that ``instance`` may live in."""
    tree = instance.tree
    owner = ANY if site.projects[tree.project].open_hosts else tree.owner
    found = site.room.find_hosts(
        tree.project, owner, instance.release_url, instance.software_type
    )
    demands = dict(instance.demands)
    for reference in islice(found, LOOKED_AT):
        place = site.instances[reference].partition
        if place is None or demands.get("instance", reference) != reference:
            continue
        if meets_demands(place.node, instance):
            yield place


def open_to_shared(act: Act, host: SoftwareInstance) -> None:
    """Let shared instances live in ``host``, those that wait first."""
    act.site.room.open_host(host)
    queue = act.site.room.queue(host.tree.project, host.release_url, shared=True)
    for waiting in queue:
        if waiting.software_type == host.software_type:
            allocate(act, waiting)


def release_place(act: Act, instance: Instance) -> None:
    """Take back the place of ``instance``, and give it to whoever waits for one."""
    act.site.room.leave(instance)
    place = instance.partition
    if place is None:
        return
    instance.partition = None
    if isinstance(instance, SharedInstance):
        place.put_out(instance, act.now)
        return
    guests = list(place.shared_instances())
    place.vacate(act.now)
    act.site.room.settle(place.node)
    for guest in guests:
        lose_host(act, guest)
    place_waiting(act, place.node)


def lose_host(act: Act, guest: SharedInstance) -> None:
    """The host of ``guest`` is gone: find another, or wait for one."""
    guest.partition = None
    if guest.state is not InstanceState.DESTROYED:
        act.note("host lost", guest.reference)
        allocate(act, guest)


def place_waiting(act: Act, node: ComputeNode) -> None:
    """``node`` has room, perhaps: place what waited for it, the oldest first."""
    site = act.site
    if site.projects[node.project].any_release:
        urls = site.room.urls_waited_for(node.project, shared=False)
    else:
        urls = site.room.supplied_to(node)
    waiting = [
        instance for url in urls for instance in site.room.queue(node.project, url, shared=False)
    ]
    for instance in sorted(waiting, key=lambda instance: instance.waiting_since):
        if not node.has_room:
            return
        if meets_demands(node, instance):
            allocate(act, instance)


def release_supplied(act: Act, node: ComputeNode, url: str) -> None:
    act.site.room.supply(node, url)
    place_waiting(act, node)


def why_not(site: Site, instance: Instance) -> str:
    """Say in one sentence why there is no place for ``instance`` now."""
    project, url = instance.tree.project, instance.release_url
    if instance.shared:
        return (
            f"no instance of {url} with type {instance.software_type!r} in {project} "
            "can host this shared instance yet"
        )
    if site.projects[project].any_release:
        supplied = len(list(islice(site.nodes, LOOKED_AT)))
        offers = f"{supplied} nodes"
    else:
        supplied = len(site.room.supplied.get((project, url), ()))
        offers = f"{supplied} nodes with {url}"
        if not supplied:
            return f"release {url} is not supplied to any node of {project}"
    with_room = list(islice(nodes_for(site, instance), LOOKED_AT))
    if instance.demands and with_room:
        demands = ", ".join(f"{key}={value}" for key, value in instance.demands)
        return f"none of {len(with_room)} nodes with {url} and room meets the demands {demands}"
    return f"no free partition: {offers}, all full or closed" + demanded_node(site, instance)


def demanded_node(site: Site, instance: Instance) -> str:
    """Say what is wrong with the very node that was asked for, if one was."""
    wanted = dict(instance.demands).get("node")
    if wanted is None:
        return ""
    node = site.nodes.find(wanted)
    if node is None or node.project != instance.tree.project:
        return f"; node {wanted} is not known"
    if not node.is_open:
        return f"; node {wanted} is {node.scope}"
    if not node.free_count():
        return f"; node {wanted} has no free partition"
    return f"; node {wanted} does not have the release"
