"""A promise's log: one line per thing said, grouped by look, and what was said the last times.

The form is the one that legacy nodes write, so that a node can be switched over in place::

    2026-11-23 10:00:00 - ERROR - 1795428000-123 - it is not as promised

- The third field names the look: all lines of one look have the same.
- A line that doesn't begin so belongs to the message above.
- What one look may say is bounded, and so is the file: of one too long the end is kept.
"""

import logging
import os
import re
import time
from collections.abc import Iterable
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from datetime import timedelta
from pathlib import Path

from slapcore.promise.result import cut

ERROR_LEVELS = ("CRITICAL", "ERROR")

#: Bytes of a log that is cut at the next look, and what is kept of it.
MAX_FILE = 2**20
KEPT = 2**18
#: Bytes that one look may say.
MAX_SAID = 2**18

_TIME = "%Y-%m-%d %H:%M:%S"
_LINE = re.compile(
    r"(\d{4}-\d{2}-\d{2}\s+\d{2}:\d{2}:\d{2})\s+-?\s*(\w+)\s+-?\s+(\d+-\d{3})\s+-?\s*(.*)"
)


@dataclass(frozen=True)
class Line:
    """One thing said: when (in local time), how bad it is, and what."""

    date: datetime
    level: str
    look: str
    message: str

    @property
    def is_error(self) -> bool:
        return self.level in ERROR_LEVELS


class Diary(logging.Handler):
    """Writes what a promise's logger is told in one look."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        moment = int(time.time() * 1000)
        self.look = f"{moment // 1000}-{moment % 1000:03}"
        self._left = MAX_SAID
        path.parent.mkdir(parents=True, exist_ok=True)
        shorten(path)
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        self._file = os.fdopen(os.open(path, flags, 0o644), "ab", buffering=0)

    def emit(self, record: logging.LogRecord) -> None:
        if self._left <= 0:
            return
        try:
            # Without a form of ours: the message, and the traceback if there is one.
            message = self.format(record)
        except (TypeError, ValueError) as error:
            message = f"{record.msg} ({error})"
        when = time.strftime(_TIME, time.localtime(record.created))
        line = f"{when} - {record.levelname} - {self.look} - {cut(message)}\n"
        content = line.encode("utf-8", "backslashreplace")
        self._left -= len(content)
        if self._left <= 0:
            content += b"(and so on: this is all that one look may say)\n"
        self._file.write(content)

    def close(self) -> None:
        self._file.close()
        super().close()


def shorten(path: Path) -> None:
    """Keep the end of a log that has become too long."""
    try:
        size = path.stat().st_size
    except FileNotFoundError:
        return
    if size <= MAX_FILE:
        return
    with path.open("rb") as file:
        file.seek(size - KEPT)
        file.readline()
        content = file.read(KEPT)
    rest = path.with_name(f"{path.name}.tmp")
    rest.write_bytes(content)
    rest.replace(path)


def read_tail(path: Path) -> str:
    """Read the end of a log, beginning with a whole line; nothing when there is none."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - KEPT))
            if size > KEPT:
                file.readline()
            return file.read(KEPT).decode("utf-8", "replace")
    except FileNotFoundError:
        return ""


def read_lines(text: str) -> Iterator[Line]:
    """Read the lines of a log, oldest first; what is before the first whole one is left out."""
    current: Line | None = None
    for raw in text.splitlines():
        found = _LINE.match(raw)
        if found is None:
            if current is not None and raw:
                message = f"{current.message}\n{raw}"
                current = Line(current.date, current.level, current.look, message)
            continue
        if current is not None:
            yield current
        date, level, look, message = found.groups()
        current = Line(datetime.strptime(date, _TIME), level, look, message.strip())
    if current is not None:
        yield current


def group_by_look(lines: Iterable[Line]) -> list[list[Line]]:
    """Give the lines of each look, the newest look first."""
    looks: list[list[Line]] = []
    for line in lines:
        if not looks or looks[-1][0].look != line.look:
            looks.append([])
        looks[-1].append(line)
    return looks[::-1]


def read_looks(path: Path, count: int, minutes: float = 0) -> list[list[Line]]:
    """Give the last ``count`` looks, the newest first, none older than ``minutes`` if not 0."""
    lines: Iterable[Line] = read_lines(read_tail(path))
    if minutes > 0:
        since = datetime.now() - timedelta(minutes=minutes)
        lines = (line for line in lines if line.date > since)
    return group_by_look(lines)[:count]


def judge(looks: list[list[Line]], wanted: int) -> tuple[bool, str]:
    """Tell whether ``wanted`` looks, the newest among them, have failed; and what it said."""
    if not looks:
        return False, "No result found!"
    message = "\n".join(line.message for line in looks[0]).strip()
    failed = [any(line.is_error for line in look) for look in looks]
    return failed[0] and sum(failed) >= wanted, message
