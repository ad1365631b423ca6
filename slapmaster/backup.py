"""Backups of the database: made while it is in use, verified, and brought back.

A repository is a directory as ZODB's ``repozo`` keeps it: a full copy, then what was added
since, until the next full one.  Whatever is written is on disk, and read again, before a
backup counts as made.
"""

import io
import os
import tarfile
import time
from collections.abc import Callable
from collections.abc import Generator
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import wait
from contextlib import contextmanager
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import zc.lockfile
from ZODB.FileStorage import FileStorage
from ZODB.POSException import POSError
from ZODB.scripts import repozo

from slapcore.errors import Conflict
from slapcore.errors import InvalidValue
from slapcore.errors import SlapError
from slapmaster import directory
from slapmaster.settings import Settings

Result = TypeVar("Result")
#: so much done of so much, and a word for it
Progress = tuple[int, int, str]
Work = Generator[Progress, None, Result]

#: Between two looks at how far a long piece of work is, in seconds.
GLANCE = 0.25
#: How repozo names its files.
STAMP = "%Y-%m-%d-%H-%M-%S"
#: By how many seconds the clock may be behind that of the last backup.
CLOCK_BEHIND = 5
#: Of the archive of keys, in bytes: nothing in it is large.
MAX_KEY = 100_000


@dataclass(frozen=True, kw_only=True)
class Backup:
    """What a backup has come to: ``kind`` is full, incremental, or unchanged."""

    kind: str
    files: int
    size: int


@dataclass(frozen=True)
class Chunk:
    """A file of a repository, and what must be in it."""

    path: Path
    size: int
    md5: str


def attended(work: Callable[[], Result], measure: Callable[[], Progress]) -> Work[Result]:
    """Have ``work`` done in another thread, and say meanwhile how far it is."""
    with ThreadPoolExecutor(1) as executor:
        future = executor.submit(work)
        while not wait([future], timeout=GLANCE).done:
            yield measure()
        return future.result()


def back_up(
    database: Path, repository: Path, *, full: bool = False, drop_old: bool = False
) -> Work[Backup]:
    """Bring ``repository`` up to ``database``, which may be in use; then verify it all.

    With ``drop_old`` the backups before a full one are removed.
    """
    prepare_repository(repository)
    with locked(repository):
        before = set(repository.iterdir())
        arguments = ["-B", "-Q", "-r", str(repository), "-f", str(database)]
        if full or not is_whole(repository):
            arguments.append("-F")
        if drop_old:
            arguments.append("-k")
        total = database.stat().st_size

        def measure() -> Progress:
            return growth(repository, before), total, "copying"

        yield from attended(lambda: copy(repository, arguments), measure)
        sync_files(repository)
        chunks = yield from verify(repository)
        size = sum(chunk.size for chunk in chunks)
    new = [path for path in chunk_files(repository) if path not in before]
    kinds = {".fs": "full", ".deltafs": "incremental"}
    kind = kinds[new[-1].suffix] if new else "unchanged"
    return Backup(kind=kind, files=len(chunks), size=size)


def restore(repository: Path, database: Path, at: int | None = None) -> Work[int]:
    """Write ``database`` as it was, or as it was at a moment; give how many transactions it has.

    ``at`` is in microseconds.  What is there is never overwritten.
    """
    if database.exists():
        raise Conflict(f"{database} is there: restore into an empty directory")
    arguments = ["-R", "-w", "-r", str(repository), "-o", str(database)]
    if at is not None:
        moment = time.gmtime(at / 1_000_000)
        arguments += ["-D", time.strftime(STAMP, moment)]
    total = sum(path.stat().st_size for path in chunk_files(repository))
    partial = database.with_name(database.name + ".part")

    def measure() -> Progress:
        return (partial.stat().st_size if partial.exists() else 0), total, "writing"

    try:
        yield from attended(lambda: run_repozo(repozo.do_recover, arguments), measure)
        sync_files(database.parent)
        return (yield from walk(database))
    except BaseException:
        for path in (database, partial, database.with_name(database.name + ".index")):
            path.unlink(missing_ok=True)
        raise


def walk(database: Path) -> Work[int]:
    """Read every record of ``database`` once; give how many transactions there are."""
    try:
        storage = FileStorage(str(database), read_only=True)
    except (POSError, ValueError) as error:
        raise SlapError(f"{database} is no database: {error}") from error
    count, total = 0, database.stat().st_size
    try:
        for transaction in storage.iterator():
            for _ in transaction:
                pass
            count += 1
            if count % 1000 == 0:
                yield min(total, transaction._tend), total, "reading"
    except POSError as error:
        raise SlapError(f"{database} is damaged after {count} transactions: {error}") from error
    finally:
        storage.close()
    return count


def copy(repository: Path, arguments: list[str]) -> None:
    """Make the next backup, in a second later than that of the last.

    Files are named after their second, and of two in the same the full one would count as the
    later.
    """
    for _ in range(CLOCK_BEHIND):
        newest = max((path.stem for path in chunk_files(repository)), default="")
        if time.strftime(STAMP, time.gmtime()) > newest:
            run_repozo(repozo.do_backup, arguments)
            return
        time.sleep(1)
    raise Conflict(f"the backup {newest} in {repository} is from the future: look at the clock")


def run_repozo(command: Callable[[object], None], arguments: list[str]) -> None:
    try:
        command(repozo.parseargs(arguments))
    except (repozo.RepozoError, POSError) as error:
        raise SlapError(f"the backup can't be made or read: {error}") from error


def verify(repository: Path) -> Work[list[Chunk]]:
    """Read the files from the last full backup on; raises ``SlapError`` for what is wrong."""
    chunks = last_chunks(repository)
    total, done = sum(chunk.size for chunk in chunks), 0
    for chunk in chunks:
        yield done, total, "verifying"
        if not chunk.path.exists():
            raise SlapError(f"{chunk.path} of the backup is missing")
        md5, size = repozo.get_checksum_and_size_of_file(chunk.path, False)
        if (md5, size) != (chunk.md5, chunk.size):
            raise SlapError(f"{chunk.path} of the backup is not what was written")
        done += size
    return chunks


def last_chunks(repository: Path) -> list[Chunk]:
    """Read what the last full backup, and what was added since, consist of."""
    lists = sorted(repository.glob("*.dat"))
    if not lists:
        raise SlapError(f"there is no backup in {repository}")
    chunks = []
    for line in lists[-1].read_text().splitlines():
        name, begin, end, md5 = line.split()
        chunks.append(Chunk(repository / Path(name).name, int(end) - int(begin), md5))
    return chunks


def chunk_files(repository: Path) -> list[Path]:
    """List all data files of the repository, oldest first."""
    return sorted([*repository.glob("*.fs"), *repository.glob("*.deltafs")])


def is_whole(repository: Path) -> bool:
    """Tell whether the list of files is that of the files: a backup may have been broken off."""
    files = chunk_files(repository)
    full = [number for number, path in enumerate(files) if path.suffix == ".fs"]
    if not full:
        return False
    try:
        listed = last_chunks(repository)
    except (SlapError, ValueError):
        return False
    return [chunk.path for chunk in listed] == files[full[-1] :]


def growth(repository: Path, before: set[Path]) -> int:
    """Say how many bytes were added; the file being written has a name of its own."""
    sizes = 0
    for path in repository.iterdir():
        with suppress(FileNotFoundError):
            sizes += 0 if path in before else path.stat().st_size
    return sizes


def prepare_repository(repository: Path) -> None:
    repository.mkdir(mode=0o700, parents=True, exist_ok=True)
    if len(str(repository).split()) != 1:
        raise InvalidValue(f"a backup's path can't have spaces in it: {repository}")


@contextmanager
def locked(repository: Path) -> Iterator[None]:
    """Have nobody else write into ``repository``."""
    try:
        lock = zc.lockfile.LockFile(str(repository / "lock"))
    except zc.lockfile.LockError as error:
        raise Conflict(f"another backup is written into {repository}") from error
    try:
        yield
    finally:
        lock.close()


def sync_files(place: Path) -> None:
    """Have all files directly in ``place`` on disk."""
    for path in place.iterdir():
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())
    directory.sync_directory(place)


def save_keys(settings: Settings, archive: Path) -> None:
    """Write the keys into an archive (tar) that nobody else can read."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for path in directory.secret_files(settings):
            content = path.read_bytes()
            entry = tarfile.TarInfo(path.name)
            entry.size, entry.mode, entry.mtime = len(content), 0o600, int(time.time())
            tar.addfile(entry, io.BytesIO(content))
    directory.write_private(archive, buffer.getvalue(), replace=True)


def bring_keys(archive: Path, settings: Settings) -> None:
    """Write the keys of an archive into the data directory; nothing else of it is looked at."""
    try:
        with tarfile.open(archive) as tar:
            for path in directory.secret_files(settings):
                file = tar.extractfile(path.name)
                assert file is not None
                directory.write_private(path, file.read(MAX_KEY))
    except (tarfile.TarError, KeyError) as error:
        raise SlapError(f"{archive} is no archive of keys: {error}") from error
