"""Which promises there are, and which of them are due.

- A promise is due when its period is over, when its file has changed, or when it is new.
- One that is only tested is never due for an anomaly, and the reverse.
- What has waited longest comes first.
"""

import os
import time
from collections.abc import Iterator
from collections.abc import Mapping
from dataclasses import asdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slapcore.promise.folder import PromiseFolder
from slapcore.promise.folder import read_json
from slapcore.promise.folder import write_json
from slapcore.promise.look import Found

#: How many promises of a partition are looked at.
MAX_PROMISES = 500


@dataclass(frozen=True, kw_only=True)
class Kept:
    """A promise of a partition: its file, and which kind that is."""

    path: Path
    executable: bool
    changed: int

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def title(self) -> str:
        return self.path.stem


@dataclass(frozen=True, kw_only=True)
class Plan:
    """When a promise is to be looked at again, as the last look has said."""

    next: float = 0.0
    changed: int = 0
    periodicity: float = 2.0
    tested: bool = True
    anomalies: bool = True

    def is_asked(self, anomaly: bool) -> bool:
        """Tell whether it is asked this way; one that refuses both says so whenever asked."""
        if not self.tested and not self.anomalies:
            return True
        return self.anomalies if anomaly else self.tested


def list_promises(folder: PromiseFolder) -> tuple[list[Kept], list[str]]:
    """List the promises of a partition, and a sentence on each file that is none."""
    found: list[Kept] = []
    odd: list[str] = []
    for entry in _scan(folder.plugins):
        if entry.name.endswith(".py") and not entry.name.startswith("__init__"):
            found.append(_keep(entry, executable=False))
    for entry in _scan(folder.executables):
        if entry.is_file() and os.access(entry.path, os.X_OK):
            found.append(_keep(entry, executable=True))
        else:
            odd.append(f"etc/promise/{entry.name} is no executable file")
    if len(found) > MAX_PROMISES:
        odd.append(f"only {MAX_PROMISES} of {len(found)} promises are looked at")
    return found[:MAX_PROMISES], odd


def _scan(folder: Path) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            yield from sorted(entries, key=lambda entry: entry.name)
    except (FileNotFoundError, NotADirectoryError):
        return


def _keep(entry: os.DirEntry[str], *, executable: bool) -> Kept:
    try:
        changed = entry.stat().st_mtime_ns
    except OSError:
        changed = 0
    return Kept(path=Path(entry.path), executable=executable, changed=changed)


class Schedule:
    """When each promise of a partition is to be looked at again."""

    def __init__(self, folder: PromiseFolder) -> None:
        self._path = folder.schedule
        self._plans = dict(_read_plans(read_json(folder.schedule)))
        self._before = dict(self._plans)

    def __len__(self) -> int:
        return len(self._plans)

    def __getitem__(self, kept: Kept) -> Plan:
        plan = self._plans.get(kept.name, Plan())
        return plan if plan.changed == kept.changed else Plan()

    def is_due(self, kept: Kept, moment: float) -> bool:
        plan = self[kept]
        # A clock that was set back must not silence a promise for longer than its period.
        return not moment < plan.next <= moment + plan.periodicity * 60

    def choose(self, promises: list[Kept], anomaly: bool, force: bool) -> list[Kept]:
        """Choose what to look at now, the most overdue first."""
        moment = time.time()
        asked = [kept for kept in promises if self[kept].is_asked(anomaly)]
        due = [kept for kept in asked if force or self.is_due(kept, moment)]
        return sorted(due, key=lambda kept: (self[kept].next, kept.name))

    def note(self, kept: Kept, found: Found) -> None:
        """Note what a look said; one that wasn't for this promise doesn't count as a look."""
        after = found.periodicity * 60 if found.looked else 0
        self._plans[kept.name] = Plan(
            next=time.time() + after,
            changed=kept.changed,
            periodicity=found.periodicity,
            tested=found.tested,
            anomalies=found.anomalies,
        )

    def save(self, promises: list[Kept]) -> None:
        """Write what has changed, without the promises that are gone."""
        names = {kept.name for kept in promises}
        plans = {name: plan for name, plan in self._plans.items() if name in names}
        if plans != self._before:
            write_json(self._path, {name: asdict(plan) for name, plan in plans.items()})


def _read_plans(data: Mapping[str, Any]) -> Iterator[tuple[str, Plan]]:
    """Read the plans; one that isn't as we write them is left out, and its promise due."""
    expected = {name: type(value) for name, value in asdict(Plan()).items()}
    for name, said in data.items():
        if isinstance(said, dict) and {key: type(value) for key, value in said.items()} == expected:
            yield name, Plan(**said)
