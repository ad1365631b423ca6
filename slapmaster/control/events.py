"""What happened in a project, for operators."""

from itertools import islice
from typing import Any

from slapmaster.control.lookup import find_project
from slapmaster.control.lookup import write_time
from slapmaster.domain.act import Act
from slapmaster.domain.feed import Event
from slapmaster.domain.feed import Feed

Answer = dict[str, Any]


def list_events(act: Act, project: str | None, since: int, count: int) -> list[Answer]:
    """Give what happened in a project after the cursor ``since``, oldest first."""
    feed = find_project(act.site, project).feed or Feed()
    return [
        write_event(cursor, event) for cursor, event in islice(feed.after(since, act.now), count)
    ]


def write_event(cursor: int, event: Event) -> Answer:
    return {
        "cursor": cursor,
        "when": write_time(cursor),
        "kind": str(event.kind),
        "subject": event.subject,
        "title": event.title,
        "service": event.service,
        "node": event.node,
        "by": event.by,
        "detail": event.detail,
    }
