"""What was seen, in a small database: one row per look and partition, for some days."""

import itertools
import sqlite3
import time
from collections.abc import Iterable
from collections.abc import Iterator
from contextlib import closing
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from slapcore.node.collect.snapshot import Use

DAY = 86400.0

SCHEMA = """
CREATE TABLE IF NOT EXISTS use (
    time REAL NOT NULL, partition TEXT NOT NULL, processes INTEGER NOT NULL,
    cpu_seconds REAL NOT NULL, memory INTEGER NOT NULL, read INTEGER NOT NULL,
    written INTEGER NOT NULL, disk INTEGER NOT NULL,
    PRIMARY KEY (partition, time)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS told (day TEXT PRIMARY KEY);
"""

COLUMNS = "partition, processes, cpu_seconds, memory, read, written, disk"


@dataclass(frozen=True, kw_only=True)
class Spell:
    """What a partition used over some time: averages, and processor time as a share of one core."""

    partition: str
    looks: int
    cpu: float
    memory: float
    disk: float


class Store:
    """The database at ``path``."""

    def __init__(self, path: Path, days: int) -> None:
        self._path = path
        self._days = days

    def keep(self, uses: Iterable[Use], now: float | None = None) -> None:
        """Keep one look, and drop what is too old."""
        now = time.time() if now is None else now
        rows = [
            (now, use.partition, use.processes, use.cpu_seconds, use.memory, use.read,
             use.written, use.disk)
            for use in uses
        ]  # fmt: skip
        with self._open() as database:
            database.executemany("INSERT OR REPLACE INTO use VALUES (?,?,?,?,?,?,?,?)", rows)
            database.execute("DELETE FROM use WHERE time < ?", (now - self._days * DAY,))

    def last(self) -> list[Use]:
        """Give the last look at each."""
        query = f"SELECT {COLUMNS}, MAX(time) FROM use GROUP BY partition ORDER BY partition"
        with self._open() as database:
            rows = database.execute(query).fetchall()
        return [
            Use(partition=row[0], processes=row[1], cpu_seconds=row[2], memory=row[3],
                read=row[4], written=row[5], disk=row[6])
            for row in rows
        ]  # fmt: skip

    def spells(self, begin: float, end: float) -> list[Spell]:
        """Sum up what each used between two times."""
        query = (
            "SELECT partition, time, cpu_seconds, memory, disk FROM use"
            " WHERE time >= ? AND time < ? ORDER BY partition, time"
        )
        with self._open() as database:
            rows = database.execute(query, (begin, end)).fetchall()
        found: dict[str, list[tuple[float, float, int, int]]] = {}
        for partition, *row in rows:
            found.setdefault(partition, []).append((row[0], row[1], row[2], row[3]))
        return [sum_up(partition, looks) for partition, looks in found.items()]

    def is_told(self, day: str) -> bool:
        with self._open() as database:
            found = database.execute("SELECT 1 FROM told WHERE day = ?", (day,)).fetchone()
        return found is not None

    def note_told(self, day: str) -> None:
        with self._open() as database:
            database.execute("INSERT OR IGNORE INTO told VALUES (?)", (day,))

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self._path, timeout=30.0)) as database, database:
            database.executescript(SCHEMA)
            yield database


def sum_up(partition: str, looks: list[tuple[float, float, int, int]]) -> Spell:
    """Sum up looks in order; processor time that went back belongs to new processes."""
    used = sum(max(0.0, after[1] - before[1]) for before, after in itertools.pairwise(looks))
    seconds = looks[-1][0] - looks[0][0]
    return Spell(
        partition=partition,
        looks=len(looks),
        cpu=used / seconds if seconds else 0.0,
        memory=sum(look[2] for look in looks) / len(looks),
        disk=max(look[3] for look in looks),
    )
