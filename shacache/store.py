"""Contents by their sha512, on a disk: hashed while they come in, never changed afterwards.

- What comes in is written to a file of its own, made durable, and then given its name.  There
  is no moment at which a reader finds part of it.
- A file's modification time says when it was last of use: of the content it would say nothing.
- One process receives; any may read, hash or remove.
"""

import contextlib
import fcntl
import hashlib
import logging
import os
import secrets
import time
from collections.abc import Callable
from collections.abc import Iterator
from concurrent.futures import Future
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from shacache.errors import TooLarge
from shacache.errors import failure_of_disk
from shacache.ledger import make_directory
from shacache.ledger import sync_directory
from slapcore.errors import Conflict
from slapcore.errors import InvalidValue
from slapcore.errors import NotFound

log = logging.getLogger(__name__)

#: how much is hashed and written at once, and read at once
BLOCK = 1 << 20
READ_AT_ONCE = 256 << 10

#: after so many bytes the disk is told to begin, so that little is left to do at the end
BEGIN_WRITING = 8 << 20

#: uses of one content within so many seconds count as one
USE_SECONDS = 3600.0


@dataclass(frozen=True)
class Stored:
    """What the store says of one content; ``used`` is in seconds since 1970."""

    sha512: str
    size: int
    used: float


class Content:
    """An open content; as the body of an answer it can be sent from its file, or in part."""

    def __init__(self, descriptor: int, size: int) -> None:
        self._descriptor = descriptor
        self.size = size
        self._at = 0

    def fileno(self) -> int:
        return self._descriptor

    def tell(self) -> int:
        return self._at

    def app_iter_range(self, start: int, stop: int) -> "Content":
        """Begin at ``start``; who sends it knows from the answer's length where to stop."""
        self._at = start
        self.size = stop
        return self

    def __iter__(self) -> Iterator[bytes]:
        while self._at < self.size:
            wanted = min(READ_AT_ONCE, self.size - self._at)
            data = os.pread(self._descriptor, wanted, self._at)
            if not data:
                return
            self._at += len(data)
            yield data

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> "Content":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class Receipt:
    """A content while it comes in.

    What can't be written is taken and thrown away: the peer is told when it has said all.
    Closing it without ``Store.keep`` leaves nothing behind.
    """

    def __init__(self, path: Path, limit: int, hasher: ThreadPoolExecutor) -> None:
        self.size = 0
        self.problem: Exception | None = None
        #: whether it was not there before, once it is kept
        self.is_new = False
        #: what whoever opened this wants to remember of it
        self.account: object = None
        self._path = path
        self._limit = limit
        self._hasher = hasher
        self._sum = hashlib.sha512()
        self._block = bytearray()
        self._busy: Future[None] | None = None
        self._begun = 0
        flags = os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC
        self._descriptor = os.open(path, flags, 0o600)

    def write(self, data: bytes | memoryview) -> int:
        self.size += len(data)
        if self.size > self._limit:
            self.problem = TooLarge(f"at most {self._limit} bytes may be put here")
        if self.problem is None:
            self._block += data
            if len(self._block) >= BLOCK:
                self._flush()
        return len(data)

    def fileno(self) -> int:
        return self._descriptor

    def tell(self) -> int:
        return self.size

    def seek(self, at: int) -> int:
        """Do nothing: nobody reads the content from here."""
        return at

    def finish(self) -> str:
        """Make what has come in durable, and give its sha512."""
        self._flush()
        self._wait()
        if self.problem is None:
            self._sync()
        if self.problem is not None:
            raise self.problem
        return self._sum.hexdigest()

    def move(self, path: Path) -> None:
        """Give the content its name."""
        os.replace(self._path, path)
        self._path = Path()

    def close(self) -> None:
        if self._descriptor < 0:
            return
        self._wait()
        os.close(self._descriptor)
        self._descriptor = -1
        self._block.clear()
        if self._path != Path():
            self._path.unlink(missing_ok=True)

    def _flush(self) -> None:
        """Hash and write the block at hand, while the next one comes in."""
        self._wait()
        block, self._block = self._block, bytearray()
        if block and self.problem is None:
            self._busy = self._hasher.submit(self._take, block)

    def _wait(self) -> None:
        if self._busy is not None:
            self._busy.result()
            self._busy = None

    def _take(self, block: bytearray) -> None:
        self._sum.update(block)
        try:
            rest = memoryview(block)
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
        except OSError as error:
            self._fail(error)
            return
        if self.size - self._begun >= BEGIN_WRITING:
            self._begin_writing()

    def _begin_writing(self) -> None:
        """Have the disk begin with what it has of the file: it is a hint, and may do nothing."""
        begun, self._begun = self._begun, self.size
        with contextlib.suppress(OSError):
            os.posix_fadvise(self._descriptor, begun, self.size - begun, os.POSIX_FADV_DONTNEED)

    def _sync(self) -> None:
        try:
            os.fsync(self._descriptor)
        except OSError as error:
            self._fail(error)

    def _fail(self, error: OSError) -> None:
        log.error("can't keep what comes in: %s", error)
        self.problem = failure_of_disk(error)


class Store:
    """All contents below one directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._contents = directory / "contents"
        self._incoming = directory / "incoming"
        self._quarantine = directory / "quarantine"
        self._hasher = ThreadPoolExecutor(os.cpu_count() or 1, "hasher")
        self._guard = -1
        self._prepare()

    def claim(self) -> None:
        """Become the process that receives; what the last one left unfinished is removed."""
        self._guard = os.open(self.directory / "server.lock", os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(self._guard, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(self._guard)
            self._guard = -1
            raise Conflict(f"a server works in {self.directory} already") from error
        for path in self._incoming.iterdir():
            log.info("removed the unfinished %s", path.name)
            path.unlink()

    def close(self) -> None:
        self._hasher.shutdown()
        if self._guard >= 0:
            os.close(self._guard)
            self._guard = -1

    def receive(self, limit: int) -> Receipt:
        """Begin to receive a content of at most ``limit`` bytes."""
        return Receipt(self._incoming / secrets.token_hex(8), limit, self._hasher)

    def keep(
        self, receipt: Receipt, wanted: str | None = None, check: Callable[[str], None] = bool
    ) -> str:
        """Keep what was received, durably, and give its sha512; close it in any case.

        Raises ``InvalidValue`` when it is not the ``wanted`` one; ``check`` may refuse it too.
        """
        try:
            sha512 = receipt.finish()
            if wanted not in (None, sha512):
                raise InvalidValue(f"the sha512 of what was sent is {sha512}")
            check(sha512)
            path = self._path(sha512)
            receipt.is_new = not path.exists()
            if receipt.is_new:
                make_directory(path.parent)
                receipt.move(path)
                sync_directory(path.parent)
            self.touch(sha512, 0.0)
            return sha512
        finally:
            receipt.close()

    def open(self, sha512: str) -> Content:
        try:
            descriptor = os.open(self._path(sha512), os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError as error:
            raise NotFound("no such content is here") from error
        return Content(descriptor, os.fstat(descriptor).st_size)

    def __contains__(self, sha512: str) -> bool:
        return self._path(sha512).exists()

    def look(self, sha512: str) -> Stored:
        try:
            found = self._path(sha512).stat()
        except FileNotFoundError as error:
            raise NotFound("no such content is here") from error
        return Stored(sha512, found.st_size, found.st_mtime)

    def touch(self, sha512: str, within: float = USE_SECONDS) -> None:
        """Note that a content is of use, unless that was noted ``within`` so many seconds."""
        path = self._path(sha512)
        with contextlib.suppress(FileNotFoundError):
            if time.time() - path.stat().st_mtime > within:
                os.utime(path)

    def give_up_unfinished(self) -> int:
        """End what others have left unfinished elsewhere; how much there was."""
        return 0

    def list(self) -> Iterator[Stored]:
        for folder in sorted(self._contents.iterdir()):
            with os.scandir(folder) as entries:
                for entry in entries:
                    with contextlib.suppress(FileNotFoundError):
                        found = entry.stat()
                        yield Stored(entry.name, found.st_size, found.st_mtime)

    def remove(self, sha512: str) -> None:
        self._path(sha512).unlink(missing_ok=True)

    def quarantine(self, sha512: str) -> Path:
        """Take a content away from its readers, and keep it for who has to look at it."""
        make_directory(self._quarantine)
        path = self._quarantine / sha512
        os.replace(self._path(sha512), path)
        sync_directory(path.parent)
        return path

    def verify(self, sha512: str) -> bool:
        """Read a content again, and tell whether it is still what its name says."""
        found = hashlib.sha512()
        with self.open(sha512) as content:
            for data in content:
                found.update(data)
            os.posix_fadvise(content.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        return found.hexdigest() == sha512

    def path(self, sha512: str) -> Path:
        """Where a front end that sends files itself finds a content."""
        return self._path(sha512).relative_to(self._contents)

    def _path(self, sha512: str) -> Path:
        return self._contents / sha512[:2] / sha512

    def _prepare(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        for folder in (self._incoming, self._contents):
            make_directory(folder)
