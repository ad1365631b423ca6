"""A directory as one file, and back.

It is packed as slapos does it: a tar archive in gzip, all below one directory.  Whoever has made
an archive is trusted with what is *in* the directory, and with nothing beside it:

- Every member is below the one directory; no name is absolute, goes up, or goes through a link.
- A link leads to what is below the directory, or below one of the places that are allowed.
- There are files, directories and links; no devices and pipes, no set-id bits.
- All is unpacked beside the directory, made durable, and then given its name.
"""

import gzip
import os
import shutil
import tarfile
import tempfile
import zlib
from collections.abc import Callable
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path
from pathlib import PurePosixPath
from typing import BinaryIO

from slapcore.errors import ProtocolError

Advance = Callable[[int], None]

BLOCK = 1 << 20
#: what a directory may hold at most
BYTES_AT_MOST = 64 << 30
MEMBERS_AT_MOST = 5_000_000

SET_ID = 0o6000

#: how an archive fails that is none, or has numbers and names in it that can't be
UNREADABLE = (
    tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile, OverflowError, ValueError,
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Where links may lead beside the directory, and how much may come out of an archive."""

    links_to: tuple[Path, ...] = ()
    bytes: int = BYTES_AT_MOST
    members: int = MEMBERS_AT_MOST


def unwatched(number: int) -> None:
    """Take note of nothing: nobody watches how far it is."""


def pack(path: Path, file: BinaryIO, advance: Advance = unwatched) -> None:
    """Pack a directory: the same content gives the same bytes."""

    def note(member: tarfile.TarInfo) -> tarfile.TarInfo:
        advance(member.size)
        return member

    # The name and the time in gzip's own head would make each archive another one.
    with (
        gzip.GzipFile("", "wb", 6, file, mtime=0) as packing,
        tarfile.open(fileobj=packing, mode="w|") as archive,
    ):
        archive.add(path, arcname=path.name, filter=note)


def unpack(file: BinaryIO, directory: Path, limits: Limits | None = None) -> None:
    """Unpack an archive to ``directory``, which must not be there yet.

    Raises ``ProtocolError`` and leaves nothing when something in it is not allowed.
    """
    place = Path(tempfile.mkdtemp(prefix=".unpack-", dir=directory.parent))
    try:
        unpacking = Unpacking(place / directory.name, directory, limits or Limits())
        try:
            with tarfile.open(fileobj=file, mode="r|gz") as archive:
                for member in archive:
                    unpacking.take(archive, member)
                    archive.members.clear()  # type: ignore[attr-defined]  # there may be millions
        except UNREADABLE as error:
            raise ProtocolError(f"the archive can't be read: {error}") from error
        unpacking.finish()
        if directory.is_symlink() or directory.exists():
            raise ProtocolError(f"{directory} is there already")
        unpacking.root.rename(directory)
        sync_directory(directory.parent)
    finally:
        shutil.rmtree(place, ignore_errors=True)


@dataclass
class Unpacking:
    """One archive on its way to ``root``; it is for ``home``, where its links lead."""

    root: Path
    home: Path
    limits: Limits
    top: str = ""
    bytes: int = 0
    members: int = 0
    #: what was made, by its name below the top: directories, files and links
    made: dict[PurePosixPath, str] = field(default_factory=dict)
    directories: list[tuple[Path, tarfile.TarInfo]] = field(default_factory=list)

    def take(self, archive: tarfile.TarFile, member: tarfile.TarInfo) -> None:
        """Unpack one member, or refuse it."""
        name = self._check(member)
        path = self.root / name
        if member.isdir():
            self._make_parents(name / "it")
            self.directories.append((path, member))
        elif name in self.made:
            raise ProtocolError(f"{member.name} is twice in the archive")
        else:
            self._make_parents(name)
            self._make(archive, member, path)
            self.made[name] = "link" if member.issym() else "file"

    def finish(self) -> None:
        """Give directories their modes and times, and make all durable."""
        if self.made.get(PurePosixPath()) != "directory":
            raise ProtocolError("no directory is in the archive")
        for path, member in reversed(self.directories):
            os.chmod(path, member.mode & 0o777 | 0o700)
            os.utime(path, (member.mtime, member.mtime))
        # One call, instead of one for each of a hundred thousand files.
        os.sync()

    def _check(self, member: tarfile.TarInfo) -> PurePosixPath:
        self.members += 1
        self.bytes += member.size
        if self.members > self.limits.members or self.bytes > self.limits.bytes:
            raise ProtocolError("more is in the archive than is unpacked")
        if not (member.isreg() or member.isdir() or member.issym() or member.islnk()):
            raise ProtocolError(f"{member.name} is no file, directory or link")
        if member.mode & SET_ID and not member.issym():
            raise ProtocolError(f"{member.name} has set-id bits")
        return self._below_top(member.name)

    def _below_top(self, text: str) -> PurePosixPath:
        """Give a name in the archive without its first part, which is the same for all."""
        parts = text.removeprefix("./").rstrip("/").split("/")
        if not all(parts) or ".." in parts or "." in parts or "\0" in text:
            raise ProtocolError(f"{text!r} is no name below a directory")
        self.top = self.top or parts[0]
        if parts[0] != self.top:
            raise ProtocolError(f"{text} is beside {self.top}")
        return PurePosixPath(*parts[1:])

    def _make_parents(self, name: PurePosixPath) -> None:
        for parent in reversed(name.parents):
            known = self.made.get(parent)
            if known is None:
                (self.root / parent).mkdir(mode=0o700)
                self.made[parent] = "directory"
            elif known != "directory":
                raise ProtocolError(f"{name} is below a {known}")

    def _make(self, archive: tarfile.TarFile, member: tarfile.TarInfo, path: Path) -> None:
        if member.issym():
            self._check_link(member, path)
            os.symlink(member.linkname, path)
            os.utime(path, (member.mtime, member.mtime), follow_symlinks=False)
        elif member.islnk():
            target = self._below_top(member.linkname)
            if self.made.get(target) != "file":
                raise ProtocolError(f"{member.name} is a link to {member.linkname}, no file here")
            os.link(self.root / target, path)
        else:
            self._write(archive, member, path)

    def _check_link(self, member: tarfile.TarInfo, path: Path) -> None:
        """Refuse a link that leads to where none may."""
        parts = member.linkname.split("/")
        # Going up from what may be another link ends nobody knows where.
        if ".." in parts[sum(part == ".." for part in parts) :]:
            raise ProtocolError(f"{member.name} is a link that goes up on its way")
        here = self.home / path.relative_to(self.root).parent
        target = Path(os.path.normpath(here / member.linkname))
        allowed: Sequence[Path] = (self.home, *self.limits.links_to)
        if not any(target.is_relative_to(each) for each in allowed):
            raise ProtocolError(f"{member.name} is a link out of the directory: {member.linkname}")

    def _write(self, archive: tarfile.TarFile, member: tarfile.TarInfo, path: Path) -> None:
        source = archive.extractfile(member)
        assert source is not None
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC
        with open(os.open(path, flags, 0o600), "wb") as file:
            shutil.copyfileobj(source, file, BLOCK)
            file.flush()
            os.fchmod(file.fileno(), member.mode & 0o777 | 0o400)
            os.utime(file.fileno(), (member.mtime, member.mtime))


def sync_directory(path: Path) -> None:
    """Make the names in a directory durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
