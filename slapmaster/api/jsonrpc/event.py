"""What happened in a project."""

from pyramid.request import Request

from slapcore.errors import NotFound
from slapcore.protocol.jsonrpc import JSON
from slapmaster.api.eventview import TOLD_AT_ONCE
from slapmaster.api.eventview import Reading
from slapmaster.api.eventview import owner_seen
from slapmaster.api.eventview import project_asked_about
from slapmaster.api.eventview import read_cursor
from slapmaster.api.eventview import read_next
from slapmaster.api.jsonrpc.method import Method
from slapmaster.auth.permissions import Subject

PROJECT_ABSENT = "PROJECT-NOT-FOUND"


def the_project(request: Request, said: JSON) -> Subject:
    return project_asked_about(request, said.get("project_guid"))


@Method(
    name="slapos.allDocs.WIP.event_list", about=the_project,
    permission="project.follow", absent=PROJECT_ABSENT, writes=False,
    words=((NotFound, PROJECT_ABSENT, 403),),
)  # fmt: skip
def list_events(request: Request) -> JSON:
    """Tell what happened after a cursor; ``cursor`` is where to go on."""
    reading = Reading(
        request.context.home.reference,
        owner_seen(request),
        read_cursor(request.said.get("since", "")),
    )
    limit = request.said.get("limit", TOLD_AT_ONCE)
    rows = read_next(request.registry.store, reading, limit)
    return {"result_list": rows, "cursor": str(reading.cursor), "more": reading.more}
