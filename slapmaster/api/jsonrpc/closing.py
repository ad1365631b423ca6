"""Nodes for those who run them: what is on them, whether they take anything, and why not."""

from collections.abc import Iterator
from dataclasses import asdict

from pyramid.request import Request

from slapcore.errors import NotFound
from slapcore.protocol.jsonrpc import JSON
from slapmaster.api.eventview import write_moment
from slapmaster.api.jsonrpc.event import PROJECT_ABSENT
from slapmaster.api.jsonrpc.event import the_project
from slapmaster.api.jsonrpc.method import Method
from slapmaster.api.jsonrpc.method import succeeded
from slapmaster.api.jsonrpc.subject import NODE_ABSENT
from slapmaster.api.jsonrpc.subject import the_node
from slapmaster.api.moment import read_moment
from slapmaster.domain.closure import cordon
from slapmaster.domain.closure import drain
from slapmaster.domain.closure import uncordon
from slapmaster.domain.instance import Instance
from slapmaster.domain.node import Closure
from slapmaster.domain.node import ComputeNode


@Method(
    name="slapos.allDocs.WIP.compute_node_summary_list", about=the_project,
    permission="project.run", absent=PROJECT_ABSENT, writes=False,
    words=((NotFound, PROJECT_ABSENT, 403),),
)  # fmt: skip
def list_nodes(request: Request) -> JSON:
    nodes = request.site.nodes.range_by("title", request.context.home.reference)
    return {"result_list": [write_summary(request, node) for node in nodes]}


@Method(
    name="slapos.get.WIP.compute_node", about=the_node,
    permission="node.read", absent=NODE_ABSENT, writes=False,
)  # fmt: skip
def get_node(request: Request) -> JSON:
    node = request.context.node
    return {
        **write_summary(request, node),
        "network_guid": node.network,
        "categories": dict(node.categories),
        "closure": write_closure(node.closure),
        "instance_list": [write_row(instance) for instance in instances_on(node)],
        "software_installation_list": [
            {
                "software_release_uri": one.url,
                "state": one.state.value,
                "access_status_message": one.access.text,
            }
            for one in node.installations.values()
        ],
    }


def write_summary(request: Request, node: ComputeNode) -> JSON:
    heard = request.registry.store.pulse.last(node.reference) or 0
    return {
        "computer_guid": node.reference,
        "title": node.title,
        "project_guid": node.project,
        "allocation_scope": str(node.scope),
        "availability": str(node.availability),
        "reason": node.closure.reason if node.closure is not None else "",
        "last_contact": write_moment(max(heard, node.access.reported)),
        "compute_partition_count": len(node.partitions),
        "free_count": node.free_count(),
        "access_status_message": node.access.text,
    }


def write_closure(closure: Closure | None) -> JSON | None:
    if closure is None:
        return None
    return {
        "kind": str(closure.kind),
        "reason": closure.reason,
        "by": closure.by,
        "since": write_moment(closure.since),
        "until": write_moment(closure.until),
        "move": closure.moves,
    }


def instances_on(node: ComputeNode) -> Iterator[Instance]:
    for place in node.partitions.values():
        if place.instance is not None:
            yield place.instance
        yield from place.shared_instances()


def write_row(instance: Instance) -> JSON:
    assert instance.partition is not None
    return {
        "title": instance.title,
        "instance_guid": instance.reference,
        "instance_tree_guid": instance.tree.reference,
        "shared": instance.shared,
        "state": instance.wanted_state.value,
        "compute_partition_id": instance.partition.name,
        "software_release_uri": instance.release_url,
        "access_status_message": instance.access.text,
    }


@Method(
    name="slapos.put.WIP.compute_node_cordon", about=the_node,
    permission="node.manage", absent=NODE_ABSENT,
)  # fmt: skip
def cordon_node(request: Request) -> JSON:
    node, said = request.context.node, request.said
    cordon(request.act, node, said["reason"], read_moment(said.get("until", "")))
    return succeeded(f"{node.reference} takes nothing new")


@Method(
    name="slapos.put.WIP.compute_node_drain", about=the_node,
    permission="node.manage", absent=NODE_ABSENT,
)  # fmt: skip
def drain_node(request: Request) -> JSON:
    node, said = request.context.node, request.said
    until = read_moment(said.get("until", ""))
    left = drain(request.act, node, said["reason"], until, moves=said.get("move", False))
    rows = [asdict(one) for one in left]
    return {
        **succeeded(f"{node.reference} shall become empty"),
        "result_list": [
            {
                "instance_guid": row["reference"],
                "computer_guid": row["node"],
                "message": row["why"],
            }
            for row in rows
        ],
    }


@Method(
    name="slapos.put.WIP.compute_node_uncordon", about=the_node,
    permission="node.manage", absent=NODE_ABSENT,
)  # fmt: skip
def uncordon_node(request: Request) -> JSON:
    node = request.context.node
    uncordon(request.act, node)
    return succeeded(f"{node.reference} takes new instances")
