"""The journal, read from its end."""

from typing import Any

from slapmaster.control.lookup import read_time
from slapmaster.control.lookup import write_time
from slapmaster.domain.act import Act

Answer = dict[str, Any]
NAMES = ("by", "origin", "event", "subject", "detail")


def last_events(act: Act, count: int, since: str | None, **wanted: str | None) -> list[Answer]:
    """Give the last events, oldest first; ``wanted`` says what they must be about.

    ``by`` and ``subject`` are exact, ``event`` may be a part of it.
    """
    begin = read_time(since) if since is not None else 0
    found = []
    for when, entry in act.site.journal.latest_first():
        if when < begin:
            break
        event = dict(zip(NAMES, entry, strict=True))
        if is_wanted(event, wanted):
            found.append({"when": write_time(when), **event})
        if len(found) == count:
            break
    return found[::-1]


def is_wanted(event: dict[str, str], wanted: dict[str, str | None]) -> bool:
    for name in ("by", "subject"):
        if wanted.get(name) not in (None, event[name]):
            return False
    return (wanted.get("event") or "") in event["event"]
