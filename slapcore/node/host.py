"""Where things lie on this machine, and who owns them; handed to every step."""

import os
import pwd
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from slapcore.config import NodeConfig
from slapcore.errors import ConfigurationError
from slapcore.errors import SlapError
from slapcore.node.folder import Folder
from slapcore.node.groups import ControlGroups
from slapcore.node.process import Account
from slapcore.protocol.shadir import release_key

#: the mode of a partition's directory: nobody but its user, and its group reads
PARTITION_MODE = 0o750


class NoSpace(SlapError):
    """Less is free on a disk than the configuration wants to be."""


@dataclass(frozen=True)
class ReleasePlace:
    """Where one release is built."""

    url: str
    directory: Path
    account: Account
    log: Path

    @property
    def completed(self) -> Path:
        """The file that says that all of it has been built, and that the Master knows."""
        return self.directory / ".completed"

    @property
    def is_complete(self) -> bool:
        """Tell whether instances can be made of it."""
        return self.completed.exists()


@dataclass(frozen=True)
class PartitionPlace:
    """Where one instance lives: the directory, its owner, and what belongs to it outside."""

    name: str
    directory: Path
    account: Account
    home: Path
    user: str
    key: Path | None
    certificate: Path | None
    log: Path
    #: where the output of its programs goes: the partition's group reads, nobody else
    program_logs: Path

    @cached_property
    def folder(self) -> Folder:
        """The directory, to be read and written safely."""
        uid, gid = self.account.uid, self.account.gid
        if self.account.is_ours or uid is None or gid is None:
            return Folder(self.directory)
        return Folder(self.directory, uid, gid)


class Host:
    """The machine as one configuration sees it."""

    def __init__(self, config: NodeConfig) -> None:
        self.config = config
        self.is_root = os.getuid() == 0
        self.root = config.instance_root
        self.groups = ControlGroups(config)

    # what belongs to the node itself

    @property
    def etc(self) -> Path:
        return self.root / "etc"

    @property
    def run(self) -> Path:
        return self.root / "var" / "run"

    @property
    def logs(self) -> Path:
        return self.root / "var" / "log"

    @property
    def state(self) -> Path:
        """Where the node remembers: orders, what it used, where it got to."""
        return self.root / "var" / "slapnode"

    @property
    def supervisord_config(self) -> Path:
        return self.etc / "supervisord.conf"

    @property
    def programs(self) -> Path:
        """Where each partition has its file of programs."""
        return self.etc / "supervisord.conf.d"

    @property
    def socket(self) -> Path:
        """The socket of supervisord; one of an old node goes on being used."""
        old = self.root / "supervisord.socket"
        return old if old.exists() else self.root / "sv.sock"

    def prepare(self) -> None:
        """Make the directories of the node itself; those of partitions are ``format``'s."""
        for path in (self.config.software_root, self.root):
            if not path.is_dir():
                raise ConfigurationError(f"{path} is missing: run the format command first")
        (self.root / "var").mkdir(exist_ok=True)
        (self.root / "var").chmod(0o755)
        for path in (self.etc, self.programs, self.logs, self.run, self.state):
            path.mkdir(exist_ok=True)
            path.chmod(0o700)
        outputs = self.root / "var" / "output"
        outputs.mkdir(exist_ok=True)
        outputs.chmod(0o755)

    # releases

    def release(self, url: str) -> ReleasePlace:
        name = release_key(url)
        directory = self.config.software_root / name
        return ReleasePlace(url, directory, self.builder(), self.logs / f"software-{name}.log")

    def builder(self) -> Account:
        """Say who builds: the owner of the software's directory, when we can become that."""
        if not self.is_root:
            return Account()
        found = self.config.software_root.stat()
        return account_of(found.st_uid, found.st_gid)

    # partitions

    def partition(self, name: str) -> PartitionPlace:
        """Give the place of a partition; raises ``ConfigurationError`` when there is none."""
        directory = self.root / name
        if "/" in name or name in ("", ".", "..", "etc", "var"):
            raise ConfigurationError(f"{name!r} is no name of a partition")
        try:
            found = directory.lstat()
        except FileNotFoundError as error:
            raise ConfigurationError(
                f"{directory} is missing: run the format command first"
            ) from error
        account = account_of(found.st_uid, found.st_gid) if self.is_root else Account()
        user, home = _user_of(found.st_uid)
        repository = self.config.partition_certificates
        return PartitionPlace(
            name=name,
            directory=directory,
            account=account,
            home=home or directory,
            user=user,
            key=repository / f"{name}.key" if repository else None,
            certificate=repository / f"{name}.crt" if repository else None,
            log=self.logs / f"instance-{name}.log",
            program_logs=self.root / "var" / "output" / name,
        )

    def storage_of(self, place: PartitionPlace) -> Iterator[Folder]:
        """Find the directories that a partition has on other disks."""
        if self.config.storage_home is not None:
            for path in sorted(self.config.storage_home.glob(f"data*/{place.name}")):
                yield Folder(path, place.folder.uid, place.folder.gid)

    def partitions(self) -> Iterator[PartitionPlace]:
        """Find the partitions that are there, with or without an instance."""
        prefix = self.config.format.partition_name
        found = [path.name for path in self.root.glob(f"{prefix}*") if path.is_dir()]
        yield from map(self.partition, sorted(found, key=_in_order))


def account_of(uid: int, gid: int) -> Account:
    """Give an account with all groups of its user: releases are read by one of them."""
    try:
        name = pwd.getpwuid(uid).pw_name
    except KeyError:
        return Account(uid, gid)
    return Account(uid, gid, tuple(os.getgrouplist(name, gid)))


def check_free_space(path: Path, needed: int, option: str) -> None:
    """Refuse to begin what would fill the disk; raises ``NoSpace``."""
    found = os.statvfs(path)
    free = found.f_frsize * found.f_bavail
    if free < needed:
        raise NoSpace(f"{path} has {free >> 20} MiB left, {option} wants {needed >> 20} MiB")


def _user_of(uid: int) -> tuple[str, Path | None]:
    try:
        found = pwd.getpwuid(uid)
    except KeyError:
        return str(uid), None
    return found.pw_name, Path(found.pw_dir)


def _in_order(name: str) -> tuple[str, int]:
    """Sort names that end in numbers as people count."""
    text = name.rstrip("0123456789")
    return text, int(name[len(text) :] or 0)
