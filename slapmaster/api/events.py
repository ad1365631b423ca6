"""``GET /events``: the events of a project as they happen, as server-sent events.

Each has its cursor as its id, so a peer that was cut off goes on where it was.
"""

import json

from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response

from slapcore.errors import Unauthenticated
from slapmaster.api.eventview import Reading
from slapmaster.api.eventview import Row
from slapmaster.api.eventview import owner_seen
from slapmaster.api.eventview import project_asked_about
from slapmaster.api.eventview import read_cursor
from slapmaster.api.form import check_fields
from slapmaster.api.form import read_fields
from slapmaster.api.route import WayIn
from slapmaster.api.route import add_way_in
from slapmaster.api.watch import AwaitedNews
from slapmaster.auth.authority import ClientCertificate
from slapmaster.auth.certificate import holder_of
from slapmaster.auth.certificate import verified_certificate
from slapmaster.auth.permissions import Subject
from slapmaster.auth.permissions import is_allowed
from slapmaster.domain.site import Site

#: Seconds for which a stream goes on; its peer then asks again, and proves again who it is.
STREAM = 600.0


class Stream:
    """Tells the events of a project as long as the asker may hear them."""

    beat = b":\n\n"  # a comment: we are still here
    silence = 15.0

    def __init__(self, reading: Reading, shown: ClientCertificate | None) -> None:
        self._reading = reading
        self._shown = shown
        self._over = False

    def has_news(self, site: Site) -> bool:
        return self._reading.has_more(site)

    def tell(self, site: Site, settled: int) -> bytes:
        if not self._is_welcome(site):
            self._over = True
            return b""
        rows = self._reading.read(site, settled)
        while self._reading.more and not rows:
            rows = self._reading.read(site, settled)
        return b"".join(map(write_server_sent, rows))

    def is_over(self) -> bool:
        return self._over

    def last_words(self) -> bytes:
        return b""

    def _is_welcome(self, site: Site) -> bool:
        """Tell whether the certificate is still good, and its holder still in the project."""
        if self._shown is None:
            return True
        try:
            asker = holder_of(site, self._shown)
        except Unauthenticated:
            return False
        home = site.projects[self._reading.project]
        return is_allowed(asker, "project.follow", Subject(site=site, home=home))


def write_server_sent(row: Row) -> bytes:
    text = json.dumps(row)  # in one line, and in ASCII
    return f"id: {row['cursor']}\nevent: {row['kind']}\ndata: {text}\n\n".encode()


def followed_project(request: Request) -> Subject:
    """Find the project whose events are asked for."""
    request.fields = read_fields(request)
    check_fields(request.fields, (), ("project", "since"))
    return project_asked_about(request, request.fields.get("project"))


def follow(request: Request) -> Response:
    """Tell all events since a cursor, and then whatever happens."""
    asked = request.headers.get("Last-Event-ID") or request.fields.get("since", "")
    watch = request.registry.watch
    reading = Reading(
        request.context.home.reference, owner_seen(request), read_cursor(asked)
    )
    reading.check(request.site, watch.store.moments.settled())
    shown = None if request.registry.alone else verified_certificate(request)
    news = AwaitedNews(watch, request.asker.reference, Stream(reading, shown), STREAM)
    response = Response(app_iter=news, content_type="text/event-stream", charset="utf-8")
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["X-Accel-Buffering"] = "no"  # a reverse proxy passes each on at once
    return response


def includeme(config: Configurator) -> None:
    """Add the stream of events."""
    way = WayIn(
        name="events", path="/events", method="GET", view=follow,
        about=followed_project, permission="project.follow",
    )  # fmt: skip
    add_way_in(config, way)
