"""The keeper of one partition's promises: a process that is the partition's user.

It finds out which promises are due, has each looked at in a process of its own, several at a
time, and keeps what came of it.  When it ends, nothing that it started is left.
"""

import os
import selectors
import time
from collections import deque
from collections.abc import Iterator
from collections.abc import Sequence
from dataclasses import asdict
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path
from typing import Any

from slapcore.promise.folder import PromiseFolder
from slapcore.promise.folder import read_head
from slapcore.promise.history import History
from slapcore.promise.history import Shown
from slapcore.promise.interpreter import find_python
from slapcore.promise.look import Found
from slapcore.promise.look import Look
from slapcore.promise.privilege import sweep
from slapcore.promise.process import Run
from slapcore.promise.result import KINDS
from slapcore.promise.result import Status
from slapcore.promise.schedule import Kept
from slapcore.promise.schedule import Schedule
from slapcore.promise.schedule import list_promises

#: Seconds after which no further promise is begun; what is left stays due.
MAX_SECONDS = 300.0


@dataclass(frozen=True, kw_only=True)
class Errand:
    """What the keeper of a partition is asked to do; it travels as JSON."""

    partition: str
    uid: int
    gid: int
    timeout: float = 20.0
    anomaly: bool = False
    force: bool = False
    only: list[str] = field(default_factory=list)
    python: str = ""
    options: dict[str, Any] = field(default_factory=dict)
    instance: str = ""
    tree: str = ""

    def write(self) -> dict[str, Any]:
        return asdict(self)


class Keeper:
    """Looks at the promises of one partition."""

    def __init__(self, errand: Errand, slots: int) -> None:
        self._errand = errand
        self._slots = slots
        self._folder = PromiseFolder(Path(errand.partition))
        self._folder.make()
        self._history = History(self._folder, Shown(errand.instance, errand.tree))
        self._schedule = Schedule(self._folder)
        self._running: dict[Kept, Run] = {}
        self._bangs: list[str] = []
        self._looked: dict[str, Status] = {}

    def keep(self) -> dict[str, Any]:
        """Look at what is due, keep what is found, and tell how all of the promises are."""
        promises, odd = list_promises(self._folder)
        due = self._schedule.choose(promises, self._errand.anomaly, self._errand.force)
        if self._errand.only:
            due = [kept for kept in due if kept.name in self._errand.only]
        left = self._look_at_all(due)
        if left:
            odd.append(f"there was no time for {len(left)} of {len(due)} promises")
        if due or len(promises) != len(self._schedule):
            self._schedule.save(promises)
            names = {kept.name for kept in promises}
            self._history.save(names, {kept.title for kept in promises})
        return {
            "promises": len(promises),
            "statuses": [status.write() for status in self._tell(promises)],
            "looked": sorted(self._looked),
            "bangs": self._bangs,
            "odd": odd,
        }

    def _tell(self, promises: Sequence[Kept]) -> Iterator[Status]:
        """Give the last result of each promise that is asked this way, looked at now or not."""
        for kept in promises:
            if not self._schedule[kept].is_asked(self._errand.anomaly):
                continue
            status = self._looked.get(kept.name) or self._history.find(kept.title)
            if status is not None:
                yield status

    def _look_at_all(self, due: Sequence[Kept]) -> Sequence[Kept]:
        """Look at all that is due, some at a time; give what there was no time for."""
        waiting = deque(due)
        end = time.monotonic() + MAX_SECONDS
        with selectors.DefaultSelector() as selector:
            while self._running or (waiting and time.monotonic() < end):
                while waiting and len(self._running) < self._slots and time.monotonic() < end:
                    self._begin(waiting.popleft(), selector)
                self._wait(selector)
        return waiting

    def _begin(self, kept: Kept, selector: selectors.BaseSelector) -> None:
        look = Look(
            path=str(kept.path),
            partition=self._errand.partition,
            log_folder=str(self._folder.logs),
            anomaly=self._errand.anomaly,
            executable=kept.executable,
            options=self._errand.options,
        )
        python = None
        if not kept.executable:
            python = find_python(read_head(kept.path), self._errand.python)
        run = Run(look, python, self._errand.timeout)
        self._running[kept] = run
        for number in run.readable:
            selector.register(number, selectors.EVENT_READ, kept)

    def _wait(self, selector: selectors.BaseSelector) -> None:
        """Take what the running promises say until one of them ends, or its time does."""
        first = min(run.deadline for run in self._running.values())
        ended = []
        for key, _ in selector.select(max(0.0, first - time.monotonic())):
            run = self._running[key.data]
            if key.fd == run.pidfd:
                ended.append(key.data)
            else:
                run.pump(key.fd)
                if key.fd not in run.readable:
                    selector.unregister(key.fd)
        for kept in ended:
            self._finish(kept, selector)
        for run in self._running.values():
            run.press()

    def _finish(self, kept: Kept, selector: selectors.BaseSelector) -> None:
        run = self._running.pop(kept)
        for number in run.readable:
            selector.unregister(number)
        seconds = run.seconds
        found = self._settle(kept, run.end())
        if not self._running:
            sweep(set())
        self._schedule.note(kept, found)
        if not found.looked:
            return
        kind = KINDS[found.kind]
        status = Status(
            title=kept.title,
            name=kept.name,
            path=str(kept.path),
            result=kind(found.problem, found.message),
            seconds=seconds,
        )
        self._looked[kept.name] = status
        self._history.add(status)
        if found.bangs:
            self._bangs.append(kept.title)

    def _settle(self, kept: Kept, found: Found | str) -> Found:
        """Give what was found, or for how a look broke off a failure.

        That a look broke off once is no anomaly yet: the machine may have been busy.
        """
        if isinstance(found, Found):
            return found
        plan = self._schedule[kept]
        before = self._history.find(kept.title)
        failed_before = before is not None and before.result.problem
        return Found(
            kind="Anomaly Result" if self._errand.anomaly else "Test Result",
            problem=failed_before or not self._errand.anomaly,
            message=found,
            periodicity=plan.periodicity,
            tested=plan.tested,
            anomalies=plan.anomalies,
        )


def keep(errand: Errand, slots: int) -> dict[str, Any]:
    """Look at the promises of a partition, in a process that is its user already."""
    os.chdir(errand.partition)
    return Keeper(errand, slots).keep()
