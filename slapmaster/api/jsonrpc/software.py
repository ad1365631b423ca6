"""Releases on nodes: wanted, building, available, failed, removed."""

from pyramid.request import Request

from slapcore.errors import Conflict
from slapcore.errors import NotFound
from slapcore.protocol import status as wire_status
from slapcore.protocol.jsonrpc import JSON
from slapcore.states import ReleaseState
from slapmaster.api.heard import heard_of_release
from slapmaster.api.jsonrpc.method import Method
from slapmaster.api.jsonrpc.method import succeeded
from slapmaster.api.jsonrpc.subject import INSTALLATION_ABSENT
from slapmaster.api.jsonrpc.subject import NODE_ABSENT
from slapmaster.api.jsonrpc.subject import the_node
from slapmaster.domain.feed import EventKind
from slapmaster.domain.installation import find_installation
from slapmaster.domain.installation import forget_destroyed
from slapmaster.domain.installation import supply

NOT_WANTED_GONE = "SOFTWARE-INSTALLATION-DESTROY-NOT-REQUESTED"
SUPPLY_FAILED = "SUPPLY-FAILED"


@Method(
    name="slapos.post.v0.software_installation", about=the_node,
    permission="node.supply", absent=NODE_ABSENT, denied=SUPPLY_FAILED,
    words=((Conflict, SUPPLY_FAILED, 403),),
)  # fmt: skip
def supply_release(request: Request) -> JSON:
    url, state = request.said["software_release_uri"], request.said.get("state", "available")
    supply(request.act, request.context.node, url, ReleaseState(state))
    return succeeded(f"Supplied {url!r} to be {state}")


@Method(
    name="slapos.put.v0.software_installation_error", about=the_node,
    permission="node.report", absent=NODE_ABSENT,
    words=((NotFound, INSTALLATION_ABSENT, 403),),
)  # fmt: skip
def failed(request: Request) -> JSON:
    url, message = request.said["software_release_uri"], request.said.get("message", "")
    installation = find_installation(request.context.node, url)
    text = wire_status.release_failed(url).text
    heard_of_release(request, installation, text, message, EventKind.BUILD_FAILED)
    return succeeded("Error reported")


@Method(
    name="slapos.put.v0.software_installation_reported_state", about=the_node,
    permission="node.report", absent=NODE_ABSENT, repeated=("building", "available"),
    words=((NotFound, INSTALLATION_ABSENT, 403), (Conflict, NOT_WANTED_GONE, 403)),
)  # fmt: skip
def report_state(request: Request) -> JSON:
    node, url = request.context.node, request.said["software_release_uri"]
    state = request.said["reported_state"]
    installation = find_installation(node, url)
    if state == "destroyed":
        forget_destroyed(request.act, node, url)
    elif state == "building":
        heard_of_release(request, installation, wire_status.release_building(url).text)
    else:
        text = wire_status.release_available(url).text
        heard_of_release(request, installation, text, kind=EventKind.BUILT)
    return succeeded("State reported")
