"""Promise type: a service of the partition runs, or doesn't.

supervisord tells each program its name in the environment, and whoever has the same user can read
that of a process; so no socket of supervisord has to be open to the partition.
"""

import os
import time
from collections.abc import Iterator
from pathlib import Path

from slapcore.errors import InvalidValue
from slapcore.promise.typed import TypedPromise

#: What the name of a watched program ends with.
WATCHED = "-on-watch"


class ServicePromise(TypedPromise):
    """A service of the partition runs, or doesn't."""

    needs = {"service": "its file's name in etc/service or etc/run"}
    takes = {
        "state": "running or stopped (running)",
        "since": "seconds that it has to have been running (0)",
    }

    def sense(self) -> None:
        service, wanted = self.option("service"), self.option("state", "running")
        if wanted not in ("running", "stopped"):
            raise InvalidValue(f"a service is running or stopped, not {wanted}")
        ages = [_age(pid) for pid in self._find(service)]
        if not ages:
            say = self.log.error if wanted == "running" else self.log.info
            say("%s does not run", service)
        elif wanted == "stopped":
            self.log.error("%s runs", service)
        elif max(ages) < self.number("since", 0):
            self.log.error("%s runs for %.0f seconds only", service, max(ages))
        else:
            self.log.info("%s runs for %.0f seconds", service, max(ages))

    def _find(self, service: str) -> Iterator[int]:
        group = self.option("partition-id", self.setting.partition.name)
        program = f"SUPERVISOR_PROCESS_NAME={service}"
        names = {program.encode(), f"{program}{WATCHED}".encode()}
        for pid in _list_own_processes():
            environment = set(_read(pid, "environ").split(b"\0"))
            if f"SUPERVISOR_GROUP_NAME={group}".encode() in environment and names & environment:
                yield pid


def _list_own_processes() -> Iterator[int]:
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            try:
                if entry.stat().st_uid == os.geteuid():
                    yield int(entry.name)
            except OSError:
                continue


def _read(pid: int, name: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except OSError:
        return b""


def _age(pid: int) -> float:
    """Give the seconds that a process has run for; 0 when it has just gone."""
    fields = _read(pid, "stat").rpartition(b")")[2].split()
    if not fields:
        return 0.0
    return time.clock_gettime(time.CLOCK_BOOTTIME) - int(fields[19]) / os.sysconf("SC_CLK_TCK")
