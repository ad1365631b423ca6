"""What holds for every test: no network but this machine's own, and no process left behind."""

import ipaddress
import os
import signal
import sys
import time
from collections.abc import Callable
from collections.abc import Iterator
from pathlib import Path

import pytest

from slapmaster.auth.issuer import AuthorityIssuer
from tests.driver import Master
from tests.driver import make_issuer

pytest.register_assert_rewrite("tests.behaviour")

#: Inherited by whatever a test starts, so that a daemon which has left its parent is found too.
#: It doesn't begin like a setting of ours, which would be an unknown one.
MARK = "TEST_SESSION_OF_SLAPMASTER"

#: Others may read what a test makes, so that other users' programs can.
UMASK = 0o022

#: Seconds that a process which was told to end has for doing so.
PATIENCE = 5.0


def is_own_machine(host: str) -> bool:
    """Tell whether ``host`` is an address of this machine's loopback or its name."""
    if host in {"", "localhost"}:
        return True
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False


def refuse_network(event: str, arguments: tuple[object, ...]) -> None:
    """Raise when this process is about to talk to another machine."""
    if event == "socket.connect":
        address = arguments[1]
        host = address[0] if isinstance(address, tuple) else "localhost"
    elif event == "socket.getaddrinfo":
        host = arguments[0] or "localhost"
    else:
        return
    text = host.decode() if isinstance(host, bytes) else str(host)
    if not is_own_machine(text):
        raise RuntimeError(f"a test wants to reach {text}; tests use the loopback only")


def read_process(pid: int, name: str) -> bytes:
    """Read ``/proc/<pid>/<name>``; nothing when the process has gone or is another user's."""
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except OSError:
        return b""


def is_alive(pid: int) -> bool:
    state = read_process(pid, "stat").rpartition(b")")[2].split()
    return bool(state) and state[0] != b"Z"


def find_survivors() -> dict[int, str]:
    """Find what this session's tests have started and what still runs: pid -> command line."""
    mark = f"{MARK}={os.environ[MARK]}".encode()
    pids = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    return {
        pid: read_process(pid, "cmdline").replace(b"\0", b" ").decode(errors="replace").strip()
        for pid in pids
        if pid != os.getpid()
        and mark in read_process(pid, "environ").split(b"\0")
        and is_alive(pid)
    }


def wait_until_gone() -> dict[int, str]:
    deadline = time.monotonic() + PATIENCE
    while (survivors := find_survivors()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return survivors


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Have files readable and signals heard again, whatever a command did to this process."""
    os.umask(UMASK)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, signal.valid_signals())


def pytest_configure(config: pytest.Config) -> None:
    os.environ[MARK] = f"{os.getpid()}.{time.monotonic_ns()}"
    sys.addaudithook(refuse_network)


@pytest.fixture(scope="session", autouse=True)
def no_process_survives() -> Iterator[None]:
    """Fail the session's last test, by name of the culprits, when processes are left."""
    yield
    survivors = wait_until_gone()
    for pid in survivors:
        os.kill(pid, signal.SIGKILL)
    assert not survivors, f"left running by a test: {survivors}"


@pytest.fixture(scope="session")
def issuer() -> AuthorityIssuer:
    """Give an authority that may issue certificates; making one takes longer than a test."""
    return make_issuer()


@pytest.fixture
def make_master(tmp_path: Path, issuer: AuthorityIssuer) -> Iterator[Callable[..., Master]]:
    """Give a maker of masters in this process; their stores are in files unless ``in_memory``.

    When the test is done, each is checked for broken indexes and invariants.
    """
    masters: list[Master] = []

    def make(*, alone: bool = False, in_memory: bool = False, **parts: object) -> Master:
        folder = None if in_memory else tmp_path / f"master{len(masters)}"
        if folder is not None:
            folder.mkdir()
        masters.append(Master(folder, None if alone else issuer, **parts))
        return masters[-1]

    yield make
    problems = [problem for master in masters for problem in master.close()]
    assert not problems


@pytest.fixture
def master(make_master: Callable[..., Master]) -> Master:
    return make_master()
