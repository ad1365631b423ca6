"""The databases: the site itself, and the pulse; opened once per process.

A request has one connection with one transaction (``request.site``); what was answered with
success is on disk before the answer leaves.  A transaction that met another one is run again.
"""

import threading
import time
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

import transaction
import zodburi
from BTrees.OOBTree import OOBTree
from pyramid.config import Configurator
from pyramid.tweens import EXCVIEW
from ZODB.Connection import Connection
from ZODB.DB import DB
from ZODB.POSException import ConflictError

from slapmaster.domain.site import Site
from slapmaster.evolve import latest_version
from slapmaster.evolve import refuse_newer

Result = TypeVar("Result")

#: How many numbers of a prefix a process reserves at a time.
BLOCK = 100
#: How often a transaction that met another is tried; the last failure is answered 503.
ATTEMPTS = 30


class Numbers:
    """Numbers never given before, from blocks of ``block`` that this process has reserved."""

    def __init__(self, db: DB) -> None:
        self.block = BLOCK
        self._db = db
        self._lock = threading.Lock()
        self._blocks: dict[str, Iterator[int]] = {}

    def next(self, prefix: str) -> int:
        with self._lock:
            for number in self._blocks.get(prefix, iter(())):
                return number
            self._blocks[prefix] = block = iter(self._reserve(prefix))
            return next(block)

    def _reserve(self, prefix: str) -> range:
        def reserve(site: Site) -> range:
            return site.sequences.reserve(prefix, self.block)

        return change(self._db, reserve)


class Moments:
    """Gives each act its moment, in microseconds, and knows which acts still go on.

    Each moment is later than all before, whatever the clock does.  What an act has stored can be
    read when it has ended: then nothing can appear any more before its moment, unless an earlier
    act goes on.
    """

    def __init__(self, last: int = 0) -> None:
        self._last = last
        self._going_on: set[int] = set()
        self._lock = threading.Lock()

    def begin(self) -> int:
        """Give the moment of an act that begins; it goes on until :meth:`end`."""
        with self._lock:
            moment = self._next()
            self._going_on.add(moment)
            return moment

    def end(self, moment: int) -> None:
        with self._lock:
            self._going_on.discard(moment)

    @contextmanager
    def act(self) -> Iterator[int]:
        """Give a moment that goes on for as long as the context."""
        moment = self.begin()
        try:
            yield moment
        finally:
            self.end(moment)

    def is_quiet(self) -> bool:
        """Tell whether no act goes on."""
        return not self._going_on

    def settled(self) -> int:
        """Give the last moment before which all has ended: read what is stored after this."""
        with self._lock:
            return min(self._going_on) - 1 if self._going_on else self._next()

    def _next(self) -> int:
        self._last = max(now_in_microseconds(), self._last + 1)
        return self._last


class Pulse:
    """When each node, instance and release was heard of last, in microseconds.

    Hearing the same again is no transaction: it is kept in memory and written every so often,
    into a database of its own.  After a restart a time is as old as the last writing.
    """

    def __init__(self, db: DB) -> None:
        self._db = db
        self._fresh: dict[str, int] = {}
        self._lock = threading.Lock()
        with opened(db) as connection:
            root = connection.root()
            self._heard: dict[str, int] = dict(root.get("heard", {}))

    def beat(self, reference: str, now: int) -> None:
        self._heard[reference] = self._fresh[reference] = now

    def last(self, reference: str) -> int | None:
        return self._heard.get(reference)

    def silent_since(self, moment: int) -> list[str]:
        """Give what was heard of once, and not since ``moment``."""
        return [reference for reference, heard in self._heard.copy().items() if heard < moment]

    def flush(self) -> int:
        """Write what was heard since the last time; give how many."""
        with self._lock:
            fresh, self._fresh = self._fresh, {}
            try:
                if fresh:
                    with opened(self._db, commit=True) as connection:
                        connection.root().setdefault("heard", OOBTree()).update(fresh)
            except BaseException:
                self._fresh = fresh | self._fresh
                raise
            return len(fresh)


class Store:
    """The two databases of a master, and what a process keeps beside them."""

    def __init__(self, main: DB, pulse: DB) -> None:
        self.main = main
        with opened(main) as connection:
            if "site" not in connection.root():
                _create_site(main)
                self.moments = Moments()
            else:
                refuse_newer(connection.root()["site"])
                self.moments = Moments(connection.root()["site"].journal.last())
        self.numbers = Numbers(main)
        self.pulse = Pulse(pulse)
        #: held by the one thread of this process that is likely to write
        self.turn = threading.Lock()
        self._pulse_db = pulse

    @classmethod
    def open(cls, main_uri: str, pulse_uri: str) -> "Store":
        """Open both databases, each named by a zodburi; a new one gets an empty site."""
        databases: list[DB] = []
        try:
            for uri in (main_uri, pulse_uri):
                databases.append(_open(uri))
            return cls(*databases)
        except BaseException:
            for db in databases:
                db.close()
            raise

    def change(self, operation: Callable[[Site], object]) -> object:
        """Run ``operation`` in a transaction of its own, again if it meets another one."""
        with self.turn:
            return change(self.main, operation)

    def pack(self, days: float) -> None:
        """Drop the revisions of objects that were replaced more than so many days ago."""
        self.main.pack(days=days)
        self._pulse_db.pack(days=days)

    def close(self) -> None:
        self.pulse.flush()
        self._pulse_db.close()
        self.main.close()


def _open(uri: str) -> DB:
    factory, arguments = zodburi.resolve_uri(uri)
    return DB(factory(), **arguments)


def _create_site(db: DB) -> None:
    with opened(db, commit=True) as connection:
        site = connection.root()["site"] = Site()
        site.version = latest_version()


@contextmanager
def opened(db: DB, *, commit: bool = False) -> Iterator[Connection]:
    """Give a connection of its own, and a transaction; it is committed only when asked to."""
    manager = transaction.TransactionManager(explicit=True)
    manager.begin()
    connection = db.open(transaction_manager=manager)
    try:
        yield connection
        if commit:
            manager.commit()
        else:
            manager.abort()
    except BaseException:
        manager.abort()
        raise
    finally:
        connection.close()


def change(db: DB, operation: Callable[[Site], Result]) -> Result:
    """Run ``operation`` on the site and commit; again if it meets another one."""
    for _ in range(ATTEMPTS):
        try:
            with opened(db, commit=True) as connection:
                return operation(connection.root()["site"])
        except ConflictError as conflict:
            last = conflict
    raise last


def now_in_microseconds() -> int:
    return time.time_ns() // 1_000


def includeme(config: Configurator) -> None:
    """Give requests one transaction each, and another try after a conflict."""
    settings = config.get_settings()
    settings["retry.attempts"] = ATTEMPTS
    # A transaction needs no name in it: the journal says who, and some askers have none.
    settings["tm.annotate_user"] = False
    config.include("pyramid_retry")
    # Only the tween of pyramid_tm: the rest of it is an attribute of our own request.
    config.add_tween("pyramid_tm.tm_tween_factory", over=EXCVIEW)
