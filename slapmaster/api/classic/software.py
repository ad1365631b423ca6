"""Releases on nodes: supplied, building, available, failed, removed; and the catalogue's."""

from pyramid.request import Request
from pyramid.response import Response

from slapcore.errors import InvalidValue
from slapcore.errors import ProtocolError
from slapcore.protocol import status as wire_status
from slapcore.states import ReleaseState
from slapmaster.api.classic.endpoint import Endpoint
from slapmaster.api.classic.endpoint import answer
from slapmaster.api.classic.endpoint import nothing
from slapmaster.api.classic.endpoint import words
from slapmaster.api.classic.subject import the_node
from slapmaster.api.classic.subject import the_site
from slapmaster.api.heard import heard_of_release
from slapmaster.api.projects import products_in
from slapmaster.api.projects import projects_to_read
from slapmaster.api.statusview import status_of
from slapmaster.domain.feed import EventKind
from slapmaster.domain.installation import find_installation
from slapmaster.domain.installation import forget_destroyed
from slapmaster.domain.installation import supply


@Endpoint(
    name="supplySupply", method="POST", about=the_node,
    permission="node.supply", required=("url", "computer_id"), optional=("state",),
)  # fmt: skip
def supply_release(request: Request) -> Response:
    url, state = request.fields["url"], request.fields.get("state", "available")
    supply(request.act, request.context.node, url, read_release_state(state))
    return words(f"Supplied {url!r} to be {state}")


def read_release_state(text: str) -> ReleaseState:
    try:
        return ReleaseState(text)
    except ValueError as error:
        known = ", ".join(ReleaseState)
        raise InvalidValue(f"{text[:80]!r} is no state of a release; known are {known}") from error


@Endpoint(
    name="buildingSoftwareRelease", method="POST", about=the_node,
    permission="node.report", required=("url", "computer_id"), report=True,
)  # fmt: skip
def building(request: Request) -> Response:
    return say(request, wire_status.release_building(request.fields["url"]).text)


@Endpoint(
    name="availableSoftwareRelease", method="POST", about=the_node,
    permission="node.report", required=("url", "computer_id"), report=True,
)  # fmt: skip
def available(request: Request) -> Response:
    text = wire_status.release_available(request.fields["url"]).text
    return say(request, text, kind=EventKind.BUILT)


@Endpoint(
    name="softwareReleaseError", method="POST", about=the_node,
    permission="node.report", required=("url", "computer_id"), optional=("error_log",),
)  # fmt: skip
def failed(request: Request) -> Response:
    text = wire_status.release_failed(request.fields["url"]).text
    return say(request, text, request.fields.get("error_log", ""), EventKind.BUILD_FAILED)


def say(
    request: Request, text: str, log: str = "", kind: EventKind | None = None
) -> Response:
    installation = find_installation(request.context.node, request.fields["url"])
    heard_of_release(request, installation, text, log, kind)
    return nothing()


@Endpoint(
    name="destroyedSoftwareRelease", method="POST", about=the_node,
    permission="node.report", required=("url", "computer_id"),
)  # fmt: skip
def destroyed(request: Request) -> Response:
    forget_destroyed(request.act, request.context.node, request.fields["url"])
    return nothing()


@Endpoint(
    name="getSoftwareInstallationStatus", method="GET", about=the_node,
    permission="node.glimpse", required=("url", "computer_id"),
)  # fmt: skip
def get_status(request: Request) -> Response:
    found = find_installation(request.context.node, request.fields["url"])
    return answer(status_of(request, found.reference, found.access, "Software Installation"))


@Endpoint(
    name="getSoftwareReleaseListFromSoftwareProduct", method="GET", about=the_site,
    permission="catalog.read", required=(),
    optional=("project_reference", "software_product_reference", "software_release_url"),
)  # fmt: skip
def get_releases(request: Request) -> Response:
    reference = request.fields.get("software_product_reference")
    url = request.fields.get("software_release_url")
    if (reference is None) is (url is None):
        raise ProtocolError(
            "either software_product_reference or software_release_url is expected"
        )
    projects = projects_to_read(request, request.fields.get("project_reference"))
    for product in products_in(request, projects):
        if reference in (product.reference, product.title) or url in product.releases:
            return answer([release.url for release in product.newest_first(request.act.now)])
    return answer([])
