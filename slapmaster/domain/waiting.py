"""Those who wait for a place: served the moment there is room, the oldest first.

Whoever makes room calls one of the functions here: :func:`allocate`, :func:`release_place`,
:func:`place_waiting` for a node, :func:`place_shared` for a host, :func:`place_anywhere` for a
project.  What is placed may make a place suit another of its tree, or be a host itself: that is
gone through until nothing more happens.
"""

from collections.abc import Callable
from collections.abc import Iterable
from heapq import heapify
from heapq import heappop
from heapq import heapreplace

from BTrees.LOBTree import LOBTree

from slapmaster.domain.act import Act
from slapmaster.domain.allocation import free_partition
from slapmaster.domain.allocation import give_place
from slapmaster.domain.allocation import leave_place
from slapmaster.domain.allocation import settle
from slapmaster.domain.allocation import try_to_find_place
from slapmaster.domain.demand import choosing_demands
from slapmaster.domain.demand import meets
from slapmaster.domain.demand import weight_of
from slapmaster.domain.hosting import can_host
from slapmaster.domain.hosting import host_key
from slapmaster.domain.instance import Instance
from slapmaster.domain.instance import SoftwareInstance
from slapmaster.domain.instance import is_host
from slapmaster.domain.node import ComputeNode
from slapmaster.domain.node import ComputePartition
from slapmaster.domain.project import Project
from slapmaster.domain.reliance import rely_on_members
from slapmaster.domain.room import ANY
from slapmaster.domain.tree import InstanceTree

#: How many that wait are placed in one transaction; :func:`resume_placing` goes on.
PLACED_AT_ONCE = 1_000

Find = Callable[[Instance], ComputePartition | None]


def allocate(act: Act, instance: Instance) -> bool:
    """Give ``instance`` a place, or have it wait; tell whether it has one now.

    Raises ``PolicyFailed`` when what was to choose did not.
    """
    placed = give_place(act, instance)
    if placed:
        follow_up(act, [instance])
    return placed


def release_place(act: Act, instance: Instance) -> None:
    """Take back the place of ``instance``, and give it to whoever waits for one."""
    act.site.room.leave(instance)
    place = instance.partition
    if place is None:
        return
    guests = leave_place(act, instance)
    for guest in guests:
        allocate(act, guest)
    if not instance.shared:
        place_waiting(act, place.node)
    place_expecting(act, instance.tree)


def follow_up(act: Act, placed: list[Instance]) -> None:
    """Place those who can live somewhere now because ``placed`` do."""
    while placed:
        trees = {instance.tree.reference: instance.tree for instance in placed}
        hosts = [instance for instance in placed if isinstance(instance, SoftwareInstance)]
        placed = [guest for host in hosts for guest in serve_shared(act, host)]
        placed += [other for tree in trees.values() for other in serve_tree(act, tree)]


def place_waiting(act: Act, node: ComputeNode) -> None:
    """``node`` may have room now: place what waited for it, the oldest first."""
    if not node.has_room:
        return
    urls = node.standing.supplied
    if act.site.projects[node.project].any_release:
        urls = (ANY,)
    lines = act.site.room.lines_for((node.project, url) for url in urls)

    def find_partition(waiting: Instance) -> ComputePartition | None:
        if not (node.has_room and meets(act.site, node, waiting)):
            return None
        return free_partition(node, waiting, weight_of(act.site, waiting))

    placed, finished = serve(act, [line for _, line in lines], find_partition)
    if not finished:
        act.site.room.unfinished.insert(node.reference)
    follow_up(act, placed)


def place_shared(act: Act, host: SoftwareInstance) -> None:
    """Let shared instances that waited for one like ``host`` live in it, the oldest first."""
    follow_up(act, serve_shared(act, host))


def place_expecting(act: Act, tree: InstanceTree) -> None:
    """Place those whose place depends on where the others of ``tree`` live, after a change."""
    follow_up(act, serve_tree(act, tree))


def place_anywhere(act: Act, project: Project) -> None:
    """What may live where in ``project`` was changed: place whoever can live somewhere now.

    Whoever begins to wait meanwhile relies on the project, so that is written; and nobody may
    wait for what nobody has waited for yet.
    """
    room = act.site.room
    project._p_changed = True
    rely_on_members(room.queues)
    for key in room.keys_waited_for(project.reference):
        for demands, line in room.lines_for([key]):
            for waiting in list(line.values()):
                now = choosing_demands(act.site, waiting)
                if now != demands:
                    room.wait(waiting, key, now, act.now)
    serve_project(act, project)


def serve_project(act: Act, project: Project) -> None:
    room = act.site.room
    lines = room.lines_for(room.keys_waited_for(project.reference))
    placed, finished = serve(
        act, [line for _, line in lines], lambda waiting: try_to_find_place(act, waiting)
    )
    if not finished:
        room.unfinished.insert(project.reference)
    follow_up(act, placed)


def serve_shared(act: Act, host: SoftwareInstance) -> list[Instance]:
    """Let those who waited for ``host`` live in it; give who does."""
    if not is_host(host):
        return []
    keys = [host_key(act.site, host)]
    if act.site.instance_nodes.find_by("instance", host.reference) is not None:
        keys = [key for key in act.site.room.keys_waited_for(host.tree.project) if len(key) > 2]
    lines = act.site.room.lines_for(keys)

    def find_host(waiting: Instance) -> ComputePartition | None:
        return host.partition if can_host(act.site, host, waiting) else None

    placed, finished = serve(act, [line for _, line in lines], find_host)
    if not finished:
        act.site.room.unfinished.insert(host.reference)
    return placed


def serve_tree(act: Act, tree: InstanceTree) -> list[Instance]:
    """Place those who wait for something of their own tree, the oldest first; give who has one."""
    placed: list[Instance] = []
    in_vain = set()
    expecting = list(tree.expecting.values()) if tree.expecting else []
    for waiting in sorted(expecting, key=lambda one: one.turn.since):
        turn = (waiting.turn.key, waiting.turn.demands)
        place = try_to_find_place(act, waiting) if turn not in in_vain else None
        if place is None:
            in_vain.add(turn)
        else:
            settle(act, waiting, place)
            placed.append(waiting)
    return placed


def serve(act: Act, lines: Iterable[LOBTree], find: Find) -> tuple[list[Instance], bool]:
    """Place those in ``lines``, the oldest first, where ``find`` says.

    Those in a line demand the same: when there is nothing for its first, there is nothing for
    any of them.  Give who was placed, and whether there was time for all.
    """
    placed: list[Instance] = []
    turns = [(line.minKey(), number, line) for number, line in enumerate(lines) if line]
    heapify(turns)
    while turns and len(placed) < PLACED_AT_ONCE:
        when, number, line = turns[0]
        waiting = line[when]
        place = find(waiting)
        if place is not None:
            settle(act, waiting, place)
            placed.append(waiting)
        if place is None or not line:
            heappop(turns)
        else:
            heapreplace(turns, (line.minKey(), number, line))
    return placed, not turns


def resume_placing(act: Act) -> bool:
    """Go on where too many waited to be placed at once; tell whether there was anything to do."""
    site = act.site
    if not site.room.unfinished:
        return False
    reference = site.room.unfinished.minKey()
    site.room.unfinished.remove(reference)
    node, host = site.nodes.find(reference), site.instances.find(reference)
    project = site.projects.find(reference)
    if node is not None:
        place_waiting(act, node)
    elif project is not None:
        serve_project(act, project)
    elif is_host(host):
        place_shared(act, host)
    return True
