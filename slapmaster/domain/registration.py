"""Register a node, or take over what a node says of itself; open and close it."""

from collections.abc import Mapping
from collections.abc import Sequence

from slapcore.errors import InvalidValue
from slapmaster.domain.act import Act
from slapmaster.domain.category import OPEN
from slapmaster.domain.category import check_form
from slapmaster.domain.demand import check_category
from slapmaster.domain.feed import EventKind
from slapmaster.domain.instance import is_host
from slapmaster.domain.node import AllocationScope
from slapmaster.domain.node import Closure
from slapmaster.domain.node import ClosureKind
from slapmaster.domain.node import ComputeNode
from slapmaster.domain.node import NodeFacts
from slapmaster.domain.node import PartitionSpec
from slapmaster.domain.project import Project
from slapmaster.domain.reliance import rely_on_members
from slapmaster.domain.site import Site
from slapmaster.domain.telling import tell_of_node
from slapmaster.domain.values import CATEGORY_DEMANDS
from slapmaster.domain.values import check_title
from slapmaster.domain.values import freeze
from slapmaster.domain.values import nearest
from slapmaster.domain.waiting import place_expecting
from slapmaster.domain.waiting import place_shared
from slapmaster.domain.waiting import place_waiting


def register_node(
    act: Act, project: Project, title: str, *, reference: str | None = None
) -> ComputeNode:
    """Give the node called ``title`` in ``project``, made if there was none.

    One person on one machine chooses the ``reference`` of a new node.
    """
    check_title(title, "node's title")
    node = act.site.nodes.find_by("title", (project.reference, title))
    if node is None:
        node = ComputeNode(reference or act.new_reference("COMP"), title, project.reference)
        act.site.nodes.add(node)
        act.site.room.settle(node)
        act.note("node registered", node.reference, title)
        tell_of_node(act, EventKind.REGISTERED, node)
    return node


def format_node(
    act: Act, node: ComputeNode, facts: NodeFacts, specs: Sequence[PartitionSpec]
) -> bool:
    """Follow what ``node`` says it is; tell whether that changed anything."""
    if not node.take_over(facts, specs, act.now):
        return False
    act.note("node formatted", node.reference, f"{len(specs)} partitions")
    act.site.room.describe(node)
    tell_of_node(act, EventKind.FORMATTED, node, f"{len(specs)} partitions")
    act.site.room.settle(node)
    place_waiting(act, node)
    return True


def change_offer(
    act: Act, node: ComputeNode, *, network: str, categories: Mapping[str, str]
) -> bool:
    """Say what ``node`` offers to those who demand it; tell whether that changed anything."""
    for key, value in categories.items():
        check_category_of_node(act.site, node.project, key, value)
    offer = (network, freeze(categories, "categories"))
    if offer == (node.network, node.categories):
        return False
    node.network, node.categories = offer
    act.note("offer changed", node.reference)
    act.site.room.describe(node)
    act.site.room.offer_again(node)
    place_waiting(act, node)
    for instance in [partition.instance for partition in node.partitions.values()]:
        if instance is not None:
            place_expecting(act, instance.tree)
        if is_host(instance):
            place_shared(act, instance)
    return True


def check_category_of_node(site: Site, project: str, key: str, value: str) -> None:
    """Refuse a key that nobody knows, and a value that is made by declaring it only."""
    if key not in CATEGORY_DEMANDS:
        known = nearest(key, CATEGORY_DEMANDS)
        raise InvalidValue(f"nothing is known of the category {key!r}{known}")
    check_form(key, value)
    if key not in OPEN:
        check_category(site, project, key, value)


def change_capacity(act: Act, node: ComputeNode, capacity: int) -> bool:
    """Limit what ``node`` carries; 0 is no limit.  Tell whether that changed anything."""
    if capacity < 0:
        raise InvalidValue(f"a capacity can't be {capacity}")
    if capacity == node.standing.capacity:
        return False
    rely_on_members(node.free)
    node.limit(capacity)
    act.note("capacity changed", node.reference, str(capacity))
    act.site.room.settle(node)
    place_waiting(act, node)
    return True


def change_fault(act: Act, node: ComputeNode, fault: str) -> bool:
    """Say what is wrong with ``node``; while anything is, it takes nothing new."""
    if fault == node.standing.fault:
        return False
    node.standing.fault = fault
    rely_on_members(node.free)
    act.site.room.settle(node)
    place_waiting(act, node)
    return True


def change_scope(
    act: Act, node: ComputeNode, scope: AllocationScope, closure: Closure | None = None
) -> bool:
    """Open or close ``node`` to new instances; tell whether that changed anything.

    ``closure`` says why it is closed, if there is more to say.
    """
    if (scope, closure) == (node.scope, node.closure):
        return False
    was, node.closure = node.closure, closure
    node.standing.scope = scope
    rely_on_members(node.free)
    why = closure.reason if closure is not None else str(scope)
    act.note("allocation scope changed", node.reference, f"{scope}: {why}")
    tell_of_node(act, event_of(node, was), node, why)
    act.site.room.settle(node)
    place_waiting(act, node)
    return True


#: what is told when a node is closed by name
CLOSED_BY_NAME = {
    ClosureKind.CORDONED: EventKind.CORDONED,
    ClosureKind.DRAINED: EventKind.DRAINED,
    ClosureKind.OUTDATED: EventKind.OUTDATED,
    ClosureKind.LOST: EventKind.LOST,
}


def event_of(node: ComputeNode, was: Closure | None) -> EventKind:
    """Say what has happened to ``node``, whose scope was just changed."""
    if node.closure is not None:
        return CLOSED_BY_NAME[node.closure.kind]
    if not node.is_open:
        return EventKind.CLOSED
    outdated = was is not None and was.kind is ClosureKind.OUTDATED
    return EventKind.BACK if outdated else EventKind.OPENED
