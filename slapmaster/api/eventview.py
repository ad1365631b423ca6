"""The events of a project, as programs see them: whoever runs it sees all, others their own."""

from datetime import UTC
from datetime import datetime
from itertools import islice

from pyramid.request import Request

from slapcore.errors import InvalidValue
from slapcore.errors import NotFound
from slapmaster.api.projects import find_project
from slapmaster.auth.permissions import Subject
from slapmaster.auth.permissions import is_allowed
from slapmaster.domain.feed import Event
from slapmaster.domain.feed import Feed
from slapmaster.domain.site import Site
from slapmaster.storage import Store
from slapmaster.storage import opened

Row = dict[str, str]

#: How many events are told at once, and looked at to find some that the asker may see.
TOLD_AT_ONCE = 100
LOOKED_AT = 1_000


def project_asked_about(request: Request, reference: str | None) -> Subject:
    """Find the project called ``reference``, or the asker's only one."""
    asker = request.asker  # nobody unknown learns which projects there are
    if reference:
        project = request.site.projects.find(reference)
        if project is None:
            raise NotFound(f"no project {reference!r}")
    elif asker.person is None:
        raise InvalidValue("name the project")
    else:
        project = find_project(request, None)
    return Subject(site=request.site, home=project, absent=f"no project {project.reference!r}")


def owner_seen(request: Request) -> str | None:
    """Give whose events the asker may see; ``None`` for those of everybody."""
    if is_allowed(request.asker, "project.run", request.context):
        return None
    reference: str = request.asker.reference
    return reference


def read_cursor(text: str) -> int:
    """Read a cursor; nothing said is 0, the beginning of what is kept."""
    if not text:
        return 0
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise InvalidValue(f"{text[:80]!r} is no cursor: it is what an answer has given")
    return int(text)


def read_next(store: Store, reading: "Reading", count: int) -> list[Row]:
    """Read on in a snapshot of what has settled by now: nothing can appear before it later."""
    settled = store.moments.settled()
    with opened(store.main) as connection:
        return reading.read(connection.root()["site"], settled, count)


class Reading:
    """Reads on in the feed of a project, from a cursor that moves.

    ``owner`` restricts it to the events of somebody's services.
    """

    def __init__(self, project: str, owner: str | None, cursor: int) -> None:
        self.project = project
        self.cursor = cursor
        self.more = False
        self._owner = owner

    def read(self, site: Site, settled: int, count: int = TOLD_AT_ONCE) -> list[Row]:
        """Give the next events that may be seen, at most ``count``; move the cursor on.

        ``more`` says whether there may be more right away.  Raises what a feed raises.
        """
        rows: list[Row] = []
        looked = 0
        feed = site.projects[self.project].feed or Feed()
        for cursor, event in islice(feed.after(self.cursor, settled), LOOKED_AT):
            looked += 1
            self.cursor = cursor
            if self._owner in (None, event.owner):
                rows.append(write_event(cursor, event))
            if len(rows) == count or looked == LOOKED_AT:
                break
        self.more = looked == LOOKED_AT or len(rows) == count
        return rows

    def check(self, site: Site, settled: int) -> None:
        """Raise what a feed raises when it can't be read from the cursor on."""
        (site.projects[self.project].feed or Feed()).after(self.cursor, settled)

    def has_more(self, site: Site) -> bool:
        """Tell whether anything has happened since; who may see it is another matter."""
        feed = site.projects[self.project].feed
        return feed is not None and feed.last() > self.cursor


def write_event(cursor: int, event: Event) -> Row:
    """Write an event; it may be of something that has no service, or no node."""
    return {
        "cursor": str(cursor),
        "when": write_moment(cursor),
        "kind": str(event.kind),
        "subject": event.subject,
        "title": event.title,
        "instance_tree_guid": event.service,
        "computer_guid": event.node,
        "by": event.by,
        "detail": event.detail,
    }


def write_moment(microseconds: int) -> str:
    """Write a moment as programs read it; nothing for one that never was."""
    if not microseconds:
        return ""
    moment = datetime.fromtimestamp(microseconds / 1_000_000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
