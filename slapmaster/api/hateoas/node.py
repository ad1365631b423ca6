"""Compute nodes and the releases on them: found, shown as rows, and as documents of their own."""

from collections.abc import Iterator

from pyramid.request import Request
from pyramid.response import Response

from slapcore.errors import NotFound
from slapmaster.api.hateoas.begin import NODES
from slapmaster.api.hateoas.begin import absent
from slapmaster.api.hateoas.begin import look_up
from slapmaster.api.hateoas.document import JSON
from slapmaster.api.hateoas.document import Field
from slapmaster.api.hateoas.document import answer
from slapmaster.api.hateoas.document import check_view
from slapmaster.api.hateoas.document import write_form
from slapmaster.api.hateoas.instance import about_instance
from slapmaster.api.hateoas.instance import news_of_instance
from slapmaster.api.hateoas.kind import Exact
from slapmaster.api.hateoas.kind import Kind
from slapmaster.api.hateoas.kind import common_columns
from slapmaster.api.statusview import status_of
from slapmaster.auth.permissions import Subject
from slapmaster.auth.permissions import is_allowed
from slapmaster.domain.installation import SoftwareInstallation
from slapmaster.domain.node import ComputeNode

NODE = "Compute Node"
INSTALLATION = "Software Installation"


def the_node(request: Request) -> Subject:
    nodes = request.site.nodes
    return Subject(
        site=request.site, node=look_up(request, nodes), absent=absent(request, nodes)
    )


def about_node(request: Request, node: ComputeNode) -> Subject:
    return Subject(site=request.site, node=node)


def about_installation(request: Request, installation: SoftwareInstallation) -> Subject:
    return Subject(site=request.site, node=installation.node)


def find_nodes(request: Request, exact: Exact) -> Iterator[ComputeNode]:
    """Walk the nodes of the asker's projects, or the one that the asker is or lives on."""
    site, asker = request.site, request.asker
    if "reference" in exact:
        return named_node(request, exact["reference"])
    if asker.node is not None:
        return iter([asker.node])
    if asker.instance is not None:
        place = asker.instance.partition
        return iter([place.node] if place is not None else [])
    if "follow_up_reference" in exact:
        projects = [exact["follow_up_reference"]]
    elif asker.person.operator:
        projects = [project.reference for project in site.projects]
    else:
        projects = list(asker.person.projects)
    title = [exact["title"]] if "title" in exact else []
    return (
        node for project in projects for node in site.nodes.range_by("title", project, *title)
    )


def named_node(request: Request, reference: str) -> Iterator[ComputeNode]:
    found = request.site.nodes.find(reference)
    return iter([found] if found is not None else [])


def find_installations(request: Request, exact: Exact) -> Iterator[SoftwareInstallation]:
    if "default_aggregate_reference" in exact:
        nodes = named_node(request, exact["default_aggregate_reference"])
    else:
        nodes = find_nodes(request, {})
    return (installation for node in nodes for installation in node.installations.values())


def path_of_node(node: ComputeNode) -> str:
    return f"{NODES}/{node.reference}"


def path_of_installation(installation: SoftwareInstallation) -> str:
    return f"{path_of_node(installation.node)}/{installation.reference}"


def news_of_node(request: Request, node: ComputeNode) -> JSON:
    """Give what was last heard of ``node``, and of what lives on it as far as the asker may see."""
    partitions = {
        partition.name: news_of_instance(request, partition.instance)
        for partition in node.partitions.values()
        if partition.instance is not None
        and is_allowed(
            request.asker, "partition.read", about_instance(request, partition.instance)
        )
    }
    return {
        "computer": status_of(request, node.reference, node.access, NODE),
        "partition": partitions,
    }


def news_of_installation(request: Request, installation: SoftwareInstallation) -> JSON:
    found = status_of(request, installation.reference, installation.access, INSTALLATION)
    return dict(found)


def get_form(request: Request) -> Response:
    """Show a node, and the news of it."""
    check_view(request)
    node = request.context.node
    fields = {
        "reference": Field(node.reference),
        "title": Field(node.title),
        "follow_up_reference": Field(node.project),
        "allocation_scope": Field(node.scope.value),
        "news": Field(news_of_node(request, node)),
    }
    return answer(write_form(NODE, path_of_node(node), fields))


def get_installation_form(request: Request) -> Response:
    check_view(request)
    reference = request.matchdict["installation"]
    for installation in request.context.node.installations.values():
        if installation.reference == reference:
            fields = {
                "reference": Field(reference),
                "url_string": Field(installation.url),
                "slap_state": Field(installation.state.value),
                "news": Field(news_of_installation(request, installation)),
            }
            path = path_of_installation(installation)
            return answer(write_form(INSTALLATION, path, fields))
    raise NotFound(f"no release {reference!r} on {request.context.node.reference}")


NODE_KIND = Kind(
    portal_type=NODE,
    find=find_nodes,
    about=about_node,
    permission="node.glimpse",
    columns={
        **common_columns(NODE, path_of_node),
        "title": lambda _, node: node.title,
        "follow_up_reference": lambda _, node: node.project,
        "allocation_scope": lambda _, node: node.scope.value,
        "ComputeNode_getNewsDict": news_of_node,
    },
)

INSTALLATION_KIND = Kind(
    portal_type=INSTALLATION,
    find=find_installations,
    about=about_installation,
    permission="node.glimpse",
    columns={
        **common_columns(INSTALLATION, path_of_installation),
        "url_string": lambda _, installation: installation.url,
        "slap_state": lambda _, installation: installation.state.value,
        "default_aggregate_reference": lambda _, installation: installation.node.reference,
        "follow_up_reference": lambda _, installation: installation.node.project,
        "SoftwareInstallation_getNewsDict": news_of_installation,
    },
)
