"""What a node asks for and says of itself."""

from pyramid.request import Request

from slapcore.errors import InvalidValue
from slapcore.errors import ProtocolError
from slapcore.protocol import description
from slapcore.protocol import status as wire_status
from slapcore.protocol.jsonrpc import JSON
from slapmaster.api.heard import heard_of_node
from slapmaster.api.jsonrpc.method import Method
from slapmaster.api.jsonrpc.method import succeeded
from slapmaster.api.jsonrpc.subject import NODE_ABSENT
from slapmaster.api.jsonrpc.subject import the_described_node
from slapmaster.api.jsonrpc.subject import the_node
from slapmaster.api.jsonrpc.subject import the_site
from slapmaster.api.statusview import status_of
from slapmaster.api.usage import read_usages
from slapmaster.auth.permissions import Subject
from slapmaster.auth.permissions import is_allowed
from slapmaster.domain.bang import bang_node
from slapmaster.domain.instance import Instance
from slapmaster.domain.node import Address
from slapmaster.domain.node import ComputeNode
from slapmaster.domain.node import PartitionSpec
from slapmaster.domain.registration import format_node
from slapmaster.domain.report import report_node
from slapmaster.domain.usage import report_usage


@Method(
    name="slapos.allDocs.v0.compute_node_instance_list", about=the_node,
    permission="node.read", absent=NODE_ABSENT, writes=False,
)  # fmt: skip
def list_instances(request: Request) -> JSON:
    node = request.context.node
    if request.asker.node is node or request.asker.alone:
        heard_of_node(request, node)
    instances = [place.instance for place in node.in_service() if place.instance is not None]
    return {"result_list": [write_row(instance) for instance in instances]}


def write_row(instance: Instance) -> JSON:
    assert instance.partition is not None
    return {
        "title": instance.title,
        "instance_guid": instance.reference,
        "state": instance.wanted_state.value,
        "compute_partition_id": instance.partition.name,
        "software_release_uri": instance.release_url,
    }


@Method(
    name="slapos.allDocs.v0.compute_node_software_installation_list", about=the_node,
    permission="node.read", absent=NODE_ABSENT, writes=False,
)  # fmt: skip
def list_installations(request: Request) -> JSON:
    return {
        "result_list": [
            {"software_release_uri": installation.url, "state": installation.state.value}
            for installation in request.context.node.installations.values()
        ]
    }


@Method(
    name="slapos.allDocs.WIP.compute_node_list", about=the_site,
    permission="site.search", writes=False,
)  # fmt: skip
def list_nodes(request: Request) -> JSON:
    return {
        "result_list": [
            {"computer_guid": node.reference}
            for node in request.site.nodes
            if is_visible(request, node)
        ]
    }


def is_visible(request: Request, node: ComputeNode) -> bool:
    return is_allowed(request.asker, "node.glimpse", Subject(site=request.site, node=node))


@Method(
    name="slapos.get.v0.compute_node_status", about=the_node,
    permission="node.glimpse", absent=NODE_ABSENT, writes=False,
)  # fmt: skip
def get_status(request: Request) -> JSON:
    node = request.context.node
    return status_of(request, node.reference, node.access, "Compute Node")


@Method(
    name="slapos.put.v0.compute_node_bang", about=the_node,
    permission="node.report", absent=NODE_ABSENT,
)  # fmt: skip
def bang(request: Request) -> JSON:
    node = request.context.node
    bang_node(request.act, node)
    report_node(request.act, node, wire_status.node_banged(request.said.get("message", "")).text)
    return succeeded("Bang handled")


@Method(
    name="slapos.put.v0.compute_node_format", about=the_described_node,
    permission="node.format", absent=NODE_ABSENT,
)  # fmt: skip
def format_partitions(request: Request) -> JSON:
    """Follow the list of partitions; what else is known of the node stays as it is."""
    node = request.context.node
    specs = [read_partition(one) for one in request.description.partitions]
    format_node(request.act, node, node.facts, specs)
    return succeeded("Format handled")


def read_partition(described: description.PartitionDescription) -> PartitionSpec:
    addresses = tuple(
        Address(found.interface, found.address, found.netmask, found.gateway, found.network)
        for found in described.addresses
    )
    return PartitionSpec(described.name, addresses, described.capabilities)


@Method(
    name="slapos.post.v0.compute_node_usage", about=the_node,
    permission="node.report", absent=NODE_ABSENT,
    words=(
        (ProtocolError, "INVALIDATE_TIOXML", 400),
        (InvalidValue, "INVALIDATE_TIOXML", 400),
    ),
)  # fmt: skip
def use(request: Request) -> JSON:
    report_usage(request.act, request.context.node, read_usages(request.said["tioxml"]))
    return succeeded("Usage reported")
