"""Remote nodes: what is placed here and run by another project, or by another master.

A remote node has partitions like any other, and takes the releases that are supplied to it.  What
is placed there becomes an *order*: a request for the same, under a title made of the project and
the reference, to be made where the remote is.  Orders are asked for, carried out and reported
outside of any request (``slapmaster/forward.py``).  What was forwarded is not forwarded again.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import replace

from BTrees.OOBTree import OOBTree
from persistent import Persistent

from slapcore.errors import Conflict
from slapcore.errors import InvalidValue
from slapcore.errors import NotFound
from slapcore.states import InstanceState
from slapmaster.domain.act import Act
from slapmaster.domain.departure import report_gone
from slapmaster.domain.instance import Instance
from slapmaster.domain.instance import SoftwareInstance
from slapmaster.domain.node import ComputeNode
from slapmaster.domain.node import NodeFacts
from slapmaster.domain.node import PartitionSpec
from slapmaster.domain.project import Project
from slapmaster.domain.publish import publish_connection
from slapmaster.domain.registration import format_node
from slapmaster.domain.registration import register_node
from slapmaster.domain.report import report_instance
from slapmaster.domain.report import report_node
from slapmaster.domain.site import Site
from slapmaster.domain.values import FORWARDED
from slapmaster.domain.values import Parameters

MAX_PARTITIONS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How to get to a remote: by ``url``, or by ``person`` where it is a project of this master.

    Files say who asks there (``certificate``, ``key``) and who answers (``authority``, or the
    ``fingerprint`` of the server).  ``project`` is the project there; ``demands`` go with
    every order.
    """

    url: str = ""
    person: str = ""
    project: str = ""
    certificate: str = ""
    key: str = ""
    authority: str = ""
    fingerprint: str = ""
    demands: Parameters = ()


class Remote(Persistent):
    """Makes a node a remote one.

    ``forwarded`` has what was ordered there and is not known to be gone, by reference.
    """

    def __init__(self, way: Way) -> None:
        self.way = way
        self.forwarded = OOBTree()


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is to be requested at the remote for the instance ``reference``."""

    reference: str
    title: str
    release_url: str
    software_type: str
    state: InstanceState
    parameters: Parameters = ()
    demands: Parameters = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of an order: ``text`` is its status; ``connection`` is ``None`` if unknown."""

    text: str
    connection: Parameters | None = None
    is_gone: bool = False


def make_remote_node(
    act: Act, project: Project, title: str, partitions: int, way: Way
) -> ComputeNode:
    """Register a node with so many partitions that another project or master stands for."""
    check_way(act.site, project, way)
    if not 1 <= partitions <= MAX_PARTITIONS:
        raise InvalidValue(f"a remote node can't have {partitions} partitions")
    if act.site.nodes.find_by("title", (project.reference, title)) is not None:
        raise Conflict(f"there is a node {title!r} in {project.reference} already")
    node = register_node(act, project, title)
    node.remote = Remote(way)
    act.site.remote_nodes = (*act.site.remote_nodes, node.reference)
    specs = [PartitionSpec(f"slapremote{number}", (), ()) for number in range(partitions)]
    format_node(act, node, NodeFacts(address=way.url), specs)
    act.note("remote node added", node.reference, way.url or way.project)
    return node


def check_way(site: Site, project: Project, way: Way) -> None:
    """Refuse a way that leads nowhere, or to where it begins."""
    if bool(way.url) is bool(way.person):
        raise InvalidValue("a remote is another master by its URL, or a person of this one")
    if way.url:
        return
    there = site.projects[way.project]
    if there is project:
        raise InvalidValue(f"{project.reference} can't be its own remote")
    if there.role_of(site.persons[way.person]) is None:
        raise NotFound(f"{way.person} is no member of {way.project}")


def take_orders(act: Act, node: ComputeNode) -> list[Order]:
    """Give all orders of ``node``, and keep in mind what will have been ordered."""
    remote = node.remote
    assert remote is not None
    living = list(instances_on(node))
    for instance in living:
        said = (instance.release_url, instance.software_type)
        if remote.forwarded.get(instance.reference) != said:
            remote.forwarded[instance.reference] = said
    there = {instance.reference for instance in living}
    orders = [order_of(node, instance) for instance in living]
    orders += [
        farewell(node, reference, *said)
        for reference, said in remote.forwarded.items()
        if reference not in there
    ]
    return orders


def instances_on(node: ComputeNode) -> Iterator[SoftwareInstance]:
    for partition in node.partitions.values():
        if partition.instance is not None:
            yield partition.instance


def order_of(node: ComputeNode, instance: Instance) -> Order:
    said = farewell(node, instance.reference, instance.release_url, instance.software_type)
    return replace(said, state=instance.wanted_state, parameters=instance.parameters)


def farewell(
    node: ComputeNode, reference: str, release_url: str, software_type: str
) -> Order:
    """Make the order that ends what was ordered for ``reference``."""
    assert node.remote is not None
    return Order(
        reference=reference,
        title=f"{FORWARDED}{node.project}_{reference}",
        release_url=release_url,
        software_type=software_type,
        state=InstanceState.DESTROYED,
        demands=node.remote.way.demands,
    )


def report_outcome(act: Act, node: ComputeNode, order: Order, outcome: Outcome) -> None:
    """Take over what became of ``order``; an instance that has moved on is left alone."""
    report_node(act, node, "#access the remote answers")
    found = next((one for one in instances_on(node) if one.reference == order.reference), None)
    assert node.remote is not None
    if outcome.is_gone:
        node.remote.forwarded.pop(order.reference, None)
    if found is None:
        return
    report_instance(act, found, outcome.text)
    if outcome.connection is not None:
        publish_connection(act, found, dict(outcome.connection))
    if outcome.is_gone and found.state is InstanceState.DESTROYED:
        report_gone(act, found)
