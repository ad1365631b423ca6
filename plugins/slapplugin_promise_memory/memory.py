"""Promise type: the partition, or the machine, has memory left."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from slapcore.errors import InvalidValue
from slapcore.promise.typed import TypedPromise

KILOBYTES = 1024


class MemoryPromise(TypedPromise):
    """The partition, or the machine, has memory left."""

    takes = {
        "megabytes": "how much all processes of the partition's user may have",
        "percent": "how much of the machine's has to be available",
    }

    def sense(self) -> None:
        most, wanted = self.number("megabytes", 0), self.number("percent", 0)
        if not most and not wanted:
            raise InvalidValue("megabytes or percent have to be given")
        used = sum(_list_own()) / KILOBYTES
        left = _read_available()
        if most and used > most:
            self.log.error("the processes have %.0f MB, more than %.0f", used, most)
        elif left < wanted:
            self.log.error("only %.1f %% of the machine's memory are available", left)
        else:
            self.log.info("the processes have %.0f MB; %.1f %% are available", used, left)


def _list_own() -> Iterator[int]:
    """List what each process of this user has, in kilobytes, with its share of what is shared."""
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            try:
                if entry.stat().st_uid == os.geteuid():
                    text = Path(entry.path, "smaps_rollup").read_text(encoding="ascii")
                    yield _find_number("Pss", text)
            except OSError:
                continue


def _read_available() -> float:
    text = Path("/proc/meminfo").read_text(encoding="ascii")
    return 100 * _find_number("MemAvailable", text) / _find_number("MemTotal", text)


def _find_number(name: str, text: str) -> int:
    found = re.search(rf"^{name}: *(\d+) kB", text, re.MULTILINE)
    return int(found[1]) if found else 0
