"""Running a program as somebody, to its end: its output kept, its time limited, its children ended.

- The environment is made from nothing: what the agent was started with is nobody's business.
- Output goes to a log of limited size; the last lines are kept for the report.
- A program that takes too long is ended with everything that it has started.
"""

import ctypes
import os
import selectors
import signal
import subprocess
import time
from collections import deque
from collections.abc import Mapping
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path
from typing import IO

from slapcore.errors import SlapError

#: what of the agent's environment programs get: where others are, and how to reach the outside
PASSED_ON = ("PATH", "TZ", "http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY",
             "no_proxy", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR")  # fmt: skip
#: the second is how tests find what they have left running
PASSED_ON_PREFIXES = ("PIP_", "TEST_SESSION_")
#: what a program gets that hands its environment on to the programs of partitions
BARE = ("PATH", "TZ", "HOME", "PYTHONNOUSERSITE", "TEST_SESSION_ID")

KEPT_LINES = 200
KEPT_WIDTH = 2000
LOG_AT_MOST = 20 << 20
BLOCK = 1 << 16
#: seconds that children may hold the output open after their parent has ended
LINGER = 2.0

PR_SET_NO_NEW_PRIVS = 38


class ProgramFailed(SlapError):
    """A program ended with another exit code than zero, or did not end in time."""

    def __init__(self, text: str, lines: Sequence[str] = ()) -> None:
        super().__init__(text)
        self.lines = tuple(lines)


@dataclass(frozen=True)
class Account:
    """Who runs a program; ``None`` for who we are ourselves."""

    uid: int | None = None
    gid: int | None = None
    groups: tuple[int, ...] = ()

    @property
    def is_ours(self) -> bool:
        """Tell whether this is who we are."""
        return self.uid is None or self.uid == os.getuid()


@dataclass(frozen=True, kw_only=True)
class Program:
    """What to run, where and as whom; ``seconds`` of 0 mean no limit."""

    words: Sequence[str]
    directory: Path
    account: Account = field(default_factory=Account)
    home: Path | None = None
    additions: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    log: Path | None = None
    #: whether not even what other programs get of our environment is passed on
    bare: bool = False
    #: whether what it leaves running goes on
    lasting: bool = False


@dataclass(frozen=True)
class Outcome:
    """How a program ended, and the last lines that it said."""

    code: int
    lines: tuple[str, ...]
    seconds: float
    too_slow: bool = False


def clean_environment(home: Path, additions: Mapping[str, str] | None = None) -> dict[str, str]:
    """Make the environment of a program from nothing."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in PASSED_ON or name.startswith(PASSED_ON_PREFIXES)
    }
    kept.setdefault("PATH", os.defpath)
    return {**kept, "HOME": str(home), "PYTHONNOUSERSITE": "true", **(additions or {})}


def renounce_new_privileges() -> None:
    """Have neither us nor what we start gain anything by a set-user-id program."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "no_new_privs is refused")


def start(program: Program) -> subprocess.Popen[bytes]:
    """Start a program in a session of its own."""
    account = program.account
    other = not account.is_ours
    home = program.home or program.directory
    environment = clean_environment(home, program.additions)
    if program.bare:
        environment = {name: environment[name] for name in environment if name in BARE}
    return subprocess.Popen(
        list(program.words),
        cwd=program.directory,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        umask=0o027,
        start_new_session=True,
        user=account.uid if other else None,
        group=account.gid if other else None,
        extra_groups=list(account.groups) if other else None,
    )


#: the leaders of the sessions that run now
_running: set[int] = set()


def end_everything() -> None:
    """End all programs that run for us now."""
    for leader in list(_running):
        end_session(leader)


def run(program: Program) -> Outcome:
    """Run a program to its end, or to the end of its time."""
    begun = time.monotonic()
    with start(program) as process:
        _running.add(process.pid)
        try:
            with _Log(program.log) as log:
                too_slow = _listen(process, log, program.seconds)
        finally:
            _running.discard(process.pid)
            if not program.lasting:
                end_session(process.pid)
        code = process.wait()
    return Outcome(code, log.lines(), time.monotonic() - begun, too_slow)


def require(program: Program, what: str) -> Outcome:
    """Run a program and raise ``ProgramFailed`` unless it ends well."""
    outcome = run(program)
    if outcome.too_slow:
        text = f"{what}: not done after {program.seconds:.0f} s, and ended"
        raise ProgramFailed(text, outcome.lines)
    if outcome.code:
        raise ProgramFailed(f"{what}: exit code {outcome.code}", outcome.lines)
    return outcome


def end_session(leader: int) -> None:
    """End everything that is left of the session that a program was started in."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


def _listen(process: subprocess.Popen[bytes], log: "_Log", seconds: float) -> bool:
    """Take what the program says until it has ended; tell whether it was made to."""
    assert process.stdout is not None
    limit = time.monotonic() + seconds if seconds else None
    number = process.stdout.fileno()
    with selectors.DefaultSelector() as selector:
        selector.register(number, selectors.EVENT_READ)
        while True:
            if limit is not None and time.monotonic() > limit:
                end_session(process.pid)
                return True
            if selector.select(0.2 if process.poll() is None else 0.0):
                data = os.read(number, BLOCK)
                if not data:
                    break
                log.take(data)
            elif process.poll() is not None:
                _drain(selector, number, log)
                break
    return _wait(process, limit)


def _wait(process: subprocess.Popen[bytes], limit: float | None) -> bool:
    """Wait for a program that has closed its output."""
    try:
        process.wait(None if limit is None else max(0.1, limit - time.monotonic()))
    except subprocess.TimeoutExpired:
        end_session(process.pid)
        return True
    return False


def _drain(selector: selectors.BaseSelector, number: int, log: "_Log") -> None:
    """Take what children go on saying after their parent has ended, for a moment."""
    limit = time.monotonic() + LINGER
    while selector.select(max(0.0, min(0.05, limit - time.monotonic()))):
        data = os.read(number, BLOCK)
        if not data or time.monotonic() > limit:
            return
        log.take(data)


class _Log:
    """Keeps output: the last lines in memory, and up to a limit in a file."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._file: IO[bytes] | None = None
        self._room = LOG_AT_MOST
        self._lines: deque[str] = deque(maxlen=KEPT_LINES)
        self._rest = b""

    def __enter__(self) -> "_Log":
        if self._path is not None:
            rotate(self._path)
            self._file = self._path.open("ab")
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def take(self, data: bytes) -> None:
        if self._file is not None and self._room > 0:
            # Nothing of a full disk: the program has to find out by itself.
            with suppress(OSError):
                self._file.write(data[: self._room])
                self._file.flush()
            self._room -= len(data)
        *whole, self._rest = (self._rest + data).split(b"\n")
        self._rest = self._rest[-KEPT_WIDTH:]
        self._lines.extend(line[:KEPT_WIDTH].decode(errors="replace") for line in whole)

    def lines(self) -> tuple[str, ...]:
        rest = [self._rest.decode(errors="replace")] if self._rest else []
        return (*self._lines, *rest)


def rotate(path: Path, at_most: int = LOG_AT_MOST) -> None:
    """Put a log aside that has grown too long."""
    try:
        if path.stat().st_size >= at_most:
            path.replace(path.with_name(f"{path.name}.1"))
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
