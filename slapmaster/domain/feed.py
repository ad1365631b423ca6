"""The feed of a project: what happened in it, for those who follow it.

A feed is only added to, and keeps about the last ten thousand events.  An event's place in it is
its cursor, a number that grows with time: whoever remembers the last one they saw goes on after
it.  The journal, which says more and keeps all, is for operators.

Like the journal's, a feed's entries are spread over shards by their time, so that two writers
rarely meet.
"""

import json
from collections.abc import Iterator
from dataclasses import astuple
from dataclasses import dataclass
from enum import StrEnum
from heapq import merge
from itertools import islice

from persistent import Persistent

from slapcore.errors import Gone
from slapcore.errors import InvalidValue
from slapmaster.domain.journal import SHARDS
from slapmaster.domain.journal import Shard

#: How many events of a shard are kept, and how many are dropped at once when there are more.
KEPT = 640
DROPPED = 32


class EventKind(StrEnum):
    """What happened: to an instance; to a service as a whole; to a node; to a release on it."""

    REQUESTED = "requested"
    CHANGED = "changed"
    RENAMED = "renamed"
    WAITING = "waiting"
    PLACED = "placed"
    MOVED = "moved"
    PUBLISHED = "published"
    STARTED = "started"
    STOPPED = "stopped"
    ERROR = "error"
    BANG = "bang"
    HOST_LOST = "host lost"
    HELD = "held"
    DESTROYED = "destroyed"
    GONE = "gone"

    PROPOSED = "upgrade proposed"
    REJECTED = "upgrade rejected"
    UPGRADED = "upgraded"
    ROLLED_BACK = "rolled back"

    REGISTERED = "node registered"
    FORMATTED = "node formatted"
    CORDONED = "node cordoned"
    DRAINED = "node drained"
    OPENED = "node opened"
    CLOSED = "node closed"
    OUTDATED = "node outdated"
    BACK = "node back"
    LOST = "node lost"

    SUPPLIED = "release supplied"
    WITHDRAWN = "release withdrawn"
    BUILT = "release built"
    BUILD_FAILED = "release failed"
    REMOVED = "release removed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One event: ``subject`` is the reference of what it happened to.

    ``service`` and ``owner`` are the references of the service it is part of and of whose that
    is, ``node`` the one of where it lives: each empty where there is none.
    """

    kind: EventKind
    subject: str
    title: str
    by: str
    service: str = ""
    owner: str = ""
    node: str = ""
    detail: str = ""


FIELDS = tuple(Event.__dataclass_fields__)


class Feed(Persistent):
    """The last events of a project.  ``forgotten`` is the cursor of the last one dropped."""

    forgotten = 0

    def __init__(self) -> None:
        self.shards = tuple(Shard() for _ in range(SHARDS))

    def add(self, when: int, event: Event) -> None:
        shard = self.shards[when % SHARDS]
        number = number_of(shard[shard.maxKey()]) + 1 if shard else 0
        text = json.dumps([number, *astuple(event)])
        while not shard.insert(when, text):
            when += SHARDS
        if number - number_of(shard[shard.minKey()]) >= KEPT + DROPPED:
            self._drop_oldest(shard)

    def _drop_oldest(self, shard: Shard) -> None:
        dropped = list(islice(shard, DROPPED))
        for cursor in dropped:
            del shard[cursor]
        self.forgotten = max(self.forgotten, dropped[-1])

    def last(self) -> int:
        """Give the cursor of the last event; 0 when there is none."""
        return max((shard.maxKey() for shard in self.shards if shard), default=0)

    def after(self, cursor: int, until: int) -> Iterator[tuple[int, Event]]:
        """Walk the events after ``cursor`` with their own cursors, oldest first, to ``until``.

        Raises ``Gone`` when some of them are no longer kept, unless the cursor is 0: all that
        is kept; and ``InvalidValue`` when the cursor is later than ``until``.
        """
        if cursor > until:
            raise InvalidValue(f"the cursor {cursor} is from the future: the last one is {until}")
        if 0 < cursor < self.forgotten:
            raise Gone(
                f"what came after the cursor {cursor} is no longer kept: "
                f"begin again at {self.forgotten}, or at 0 with the oldest that is"
            )
        return self._walk(max(cursor, self.forgotten), until)

    def _walk(self, cursor: int, until: int) -> Iterator[tuple[int, Event]]:
        for when, text in merge(*(shard.items(cursor + 1, until) for shard in self.shards)):
            yield when, read_event(text)


def number_of(text: str) -> int:
    """Give which event of its shard it is that was kept as ``text``."""
    return int(json.loads(text)[0])


def read_event(text: str) -> Event:
    values = dict(zip(FIELDS, json.loads(text)[1:], strict=True))
    return Event(**{**values, "kind": EventKind(values["kind"])})
