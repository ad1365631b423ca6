"""What a node asks for and says of itself; nodes are registered here too."""

from pyramid.request import Request
from pyramid.response import Response

from slapcore.protocol import description
from slapcore.protocol import marshal
from slapcore.protocol import status as wire_status
from slapmaster.api import nodeview
from slapmaster.api.alone import welcome_node
from slapmaster.api.classic.endpoint import Endpoint
from slapmaster.api.classic.endpoint import answer
from slapmaster.api.classic.endpoint import words
from slapmaster.api.classic.subject import node_called
from slapmaster.api.classic.subject import the_node
from slapmaster.api.classic.subject import the_site
from slapmaster.api.heard import heard_of_node
from slapmaster.api.projects import find_project
from slapmaster.api.statusview import status_of
from slapmaster.auth.permissions import Subject
from slapmaster.auth.permissions import is_allowed
from slapmaster.domain.bang import bang_node
from slapmaster.domain.node import Address
from slapmaster.domain.node import ComputePartition
from slapmaster.domain.node import NodeFacts
from slapmaster.domain.node import PartitionSpec
from slapmaster.domain.registration import format_node
from slapmaster.domain.registration import register_node
from slapmaster.domain.report import report_node

#: the header that says which orders a node's document holds, for it to wait for others
ORDERS = "X-Slapmaster-Orders"


@Endpoint(
    name="getFullComputerInformation", method="GET", about=the_node,
    permission="node.glimpse", required=("computer_id",),
)  # fmt: skip
def get_full_information(request: Request) -> Response:
    subject = request.context
    if not is_allowed(request.asker, "node.read", subject):
        return glimpse(request)
    if request.asker.node is subject.node or request.asker.alone:
        heard_of_node(request, subject.node)
    document = request.registry.node_documents.document_of(subject.node)
    response = Response(body=document.body, content_type="text/xml", charset="utf-8")
    response.etag = document.etag
    response.headers[ORDERS] = document.orders
    response.headers["Cache-Control"] = "private, no-cache"
    response.conditional_response = True
    return response


@Endpoint(
    name="getComputerInformation", method="GET", about=the_node,
    permission="node.glimpse", required=("computer_id",),
)  # fmt: skip
def get_information(request: Request) -> Response:
    return get_full_information(request)


def glimpse(request: Request) -> Response:
    """Show a node with what the asker has on it, and nothing else."""
    places = [place for place in request.context.node.partitions.values() if seen(request, place)]
    return Response(
        body=nodeview.write_glimpse(request.context.node, places),
        content_type="text/xml",
        charset="utf-8",
    )


def seen(request: Request, place: ComputePartition) -> bool:
    instance = place.instance
    if request.asker.instance is not None:
        return request.asker.instance is instance
    if instance is None:
        return False
    subject = Subject(
        site=request.site, node=place.node, partition=place, instance=instance, tree=instance.tree
    )
    return is_allowed(request.asker, "partition.read", subject)


@Endpoint(
    name="getComputerStatus", method="GET", about=the_node,
    permission="node.glimpse", required=("computer_id",),
)  # fmt: skip
def get_status(request: Request) -> Response:
    node = request.context.node
    return answer(status_of(request, node.reference, node.access, "Compute Node"))


@Endpoint(
    name="requestComputer", method="POST", about=the_site,
    permission="node.register", required=("computer_title",), optional=("project_reference",),
)  # fmt: skip
def request_computer(request: Request) -> Response:
    project = find_project(request, request.fields.get("project_reference"), to_run_nodes=True)
    node = register_node(request.act, project, request.fields["computer_title"])
    return answer(marshal.Document("Computer", (node.reference,), {"_computer_id": node.reference}))


@Endpoint(
    name="computerBang", method="POST", about=the_node,
    permission="node.report", required=("computer_id",), optional=("message",),
)  # fmt: skip
def bang(request: Request) -> Response:
    node = request.context.node
    bang_node(request.act, node)
    text = wire_status.node_banged(request.fields.get("message", "")).text
    report_node(request.act, node, text)
    return words("OK")


def described_node(request: Request, fields: dict[str, str]) -> Subject:
    """Find the node that describes itself; to its only person any node is known."""
    request.description = description.decode_description(fields["xml"])
    reference = request.description.reference
    welcome_node(request, reference)
    return node_called(request, reference)


@Endpoint(
    name="loadComputerConfigurationFromXML", method="POST", about=described_node,
    permission="node.format", required=("xml",), marshalled=("xml",),
)  # fmt: skip
def load_configuration(request: Request) -> Response:
    described = request.description
    facts = NodeFacts(
        described.address,
        described.netmask,
        described.os_type,
        described.public_ipv4_address,
        described.slapos_version,
    )
    specs = [read_partition(partition) for partition in described.partitions]
    format_node(request.act, request.context.node, facts, specs)
    return words("Content properly posted.")


def read_partition(described: description.PartitionDescription) -> PartitionSpec:
    addresses = tuple(
        Address(found.interface, found.address, found.netmask, found.gateway, found.network)
        for found in described.addresses
    )
    return PartitionSpec(described.name, addresses, described.capabilities)
