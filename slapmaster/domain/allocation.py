"""Find a place, give it, take it back.

A place is given inside the request, or the reason why there is none is kept with the instance.
What waits is placed the moment room appears, the oldest first.
"""

import logging
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from heapq import heapify
from heapq import heappop
from heapq import heapreplace
from itertools import islice

from BTrees.LOBTree import LOBTree

from slapmaster.domain.act import Act
from slapmaster.domain.certification import certify_instance
from slapmaster.domain.instance import Instance
from slapmaster.domain.instance import SharedInstance
from slapmaster.domain.instance import SoftwareInstance
from slapmaster.domain.instance import is_host
from slapmaster.domain.node import ComputeNode
from slapmaster.domain.node import ComputePartition
from slapmaster.domain.reliance import rely_on_members
from slapmaster.domain.room import ANY
from slapmaster.domain.room import Key
from slapmaster.domain.room import rotated
from slapmaster.domain.site import Site
from slapmaster.domain.values import CATEGORY_DEMANDS
from slapmaster.domain.values import PLACE_DEMANDS
from slapmaster.domain.values import Parameters

log = logging.getLogger(__name__)

#: How many nodes with room a policy gets to see, and how many are looked at to find them.  The
#: best of ten drawn by chance is nearly the best of all, and each costs a few loads of records.
WINDOW = 10
LOOKED_AT = 10_000
#: How many that wait are placed in one transaction; :func:`resume_placing` goes on.
PLACED_AT_ONCE = 1_000

#: Demands that are answered by a node as such.
OF_NODES = ("node", "project", "network", *CATEGORY_DEMANDS)


def allocate(act: Act, instance: Instance) -> bool:
    """Give ``instance`` a place, or have it wait; tell whether it has one now."""
    place = find_place(act, instance)
    if place is not None:
        settle(act, instance, place)
        return True
    key = wanted_place(act.site, instance)
    act.site.room.wait(instance, key, choosing_demands(instance), act.now)
    why = why_not(act.site, instance)
    if why != instance.waiting_for:
        instance.waiting_for = why
    return False


def wanted_place(site: Site, instance: Instance) -> Key:
    """Give the key that room has the places for ``instance`` under."""
    if instance.shared:
        return host_key(site, instance)
    project = site.projects[instance.tree.project]
    return (project.reference, ANY if project.any_release else instance.release_url)


def host_key(site: Site, instance: Instance) -> Key:
    """Give the key that room has ``instance`` under as a host, or its possible hosts."""
    project = site.projects[instance.tree.project]
    owner = ANY if project.open_hosts else instance.tree.owner
    return (project.reference, owner, instance.release_url, instance.software_type)


def choosing_demands(instance: Instance) -> Parameters:
    """Give those demands of ``instance`` that choose a place."""
    known = (*PLACE_DEMANDS, *CATEGORY_DEMANDS)
    return tuple((key, value) for key, value in instance.demands if key in known)


def find_place(act: Act, instance: Instance) -> ComputePartition | None:
    if isinstance(instance, SharedInstance):
        return next(hosts_for(act.site, instance), None)
    candidates = list(islice(candidates_for(act.site, instance), WINDOW))
    if not candidates:
        return None
    chosen: ComputePartition | None = act.hook.slapmaster_choose_partition(
        instance=instance, candidates=candidates
    )
    if chosen in candidates:
        return chosen
    if chosen is not None:
        log.warning("a policy chose for %s what was not offered to it", instance.reference)
    return candidates[0]


def settle(act: Act, instance: Instance, place: ComputePartition) -> None:
    """Let ``instance`` live in ``place``."""
    act.site.room.leave(instance)
    instance.waiting_for = ""
    instance.partition = place
    act.note("placed", instance.reference, f"{place.node.reference} {place.name}")
    if isinstance(instance, SharedInstance):
        place.take_in(instance, act.now)
    elif isinstance(instance, SoftwareInstance):
        place.occupy(instance, act.now)
        act.site.room.settle(place.node)
        certify_instance(act, instance)
        act.site.room.open_host(instance, host_key(act.site, instance))
        place_shared(act, instance)


def candidates_for(site: Site, instance: Instance) -> Iterator[ComputePartition]:
    """Walk free partitions that meet the demands of ``instance``, one per node."""
    for node in islice(nodes_for(site, instance), LOOKED_AT):
        if meets(node, instance.demands):
            partition = free_partition(node, instance)
            if partition is not None:
                yield partition


def nodes_for(site: Site, instance: Instance) -> Iterator[ComputeNode]:
    """Walk the nodes with room for the release of ``instance``, from a random one on."""
    key = wanted_place(site, instance)
    node = dict(instance.demands).get("node")
    if node is None:
        return (site.nodes[found] for found in site.room.nodes_with_room(*key))
    return iter([site.nodes[node]] if node in site.room.nodes.get(key, ()) else [])


def meets(node: ComputeNode, demands: Parameters) -> bool:
    """Tell whether ``node`` is what is demanded of it as such."""
    offers = {"node": node.reference, "project": node.project, "network": node.network}
    offers.update(node.categories)
    return all(offers.get(key) == value for key, value in demands if key in OF_NODES)


def free_partition(node: ComputeNode, instance: Instance) -> ComputePartition | None:
    """Give a free partition with the capability that is asked for, or with none if none is."""
    capability = dict(instance.demands).get("capability")
    for name in rotated(node.free):
        partition = node[name]
        if capability in partition.capabilities or not (capability or partition.capabilities):
            return partition
    rely_on_members(node.free)
    return None


def hosts_for(site: Site, instance: SharedInstance) -> Iterator[ComputePartition]:
    """Walk the partitions of instances that ``instance`` may live in."""
    key = wanted_place(site, instance)
    found = site.room.find_hosts(key)
    demanded = dict(instance.demands).get("instance")
    if demanded is not None:
        found = iter([demanded] if demanded in site.room.hosts.get(key, ()) else [])
    for reference in islice(found, LOOKED_AT):
        host = site.instances[reference]
        if can_host(host, instance.demands):
            assert host.partition is not None
            yield host.partition


def can_host(host: Instance, demands: Parameters) -> bool:
    assert host.partition is not None
    wanted = dict(demands).get("instance", host.reference)
    return wanted == host.reference and meets(host.partition.node, demands)


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
    act.note("host lost", guest.reference)
    allocate(act, guest)


def place_waiting(act: Act, node: ComputeNode) -> None:
    """``node`` may have room now: place what waited for it, the oldest first."""
    if not node.has_room:
        return
    urls = node.standing.supplied
    if act.site.projects[node.project].any_release:
        urls = (ANY,)
    lines = act.site.room.lines_for((node.project, url) for url in urls)

    def find_partition(waiting: Instance) -> ComputePartition | None:
        return free_partition(node, waiting) if node.has_room else None

    served = [line for demands, line in lines if meets(node, demands)]
    if not serve(act, served, find_partition):
        act.site.room.unfinished.insert(node.reference)


def place_shared(act: Act, host: SoftwareInstance) -> None:
    """Let shared instances that waited for one like ``host`` live in it, the oldest first."""
    lines = act.site.room.lines_for([host_key(act.site, host)])
    served = [line for demands, line in lines if can_host(host, demands)]
    if not serve(act, served, lambda _: host.partition):
        act.site.room.unfinished.insert(host.reference)


def serve(
    act: Act, lines: Iterable[LOBTree], find: Callable[[Instance], ComputePartition | None]
) -> bool:
    """Place those in ``lines``, the oldest first, where ``find`` says.

    Those in a line demand the same: when there is nothing for its first, there is nothing for
    any of them.  Tell whether there was time for all.
    """
    turns = [(line.minKey(), number, line) for number, line in enumerate(lines)]
    heapify(turns)
    for _ in range(PLACED_AT_ONCE):
        if not turns:
            return True
        when, number, line = turns[0]
        place = find(line[when])
        if place is not None:
            settle(act, line[when], place)
        if place is None or not line:
            heappop(turns)
        else:
            heapreplace(turns, (line.minKey(), number, line))
    return not turns


def resume_placing(act: Act) -> bool:
    """Go on where too many waited to be placed at once; tell whether there was anything to do."""
    unfinished = act.site.room.unfinished
    if not unfinished:
        return False
    reference = unfinished.minKey()
    unfinished.remove(reference)
    node, host = act.site.nodes.find(reference), act.site.instances.find(reference)
    if node is not None:
        place_waiting(act, node)
    elif is_host(host):
        place_shared(act, host)
    return True


def why_not(site: Site, instance: Instance) -> str:
    """Say in one sentence why there is no place for ``instance`` now."""
    project, url = instance.tree.project, instance.release_url
    if instance.shared:
        return (
            f"no instance of {url} with type {instance.software_type!r} in {project} "
            "can host this shared instance yet"
        )
    any_release = site.projects[project].any_release
    supplied = len(site.room.supplied.get((project, url), ()))
    if not (any_release or supplied):
        return f"release {url} is not supplied to any node of {project}"
    with_room = len(site.room.nodes.get(wanted_place(site, instance), ()))
    if with_room:
        demands = ", ".join(f"{key}={value}" for key, value in choosing_demands(instance))
        unmet = f"meets the demands {demands}" if demands else "has one without a capability"
        why = f"none of {with_room} nodes with a free partition {unmet}"
    elif any_release:
        why = "no free partition: every node is full or closed"
    else:
        why = f"no free partition: all {supplied} nodes with {url} are full or closed"
    return why + about_demanded_node(site, instance)


def about_demanded_node(site: Site, instance: Instance) -> str:
    """Say what is wrong with the very node that was asked for, if one was."""
    wanted = dict(instance.demands).get("node")
    if wanted is None:
        return ""
    node = site.nodes.find(wanted)
    if node is None or node.project != instance.tree.project:
        return f"; node {wanted} is not known"
    if not node.is_open:
        return f"; node {wanted} is {node.scope}"
    if not node.free:
        return f"; node {wanted} has no free partition"
    any_release = site.projects[node.project].any_release
    if not (any_release or instance.release_url in node.standing.supplied):
        return f"; node {wanted} does not have the release"
    return ""
