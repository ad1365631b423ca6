"""Who runs the node: its programs refuse to be root, so root hands them to ``nobody``."""

import getpass
import os
import pwd
from dataclasses import dataclass
from pathlib import Path

from slapcore.errors import ConfigurationError

UNPRIVILEGED = "nobody"


@dataclass(frozen=True)
class Account:
    """A user of this machine."""

    name: str
    uid: int
    gid: int

    @property
    def is_ours(self) -> bool:
        """Tell whether this is who we are ourselves."""
        return self.uid == os.getuid()

    def take(self, *paths: Path) -> None:
        """Make the account the owner of each path."""
        if not self.is_ours:
            for path in paths:
                os.chown(path, self.uid, self.gid)

    def take_tree(self, root: Path) -> None:
        self.take(root, *root.rglob("*"))


def find_ourselves() -> Account:
    """Give who we are, with or without a name."""
    return Account(getpass.getuser(), os.getuid(), os.getgid())


def find_account() -> Account:
    """Give ourselves, or ``nobody`` for root.

    The node looks its user up, so one without a name won't do.
    """
    try:
        found = pwd.getpwuid(os.getuid()) if os.getuid() else pwd.getpwnam(UNPRIVILEGED)
    except KeyError as error:
        raise ConfigurationError(f"no user for the node on this machine: {error}") from error
    return Account(found.pw_name, found.pw_uid, found.pw_gid)
