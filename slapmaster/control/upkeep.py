"""Work on the database as a whole: look for faults, back it up, pack it, evolve it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ZODB.FileStorage import FileStorage
from ZODB.FileStorage.FileStorage import FileStorageError

from slapcore.errors import Conflict
from slapcore.errors import InvalidValue
from slapmaster import backup
from slapmaster.backup import Progress
from slapmaster.backup import Work
from slapmaster.backup import attended
from slapmaster.domain.check import find_problems
from slapmaster.evolve import pending_steps
from slapmaster.evolve import run_next_step
from slapmaster.master import Master
from slapmaster.storage import change
from slapmaster.storage import opened

Answer = dict[str, Any]

#: How many problems are said one by one.
SAID = 1000

#: Held by whoever copies or rewrites the database file.
_alone = threading.Lock()


@contextmanager
def alone(what: str) -> Iterator[None]:
    """Have one backup or pack at a time."""
    if not _alone.acquire(blocking=False):
        raise Conflict(f"no {what} now: another backup or pack goes on")
    try:
        yield
    finally:
        _alone.release()


def check(master: Master) -> Work[Answer]:
    """Compute every index and every rule again, and say what is wrong."""
    seen = 0

    def find() -> list[str]:
        with opened(master.parts.store.main) as connection:

            def rest() -> None:
                nonlocal seen
                seen += 1000
                connection.cacheMinimize()

            return list(find_problems(connection.root()["site"], rest))

    def measure() -> Progress:
        return seen, 0, f"{seen} objects"

    problems = yield from attended(find, measure)
    return {"count": len(problems), "problems": problems[:SAID]}


def back_up(
    master: Master, repository: str, full: bool, drop_old: bool, keys: str | None
) -> Work[Answer]:
    """Back the database up, and write the keys into an archive of their own if one is named."""
    with alone("backup"):
        made = yield from backup.back_up(
            database_file(master), Path(repository), full=full, drop_old=drop_old
        )
    if keys is not None:
        backup.save_keys(master.settings, Path(keys))
    return {"repository": repository, "keys": keys or "", **asdict(made)}


def pack(master: Master, days: float) -> Work[Answer]:
    """Drop the revisions of objects that were replaced more than so many days ago."""
    path = database_file(master)
    before = path.stat().st_size
    packed = path.with_name(path.name + ".pack")

    def measure() -> Progress:
        return (packed.stat().st_size if packed.exists() else 0), before, "packing"

    with alone("pack"):
        try:
            yield from attended(lambda: master.parts.store.pack(days), measure)
        except FileStorageError as error:
            raise Conflict(f"the database can't be packed now: {error}") from error
    return {"before": before, "after": path.stat().st_size}


def database_file(master: Master) -> Path:
    """Give the file of the database; raises ``InvalidValue`` when it is none."""
    storage = master.parts.store.main.storage
    if not isinstance(storage, FileStorage):
        raise InvalidValue(
            f"the database {storage.getName()!r} is not a file: use the means of its server"
        )
    return Path(storage.getName()).absolute()


def evolve(master: Master, dry_run: bool) -> Work[Answer]:
    """Run the steps that have not run yet, each in a transaction; or only say which."""
    db = master.parts.store.main
    with opened(db) as connection:
        site = connection.root()["site"]
        pending, version = pending_steps(site), site.version
    if not dry_run:
        for number, step in enumerate(pending):
            yield number, len(pending), step
            version = change(db, run_next_step)
    return {"steps": list(pending), "version": version}
