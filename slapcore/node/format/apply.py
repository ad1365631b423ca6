"""Doing what a plan lists: each action by the program or the call that is made for it."""

import logging
import os
import pwd
import subprocess
from collections.abc import Callable
from collections.abc import Sequence
from functools import singledispatch

from slapcore.errors import ConfigurationError
from slapcore.errors import SlapError
from slapcore.node.folder import Folder
from slapcore.node.format.observed import run_ip
from slapcore.node.format.plan import Action
from slapcore.node.format.plan import AddAddress
from slapcore.node.format.plan import AddGroup
from slapcore.node.format.plan import AddRoute
from slapcore.node.format.plan import AddTap
from slapcore.node.format.plan import AddUser
from slapcore.node.format.plan import ChangeUser
from slapcore.node.format.plan import MakeDirectory
from slapcore.node.format.plan import SetMode
from slapcore.node.format.plan import SetOwner
from slapcore.node.format.plan import WriteResource
from slapcore.node.format.state import RESOURCE

log = logging.getLogger(__name__)

SECONDS = 60.0

#: the directory is opened first: a link in its place is refused, not followed
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def apply_plan(actions: Sequence[Action], watch: Callable[[Action], None]) -> None:
    """Do everything, in order."""
    for action in actions:
        watch(action)
        do(action)
        log.info("format: %s", action)


@singledispatch
def do(action: object) -> None:
    raise TypeError(f"{action!r} is no action")


@do.register
def _(action: AddGroup) -> None:
    run("groupadd", "--system", action.name)


@do.register
def _(action: AddUser) -> None:
    run(
        "useradd", "--system", "--home-dir", str(action.home), "--no-create-home",
        "--gid", action.name, "--shell", "/bin/sh",
        "--groups", ",".join(action.groups), action.name,
    )  # fmt: skip


@do.register
def _(action: ChangeUser) -> None:
    joined = ("--append", "--groups", ",".join(action.groups)) if action.groups else ()
    run("usermod", "--home", str(action.home), *joined, action.name)


@do.register
def _(action: MakeDirectory) -> None:
    action.path.mkdir(mode=action.mode, parents=True)
    action.path.chmod(action.mode)


@do.register
def _(action: SetMode) -> None:
    number = os.open(action.path, _DIRECTORY)
    try:
        os.fchmod(number, action.mode)
    finally:
        os.close(number)


@do.register
def _(action: SetOwner) -> None:
    found = pwd.getpwnam(action.user)
    number = os.open(action.path, _DIRECTORY)
    try:
        os.fchown(number, found.pw_uid, found.pw_gid)
    finally:
        os.close(number)


@do.register
def _(action: AddAddress) -> None:
    extra = ("nodad",) if action.address.is_ipv6 else ()
    run_ip("address", "add", str(action.address), "dev", action.interface, *extra)


@do.register
def _(action: AddTap) -> None:
    run_ip("tuntap", "add", "dev", action.name, "mode", action.mode, "user", action.user)
    run_ip("link", "set", action.name, "up")


@do.register
def _(action: AddRoute) -> None:
    family = "-6" if ":" in action.network else "-4"
    kind = ("local",) if action.local else ()
    through = ("via", action.gateway) if action.gateway else ()
    network = action.network
    run_ip(family, "route", "replace", *kind, network, *through, "dev", action.interface)


@do.register
def _(action: WriteResource) -> None:
    owner = action.folder.path.stat()
    own = (owner.st_uid, owner.st_gid) if os.getuid() == 0 else (-1, -1)
    Folder(action.folder.path, *own).write(RESOURCE, action.text, 0o644)


def run(*words: str) -> None:
    """Run one of the machine's own programs; raises ``SlapError`` with its words."""
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=SECONDS, check=False)
    except FileNotFoundError as error:
        raise ConfigurationError(f"the program {words[0]} is missing on this machine") from error
    if done.returncode:
        raise SlapError(f"{' '.join(words)}: {done.stderr.strip()}")
