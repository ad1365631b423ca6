"""Where a partition keeps its promises and what came of them, and how these files are written.

- All of it belongs to the partition's user: only a process that is that user touches it.
- A file is replaced as a whole, so whoever reads it finds the old or the new one.
- What is read back may be anything: of what is no such file, nothing is taken.
"""

import json
import os
import stat
from pathlib import Path
from typing import Any

#: Bytes of a file of ours that is read back.
MAX_FILE = 2**22


class PromiseFolder:
    """The promises of one partition, and what is kept of them."""

    def __init__(self, partition: Path) -> None:
        self.partition = partition
        self.plugins = partition / "etc/plugin"
        self.executables = partition / "etc/promise"
        self.kept = partition / ".slapgrid/promise"
        self.results = self.kept / "result"
        self.logs = self.kept / "log"
        self.public = self.kept / "public"
        self.schedule = self.kept / "schedule.json"

    def status_file(self, title: str) -> Path:
        return self.results / f"{title}.status.json"

    def history_file(self, title: str) -> Path:
        return self.public / f"{title}.history.json"

    def statistic_file(self, title: str) -> Path:
        return self.public / f"{title}.stats.json"

    @property
    def feed_file(self) -> Path:
        return self.public / "feed"

    def make(self) -> None:
        """Make what is missing; a monitoring tool finds the results below ``public``, too."""
        for folder in (self.results, self.logs, self.public):
            folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        link = self.public / "promise"
        if not link.is_symlink():
            link.symlink_to(Path("..", self.results.name))


def replace_file(path: Path, content: str) -> None:
    """Put ``content`` where ``path`` is, all at once."""
    fresh = path.with_name(f".{path.name}.new")
    fresh.write_text(content, encoding="utf-8")
    fresh.replace(path)


def write_json(path: Path, value: object) -> None:
    replace_file(path, json.dumps(value))


def read_head(path: Path) -> str:
    """Read the beginning of a file; nothing where there is none."""
    try:
        with path.open("rb") as file:
            return file.read(1000).decode("utf-8", "replace")
    except OSError:
        return ""


def read_bytes(path: Path) -> bytes:
    """Read a regular file of ours; nothing where there is none, or one that is too large."""
    try:
        number = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return b""
    with os.fdopen(number, "rb") as file:
        known = os.fstat(number)
        if not stat.S_ISREG(known.st_mode) or known.st_size > MAX_FILE:
            return b""
        return file.read()


def read_json(path: Path) -> dict[str, Any]:
    """Read an object from a file of ours; an empty one where there is none that can be read."""
    try:
        value = json.loads(read_bytes(path) or b"{}")
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
