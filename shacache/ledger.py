"""Small JSON files that commands change while the server runs.

Who reads looks at the file's state first, so that a change counts from the next request on.
A change is made under a lock and put in place whole: no reader sees half of it, and a
process that dies in between leaves the old one.
"""

import fcntl
import json
import os
import tempfile
import threading
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from typing import Protocol

from slapcore.errors import ConfigurationError

Content = dict[str, Any]


class Ledger(Protocol):
    """One JSON object that is kept somewhere; empty while nobody has changed it."""

    def read(self) -> Content:
        """Give the content as it is now; the same object while it has not changed."""

    def change(self, edit: Callable[[Content], None]) -> None:
        """Have ``edit`` change the content, alone and durably; it may be called again."""


class FileLedger:
    """One file with one JSON object in it; empty while there is no file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._seen: tuple[int, int, int] | None = None
        self._content: Content = {}

    def read(self) -> Content:
        state = self._state()
        if state != self._seen:
            with self._lock:
                self._content = self._load()
                self._seen = state
        return self._content

    def change(self, edit: Callable[[Content], None]) -> None:
        with locked(self.path.with_suffix(".lock")):
            content = self._load()
            edit(content)
            replace_file(self.path, json.dumps(content, indent=1).encode())

    def _state(self) -> tuple[int, int, int] | None:
        try:
            found = self.path.stat()
        except FileNotFoundError:
            return None
        return found.st_ino, found.st_mtime_ns, found.st_size

    def _load(self) -> Content:
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            return {}
        return read_content(data, str(self.path))


def read_content(data: bytes, place: str) -> Content:
    """Read the JSON of a ledger; ``place`` says where it is kept."""
    try:
        content = json.loads(data)
    except ValueError as error:
        raise ConfigurationError(f"{place} is damaged: {error}") from error
    if not isinstance(content, dict):
        raise ConfigurationError(f"{place} is damaged: it holds no object")
    return content


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Keep other threads and processes out that take the same lock."""
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def replace_file(path: Path, data: bytes) -> None:
    """Put a file in place, whole and durably, or leave what was there."""
    descriptor, name = tempfile.mkstemp(prefix=".new-", dir=path.parent)
    try:
        with open(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise
    sync_directory(path.parent)


def make_directory(path: Path) -> None:
    """Make a directory durably, if it is not there."""
    if not path.is_dir():
        path.mkdir(exist_ok=True, mode=0o700)
        sync_directory(path.parent)


def sync_directory(path: Path) -> None:
    """Make the names in a directory durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
