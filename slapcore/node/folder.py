"""A directory of somebody else: read and written without going where its owner points.

Root keeps files in the directories of partitions.  Their owners may put a link, a device or a pipe
in the place of any file, so every name is looked up in the open directory, links are never
followed, and what is written is a new file that takes the place of the old one.
"""

import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

#: nothing that is kept in a partition's own files is longer
READ_AT_MOST = 1 << 20

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_OLD = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@dataclass(frozen=True)
class Folder:
    """A directory and who owns what is put into it; -1 leaves ownership as it comes."""

    path: Path
    uid: int = -1
    gid: int = -1

    def read(self, name: str) -> str | None:
        """Read a small file; ``None`` where there is none, or something that is no file."""
        with self._open_parent(name) as (parent, last):
            if parent < 0:
                return None
            try:
                number = os.open(last, _OLD, dir_fd=parent)
            except OSError as error:
                if error.errno in (errno.ENOENT, errno.ELOOP, errno.ENXIO, errno.ENOTDIR):
                    return None
                raise
        with os.fdopen(number, "rb") as file:
            if not stat.S_ISREG(os.fstat(number).st_mode):
                return None
            return file.read(READ_AT_MOST).decode(errors="replace")

    def modified(self, name: str) -> float | None:
        """Tell when a file was written last; ``None`` where there is none."""
        with self._open_parent(name) as (parent, last), suppress(FileNotFoundError):
            if parent >= 0:
                return os.stat(last, dir_fd=parent, follow_symlinks=False).st_mtime
        return None

    def write(self, name: str, text: str, mode: int = 0o640) -> None:
        """Put a new file in the place of whatever is there."""
        self.make_parents(name)
        with self._open_parent(name) as (parent, last):
            draft = f".{last[:100]}.{secrets.token_hex(6)}"
            number = os.open(draft, _NEW, 0o600, dir_fd=parent)
            try:
                with os.fdopen(number, "wb") as file:
                    file.write(text.encode())
                    os.fchown(number, self.uid, self.gid)
                    os.fchmod(number, mode)
                os.replace(draft, last, src_dir_fd=parent, dst_dir_fd=parent)
            except OSError:
                with suppress(FileNotFoundError):
                    os.unlink(draft, dir_fd=parent)
                raise

    def link(self, name: str, target: Path) -> None:
        """Have ``name`` point to ``target``; what is there and is no link stays."""
        with self._open_parent(name) as (parent, last):
            try:
                if os.readlink(last, dir_fd=parent) == str(target):
                    return
                os.unlink(last, dir_fd=parent)
            except FileNotFoundError:
                pass
            except OSError as error:
                if error.errno == errno.EINVAL:
                    return
                raise
            os.symlink(target, last, dir_fd=parent)
            os.chown(last, self.uid, self.gid, dir_fd=parent, follow_symlinks=False)

    def remove(self, name: str) -> None:
        """Remove a file or a link; harmless when it is gone."""
        with self._open_parent(name) as (parent, last), suppress(FileNotFoundError):
            if parent >= 0:
                os.unlink(last, dir_fd=parent)

    def names(self, folder: str = "") -> list[str]:
        """List what is in a directory below, in order; nothing where there is none."""
        with self._open(folder) as number:
            return sorted(os.listdir(number)) if number >= 0 else []

    def files(self, folder: str) -> list[str]:
        """List the programs below: regular files and links to what may be one, no drafts."""
        with self._open(folder) as number:
            if number < 0:
                return []
            return sorted(
                name
                for name in os.listdir(number)
                if not name.startswith(".") and not _is_directory(number, name)
            )

    def make_parents(self, name: str) -> None:
        """Make the directories that ``name`` is in."""
        parts = name.split("/")[:-1]
        for count in range(1, len(parts) + 1):
            with self._open("/".join(parts[: count - 1])) as parent:
                try:
                    os.mkdir(parts[count - 1], 0o750, dir_fd=parent)
                except FileExistsError:
                    continue
                os.chown(
                    parts[count - 1], self.uid, self.gid, dir_fd=parent, follow_symlinks=False
                )

    def empty(self, keep: frozenset[str] = frozenset()) -> None:
        """Remove everything but the names to ``keep``, following no link."""
        with self._open("") as number:
            if number >= 0:
                _empty(number, keep)

    @contextmanager
    def _open(self, folder: str) -> Iterator[int]:
        """Open a directory below, step by step; -1 where there is none."""
        number = -1
        try:
            number = os.open(self.path, _DIRECTORY)
            for part in filter(None, folder.split("/")):
                below = os.open(part, _DIRECTORY, dir_fd=number)
                os.close(number)
                number = below
        except OSError as error:
            if number >= 0:
                os.close(number)
            if error.errno not in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP):
                raise
            number = -1
        try:
            yield number
        finally:
            if number >= 0:
                os.close(number)

    @contextmanager
    def _open_parent(self, name: str) -> Iterator[tuple[int, str]]:
        folder, _, last = name.rpartition("/")
        with self._open(folder) as number:
            yield number, last


def _is_directory(parent: int, name: str) -> bool:
    try:
        return stat.S_ISDIR(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode)
    except FileNotFoundError:
        return True


def _empty(number: int, keep: frozenset[str]) -> None:
    for name in os.listdir(number):
        if name in keep:
            continue
        if not _is_directory(number, name):
            with suppress(FileNotFoundError):
                os.unlink(name, dir_fd=number)
            continue
        below = _open_to_empty(number, name)
        try:
            _empty(below, frozenset())
        finally:
            os.close(below)
        os.rmdir(name, dir_fd=number)


def _open_to_empty(parent: int, name: str) -> int:
    """Open a directory, giving its owner back the right to change it if that was taken away."""
    try:
        number = os.open(name, _DIRECTORY, dir_fd=parent)
    except PermissionError:
        os.chmod(name, 0o700, dir_fd=parent)
        number = os.open(name, _DIRECTORY, dir_fd=parent)
    if os.fstat(number).st_mode & 0o300 != 0o300:
        os.fchmod(number, 0o700)
    return number
