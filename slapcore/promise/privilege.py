"""What a process gives up before it touches anything of a partition.

- It becomes the partition's user for good, and can't gain privileges by what it runs.
- Its memory, its files, and how many processes its user may have are limited.
- It ends with its parent, and the processes that its own have left behind become its children.
"""

import ctypes
import os
import pwd
import resource
import signal
import time
from collections.abc import Mapping
from pathlib import Path

from slapcore.errors import Forbidden

#: Bytes of memory that is written, and of one written file; processes of the user; open files.
MAX_MEMORY = 2**31
MAX_WRITTEN = 2**28
MAX_PROCESSES = 2000
MAX_OPEN = 1024
#: Seconds after which what can't be killed is left alone.
SWEEP_TIME = 5.0

#: What is passed on from the node's environment.
PASSED_ON = ("LANG", "LC_ALL", "LC_CTYPE", "PATH", "TZ")

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_PR_SET_NO_NEW_PRIVS = 38

_libc = ctypes.CDLL(None, use_errno=True)


def _ask_kernel(option: int, value: int) -> None:
    if _libc.prctl(option, value, 0, 0, 0):
        number = ctypes.get_errno()
        raise OSError(number, f"prctl {option}: {os.strerror(number)}")


def adopt_orphans() -> None:
    """Become the parent of whatever the processes below this one leave behind."""
    _ask_kernel(_PR_SET_CHILD_SUBREAPER, 1)


def end_with(parent: int) -> None:
    """Have this process killed when its ``parent`` ends; end now if that has happened."""
    _ask_kernel(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def become(uid: int, gid: int) -> None:
    """Become the user ``uid`` for good."""
    if uid != os.geteuid() or gid != os.getegid():
        if os.geteuid():
            raise Forbidden(f"only root can look as the user {uid} at what it has promised")
        os.setgroups(_list_groups(uid, gid))
        os.setresgid(gid, gid, gid)
        os.setresuid(uid, uid, uid)
    _ask_kernel(_PR_SET_NO_NEW_PRIVS, 1)


def _list_groups(uid: int, gid: int) -> list[int]:
    try:
        return os.getgrouplist(pwd.getpwuid(uid).pw_name, gid)
    except KeyError:
        return [gid]


def limit(limits: Mapping[int, int]) -> None:
    """Limit this process and those it starts, never beyond what it may already do."""
    for what, wanted in limits.items():
        hard = resource.getrlimit(what)[1]
        value = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(what, (value, value))


def limit_promise() -> None:
    limit(
        {
            resource.RLIMIT_CORE: 0,
            resource.RLIMIT_DATA: MAX_MEMORY,
            resource.RLIMIT_FSIZE: MAX_WRITTEN,
            resource.RLIMIT_NOFILE: MAX_OPEN,
            resource.RLIMIT_NPROC: MAX_PROCESSES,
        }
    )


def clean_environment(uid: int, home: Path) -> dict[str, str]:
    """Give the environment of whatever runs as the partition's user."""
    kept = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    try:
        name = pwd.getpwuid(uid).pw_name
    except KeyError:
        name = str(uid)
    kept.setdefault("PATH", os.defpath)
    return {**kept, "HOME": str(home), "LOGNAME": name, "USER": name}


def close_others(kept: int) -> None:
    """Close all but the first three files and ``kept``; an empty range would close them all."""
    if kept > 3:
        os.closerange(3, kept)
    os.closerange(kept + 1, os.sysconf("SC_OPEN_MAX"))


def list_children() -> list[int]:
    """List the direct children of this process."""
    try:
        text = Path("/proc/thread-self/children").read_text(encoding="utf-8")
    except OSError:
        return []
    return [int(word) for word in text.split()]


def kill(pid: int, number: signal.Signals = signal.SIGKILL) -> None:
    """Send a signal to a process and to the group it leads; no matter if they have gone."""
    for send in (os.killpg, os.kill):
        try:
            send(pid, number)
        except (ProcessLookupError, PermissionError):
            continue


def sweep(spared: set[int]) -> None:
    """Kill every child of this process but ``spared``, and whatever these leave behind.

    Killed parents hand their own children over to us, so it is looked again until none is left;
    a bomb that forks faster than it is killed runs into the limit of its user's processes.
    """
    deadline = time.monotonic() + SWEEP_TIME
    while strangers := [pid for pid in list_children() if pid not in spared]:
        for pid in strangers:
            kill(pid)
            _reap(pid)
        if time.monotonic() > deadline:
            return


def _reap(pid: int) -> None:
    """Take the end of ``pid``, if it has come; one that the kernel holds fast is left to it."""
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return
