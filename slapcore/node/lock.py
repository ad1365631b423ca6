"""One run at a time: a lock that goes with the process that holds it.

It is the kernel's, on an open file, so there is nothing stale after a crash.  The file says who
holds it, for the message to whoever comes second.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from slapcore.errors import Conflict


class Busy(Conflict):
    """Another run is at it."""


@contextmanager
def only_one(path: Path, *, wait: bool = False) -> Iterator[None]:
    """Hold the lock at ``path``; raises ``Busy`` when another has it, unless told to wait."""
    path.parent.mkdir(parents=True, exist_ok=True)
    number = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(number, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError as error:
            holder = os.pread(number, 20, 0).decode(errors="replace").strip() or "somebody"
            raise Busy(f"another run, process {holder}, holds {path}") from error
        os.ftruncate(number, 0)
        os.pwrite(number, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(number)
