"""Why a node takes nothing new, who said so, and until when; and what becomes of a lost one.

- A cordoned node takes nothing new; when its time is over, it opens by itself.
- A drained node shall become empty by its time.  If that was asked for, what is still on it then
  moves; data do not.
- A node that is not heard of for too long is outdated: it opens again when it is heard.
- What lived on a lost node is placed elsewhere, or forgotten if it was to go.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from slapcore.errors import Conflict
from slapcore.errors import InvalidValue
from slapcore.states import InstanceState
from slapmaster.domain.act import Act
from slapmaster.domain.certification import revoke_all
from slapmaster.domain.departure import report_gone
from slapmaster.domain.hosting import host_key
from slapmaster.domain.instance import SoftwareInstance
from slapmaster.domain.instance import is_host
from slapmaster.domain.move import can_move
from slapmaster.domain.move import move
from slapmaster.domain.node import AllocationScope
from slapmaster.domain.node import Availability
from slapmaster.domain.node import Closure
from slapmaster.domain.node import ClosureKind
from slapmaster.domain.node import ComputeNode
from slapmaster.domain.registration import change_scope
from slapmaster.domain.site import Site
from slapmaster.domain.values import check_title
from slapmaster.domain.waiting import allocate
from slapmaster.domain.waiting import release_place

SCOPES = {
    ClosureKind.CORDONED: AllocationScope.NO_ALLOCATION,
    ClosureKind.DRAINED: AllocationScope.MAINTENANCE,
    ClosureKind.OUTDATED: AllocationScope.OUTDATED,
    ClosureKind.LOST: AllocationScope.FOREVER,
}


@dataclass(frozen=True, slots=True)
class Leaving:
    """What became of an instance that was to leave its node: ``why`` it stays, if it does."""

    reference: str
    node: str
    why: str


def cordon(act: Act, node: ComputeNode, reason: str, until: int = 0) -> bool:
    """Have ``node`` take nothing new, until then if that is said; tell whether that is news."""
    return close(act, node, Closure(ClosureKind.CORDONED, reason, act.by, act.now, until))


def drain(
    act: Act, node: ComputeNode, reason: str, until: int = 0, *, moves: bool = False
) -> list[Leaving]:
    """Want ``node`` empty by then, at once if nothing is said; give what has left it by now.

    With ``moves`` what is on it when the time has come is moved, as far as there is room.
    """
    close(act, node, Closure(ClosureKind.DRAINED, reason, act.by, act.now, until, moves))
    return move_all(act, node) if moves and not until else []


def close(act: Act, node: ComputeNode, closure: Closure) -> bool:
    check_title(closure.reason, "reason")
    if closure.until and closure.until <= act.now:
        raise InvalidValue("the time until which the node is closed is over already")
    if node.closure is not None and node.closure.kind is ClosureKind.LOST:
        raise Conflict(f"{node.reference} was declared lost")
    return change_scope(act, node, SCOPES[closure.kind], closure)


def uncordon(act: Act, node: ComputeNode) -> bool:
    """Have ``node`` take new instances again; tell whether that is news."""
    return change_scope(act, node, AllocationScope.OPEN)


def move_all(act: Act, node: ComputeNode) -> list[Leaving]:
    """Move what lives on ``node`` elsewhere, as far as there is room; what shall go may go."""
    left = []
    for place in list(node.partitions.values()):
        instance = place.instance
        if instance is None or instance.state is InstanceState.DESTROYED:
            continue
        why = "" if node.remote is None else "a remote node keeps what it has"
        why = why or can_move(act, instance)
        if not why:
            move(act, instance)
        where = instance.partition.node.reference
        left.append(Leaving(instance.reference, where, why))
    return left


def needs_tending(site: Site, silent: Sequence[str], now: int) -> bool:
    """Tell whether :func:`tend_nodes` would do anything."""
    return bool(find_due(site, now) or find_outdated(site, silent))


def tend_nodes(act: Act, silent: Sequence[str], seconds: int) -> None:
    """Close those open nodes that are ``silent`` for so long; do what closed ones wait for."""
    for node in find_outdated(act.site, silent):
        reason = f"not heard of for {seconds} seconds"
        close(act, node, Closure(ClosureKind.OUTDATED, reason, act.by, act.now))
    for node in find_due(act.site, act.now):
        assert node.closure is not None
        if node.closure.kind is ClosureKind.CORDONED:
            uncordon(act, node)
            continue
        moves = node.closure.moves
        node.closure = node.closure.without_end()
        if moves:
            move_all(act, node)


def find_outdated(site: Site, silent: Sequence[str]) -> list[ComputeNode]:
    found = [site.nodes.find(reference) for reference in silent]
    return [node for node in found if node is not None and node.is_open]


def find_due(site: Site, now: int) -> list[ComputeNode]:
    """Give the closed nodes whose time has come."""
    closed = [
        site.nodes[reference]
        for project in site.projects
        for state, nodes in site.room.nodes_in(project.reference)
        if state == Availability.CLOSED
        for reference in nodes
    ]
    return [node for node in closed if node.closure is not None and 0 < node.closure.until <= now]


def heard_again(act: Act, node: ComputeNode) -> None:
    """``node`` was heard of: it is outdated no more."""
    if node.scope is AllocationScope.OUTDATED:
        change_scope(act, node, AllocationScope.OPEN)


def declare_lost(act: Act, node: ComputeNode, reason: str) -> list[Leaving]:
    """Give up ``node`` and whatever is on it; what is wanted is placed elsewhere, without its data.

    What was to go is gone.  The node is believed no more, and takes nothing new ever again.
    """
    close(act, node, Closure(ClosureKind.LOST, reason, act.by, act.now))
    revoke_all(act, node, "node lost")
    left = []
    for place in list(node.partitions.values()):
        instance = place.instance
        if instance is None:
            continue
        if instance.state is InstanceState.DESTROYED:
            report_gone(act, instance)
            left.append(Leaving(instance.reference, "", "gone"))
            continue
        evict(act, instance)
        found = instance.partition
        left.append(
            Leaving(
                instance.reference,
                found.node.reference if found is not None else "",
                instance.waiting_for,
            )
        )
    return left


def evict(act: Act, instance: SoftwareInstance) -> None:
    """Take ``instance`` from where nobody will ever hear of it, and place it elsewhere."""
    if is_host(instance):
        act.site.room.close_host(instance, host_key(act.site, instance))
    revoke_all(act, instance, "its node was lost")
    release_place(act, instance)
    allocate(act, instance)
