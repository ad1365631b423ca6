"""How many instances may be requested in a second, by one person or in one project.

Only where there is such a quota anything is remembered: a bucket that fills with so many drops a
second, and holds two seconds' worth.  It is kept by this process, and empty of memory after a
restart.
"""

import threading
import time

from pyramid.request import Request

from slapcore.errors import TooMany
from slapmaster.domain.person import Person
from slapmaster.domain.project import Project
from slapmaster.domain.tree import InstanceTree

#: A bucket holds what comes in so many seconds.
HELD_SECONDS = 2.0
#: When there are so many buckets, the full ones are thrown away: they remember nothing.
MOST = 10_000


class Pace:
    """The buckets of all who have such a quota."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        #: who -> how much was there, when
        self._buckets: dict[str, tuple[float, float]] = {}

    def spend(self, who: str, rate: int) -> bool:
        """Take a drop from the bucket of ``who``; tell whether there was one."""
        now, most = time.monotonic(), rate * HELD_SECONDS
        with self._lock:
            there, when = self._buckets.get(who, (most, now))
            there = min(most, there + (now - when) * rate)
            self._buckets[who] = (there - 1 if there >= 1 else there, now)
            if len(self._buckets) > MOST:
                self._forget(now)
            return there >= 1

    def _forget(self, now: float) -> None:
        late = now - HELD_SECONDS
        self._buckets = {who: seen for who, seen in self._buckets.items() if seen[1] > late}


def keep_pace(request: Request, owner: Person | None, project: Project) -> None:
    """Refuse with ``TooMany`` what is requested too soon after others; a retry is free."""
    if request.environ.get("retry.attempt", 0):
        return
    holders: list[Person | Project] = [project] if owner is None else [owner, project]
    for holder in holders:
        rate = holder.quota.requests
        if rate and not request.registry.pace.spend(holder.reference, rate):
            raise TooMany(f"{holder.reference} may request {rate} instances a second, and no more")


def keep_pace_of_tree(request: Request, tree: InstanceTree) -> None:
    """The same for what an instance of ``tree`` requests."""
    site = request.site
    keep_pace(request, site.persons.find(tree.owner), site.projects[tree.project])
