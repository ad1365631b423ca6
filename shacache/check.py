"""What goes and why: eviction, orphans, dangling entries; and whether all is still sound.

A plan lists first, so that it can be shown without being carried out.  Contents go before
entries: an entry is shown only while its content is here.  What came or was of use after the
plan was made stays.
"""

import time
from collections.abc import Callable
from collections.abc import Collection
from collections.abc import Iterator
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from shacache.cache import UPSTREAM
from shacache.cache import Cache
from shacache.store import Stored
from slapcore.errors import NotFound

DAY = 86400.0
#: a content without entries is perhaps one whose entry is still on its way
GRACE_SECONDS = 3600.0
#: when the cap is passed, contents go until so much of it is used
FILL = 0.9
#: unfinished files of processes that have ended
UNFINISHED = ".new-*"


@dataclass(frozen=True)
class Gone:
    """One thing that goes, or has gone."""

    what: str
    why: str
    size: int = 0


@dataclass(frozen=True)
class Census:
    """Which contents the entries name, and which are pinned, by their keys or themselves."""

    #: the beginnings of the sums: there may be millions
    named: Collection[bytes]
    pinned: Collection[str]

    def names(self, sha512: str) -> bool:
        return beginning(sha512) in self.named


def beginning(sha512: str) -> bytes:
    return bytes.fromhex(sha512[:32])


@dataclass(frozen=True)
class Plan:
    """What goes: contents, and keys with entries whose content is gone or goes."""

    contents: Sequence[tuple[Stored, str]]
    dangling: Sequence[tuple[str, int]]

    def listed(self) -> Iterator[Gone]:
        for stored, why in self.contents:
            yield Gone(f"content {stored.sha512}", why, stored.size)
        for key, number in self.dangling:
            yield Gone(f"entries of {key}", f"{number} without their content")


def take_census(cache: Cache) -> Census:
    named: set[bytes] = set()
    pinned = {*cache.pins.listed(), *cache.supplied.listed()}
    for key in cache.directory:
        sums = {record.sha512 for record in cache.directory.records(key)}
        named.update(map(beginning, sums))
        if key in pinned:
            pinned |= sums
    return Census(named, pinned)


def make_plan(cache: Cache) -> Plan:
    """Find out what goes now."""
    contents = choose_contents(cache, take_census(cache))
    going = {stored.sha512 for stored, _ in contents}
    dangling = []
    for key in cache.directory:
        records = cache.directory.records(key)
        number = sum(
            each.sha512 in going or each.sha512 not in cache.store for each in records
        )
        if number:
            dangling.append((key, number))
    return Plan(contents, dangling)


def carry_out(cache: Cache, plan: Plan) -> Iterator[Gone]:
    """Do what a plan says, and tell of each thing when it has gone."""
    for stored, why in plan.contents:
        if _remove(cache, stored):
            yield Gone(f"content {stored.sha512}", why, stored.size)
    for key, _ in plan.dangling:
        number = cache.directory.drop(key, lambda each: each.sha512 not in cache.store)
        if number:
            yield Gone(f"entries of {key}", f"{number} without their content")
    for path in find_unfinished(cache.settings.directory):
        path.unlink(missing_ok=True)
        yield Gone(f"file {path.name}", "left unfinished")
    if number := cache.store.give_up_unfinished():
        yield Gone(f"{number} uploads", "left unfinished")


def make_room(cache: Cache) -> Iterator[Gone]:
    """Carry a plan out if more is kept than allowed; nothing otherwise."""
    settings = cache.settings
    if settings.cap and cache.statistic.size.bytes > settings.cap:
        yield from carry_out(cache, make_plan(cache))
        cache.measure()


def choose_contents(cache: Cache, census: Census) -> list[tuple[Stored, str]]:
    """Choose the contents that go, those first that have been of no use for longest."""
    settings, now = cache.settings, time.time()
    kept, gone = [], []
    for stored in sorted(cache.store.list(), key=lambda each: each.used):
        idle = now - stored.used
        if stored.sha512 in census.pinned:
            kept.append(stored)
        elif settings.keep_days and idle > settings.keep_days * DAY:
            gone.append((stored, f"of no use for {int(idle / DAY)} days"))
        elif (
            settings.orphan_days
            and not census.names(stored.sha512)
            and idle > max(settings.orphan_days * DAY, GRACE_SECONDS)
        ):
            gone.append((stored, f"without an entry, of no use for {int(idle / DAY)} days"))
        else:
            kept.append(stored)
    return gone + choose_oldest(kept, settings.cap, census.pinned)


def choose_oldest(
    kept: Sequence[Stored], cap: int, pinned: Collection[str]
) -> list[tuple[Stored, str]]:
    """Choose what goes for the rest to be well below the cap."""
    total = sum(stored.size for stored in kept)
    if not cap or total <= cap:
        return []
    gone = []
    for stored in kept:
        if total <= cap * FILL:
            break
        if stored.sha512 not in pinned:
            gone.append((stored, "longest of no use, and the cache is full"))
            total -= stored.size
    return gone


def find_unfinished(directory: Path) -> list[Path]:
    """Find files that a process has begun and not put in place, for an hour or longer."""
    found = [*directory.glob(UNFINISHED), *directory.glob(f"entries/*/{UNFINISHED}")]
    return [path for path in found if _is_left(path)]


def _is_left(path: Path) -> bool:
    try:
        return path.stat().st_mtime < time.time() - GRACE_SECONDS
    except FileNotFoundError:
        return False


def scrub(cache: Cache, watch: Callable[[Stored], None]) -> Iterator[Gone]:
    """Read every content again; what is no longer what its name says is put aside."""
    for stored in cache.store.list():
        try:
            good = cache.store.verify(stored.sha512)
        except NotFound:
            continue
        if not good:
            path = cache.store.quarantine(stored.sha512)
            yield Gone(f"content {stored.sha512}", f"damaged; put aside as {path}", stored.size)
        watch(stored)


def find_problems(cache: Cache) -> Iterator[str]:
    """Look for what should not be, without reading the contents."""
    for stored in cache.store.list():
        if len(stored.sha512) != 128:
            yield f"contents: {stored.sha512} is not the name of a content"
    for key in cache.directory:
        for record in cache.directory.records(key):
            # What another cache has offered may be fetched at any time.
            if record.sha512 not in cache.store and not record.uploader.startswith(UPSTREAM):
                yield f"entries of {key}: the content {record.sha512} is not here"
            if record.is_trusted and record.key_id not in cache.signers.keys:
                yield f"entries of {key}: the key {record.key_id} of {record.signer} is unknown"


def _remove(cache: Cache, stored: Stored) -> bool:
    """Remove a content, unless it has been of use since it was chosen."""
    try:
        if cache.store.look(stored.sha512).used != stored.used:
            return False
    except NotFound:
        return False
    cache.store.remove(stored.sha512)
    return True
