"""What a project offers to whom: allocation supplies, instance nodes, weights, values, policy.

Each change may let somebody in who waits, or change what they wait for: all of the project is
looked at again.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from slapcore.errors import Conflict
from slapcore.errors import InvalidValue
from slapcore.errors import NotFound
from slapmaster.domain.act import Act
from slapmaster.domain.allocation_supply import EVERY
from slapmaster.domain.allocation_supply import AllocationSupply
from slapmaster.domain.allocation_supply import Cell
from slapmaster.domain.allocation_supply import InstanceNode
from slapmaster.domain.category import check_form
from slapmaster.domain.instance import SoftwareInstance
from slapmaster.domain.network import Network
from slapmaster.domain.policy import find_policy
from slapmaster.domain.project import Project
from slapmaster.domain.values import CATEGORY_DEMANDS
from slapmaster.domain.values import check_title
from slapmaster.domain.values import check_type
from slapmaster.domain.values import check_url
from slapmaster.domain.values import nearest
from slapmaster.domain.waiting import place_anywhere

MAX_CELLS = 1_000
MAX_WEIGHT = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Offer:
    """What an allocation supply shall say; see :class:`AllocationSupply`."""

    person: str = ""
    nodes: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    cells: tuple[Cell, ...] = ()
    same_tree: bool = False


def set_allocation_supply(
    act: Act, project: Project, title: str, offer: Offer
) -> AllocationSupply:
    """Have an allocation supply called ``title`` that says ``offer``, made if there was none."""
    check_title(title)
    check_offer(act, project, offer)
    supply = act.site.allocation_supplies.find_by("title", (project.reference, title))
    if supply is None:
        supply = AllocationSupply(act.new_reference("ALLOC"), title, project.reference)
        act.site.allocation_supplies.add(supply)
        project.supplies = (*project.supplies, supply.reference)
    elif offer == said_by(supply):
        return supply
    supply.person, supply.nodes, supply.hosts = offer.person, offer.nodes, offer.hosts
    supply.cells, supply.same_tree = offer.cells, offer.same_tree
    look_again(act, project, "allocation supply set", supply.reference)
    return supply


def said_by(supply: AllocationSupply) -> Offer:
    return Offer(
        person=supply.person,
        nodes=supply.nodes,
        hosts=supply.hosts,
        cells=supply.cells,
        same_tree=supply.same_tree,
    )


def check_offer(act: Act, project: Project, offer: Offer) -> None:
    """Refuse what names things that are not there, or not of ``project``."""
    site = act.site
    if offer.person and offer.person not in project.members:
        raise NotFound(f"{offer.person} is no member of {project.reference}")
    for node in set(offer.nodes) - {EVERY}:
        if site.nodes[node].project != project.reference:
            raise NotFound(f"no node {node!r} in {project.reference}")
    for host in offer.hosts:
        if site.instance_nodes[host].project != project.reference:
            raise NotFound(f"no instance node {host!r} in {project.reference}")
    if len(offer.cells) > MAX_CELLS:
        raise InvalidValue(f"{len(offer.cells)} cells; {MAX_CELLS} are allowed")
    for cell in offer.cells:
        check_cell(act, project, cell)


def check_cell(act: Act, project: Project, cell: Cell) -> None:
    if cell.software_type:
        check_type(cell.software_type)
    if cell.release_url:
        check_url(cell.release_url)
    if not cell.product:
        return
    product = act.site.catalog[cell.product]
    if product.project != project.reference:
        raise NotFound(f"no software product {cell.product!r} in {project.reference}")
    if cell.release_url and cell.release_url not in product.releases:
        raise NotFound(f"{product.title} has no release {cell.release_url}")


def remove_allocation_supply(act: Act, supply: AllocationSupply) -> None:
    """Take an allocation supply back; what was placed by it stays."""
    project = act.site.projects[supply.project]
    kept = tuple(one for one in project.supplies if one != supply.reference)
    project.supplies = kept
    act.site.allocation_supplies.remove(supply)
    look_again(act, project, "allocation supply removed", supply.reference)


def offer_host(
    act: Act, project: Project, title: str, instance: SoftwareInstance
) -> InstanceNode:
    """Offer ``instance`` as a host; an allocation supply says for whom."""
    check_title(title)
    if instance.tree.project != project.reference:
        raise NotFound(f"no instance {instance.reference!r} in {project.reference}")
    known = act.site.instance_nodes.find_by("instance", instance.reference)
    if known is not None:
        raise Conflict(f"{instance.reference} is offered as {known.reference} already")
    node = InstanceNode(
        act.new_reference("SHARED"), title, project.reference, instance.reference
    )
    act.site.instance_nodes.add(node)
    act.note("instance node added", node.reference, instance.reference)
    return node


def withdraw_host(act: Act, node: InstanceNode) -> None:
    """Offer an instance no longer; who shares it goes on."""
    project = act.site.projects[node.project]
    for supply in map(act.site.allocation_supplies.__getitem__, project.supplies):
        if node.reference in supply.hosts:
            supply.hosts = tuple(host for host in supply.hosts if host != node.reference)
    act.site.instance_nodes.remove(node)
    look_again(act, project, "instance node removed", node.reference)


def add_network(act: Act, project: Project, title: str) -> Network:
    """Make a network; raises ``Conflict`` when there is one of that title."""
    network = Network(act.new_reference("NET"), check_title(title), project.reference)
    act.site.networks.add(network)
    act.note("network added", network.reference, title)
    return network


def declare_category(act: Act, project: Project, key: str, value: str) -> bool:
    """Have ``value`` known in ``project`` before any node has it; tell whether that is news."""
    if key not in CATEGORY_DEMANDS:
        hint = nearest(key, CATEGORY_DEMANDS)
        raise InvalidValue(f"nothing is known of the category {key!r}{hint}")
    declared = (key, check_form(key, value))
    if declared in project.categories:
        return False
    project.categories = (*project.categories, declared)
    act.note("category declared", project.reference, f"{key}={value}")
    return True


def choose_policy(act: Act, project: Project, name: str) -> bool:
    """Have the policy ``name`` choose in ``project``; none is the usual one."""
    if name:
        find_policy(act.hook, name)
    if name == project.policy:
        return False
    project.policy = name
    act.note("allocation policy chosen", project.reference, name)
    return True


def weigh(act: Act, project: Project, weight: tuple[str, str, int]) -> bool:
    """Have a type of a product take so much of a node's capacity; 1 is usual.

    What has a place keeps the weight it got it with.
    """
    product, software_type, amount = weight
    check_cell(act, project, Cell(product, check_type(software_type)))
    if not 1 <= amount <= MAX_WEIGHT:
        raise InvalidValue(f"an instance can't take {amount} of a capacity")
    others = (one for one in project.weights if one[:2] != weight[:2])
    weights = tuple(sorted([*others, weight] if amount != 1 else others))
    if weights == project.weights:
        return False
    project.weights = weights
    look_again(act, project, "weight changed", product)
    return True


def look_again(act: Act, project: Project, event: str, subject: str) -> None:
    act.note(event, subject, project.reference)
    place_anywhere(act, project)


def read_cells(texts: Sequence[Sequence[str]]) -> tuple[Cell, ...]:
    """Make cells of triples of a product, a type and a release; ``*`` and nothing are any."""
    return tuple(
        sorted({Cell(*("" if part == "*" else part for part in text)) for text in texts})
    )
