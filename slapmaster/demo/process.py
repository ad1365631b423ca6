"""Running a command as somebody, to its end or in the background, and telling what it said."""

import os
import signal
import subprocess
import time
from collections.abc import Mapping
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from slapcore.errors import SlapError
from slapmaster.demo.account import Account

Word = str | Path

PATIENCE = 300.0

#: what of our environment the commands get to see: where programs are and how to reach an index
PASSED_ON = ("PATH", "LANG", "TZ", "CC", "http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY")
#: the last one is how the tests find what they have left running
PASSED_ON_PREFIXES = ("PIP_", "SSL_", "REQUESTS_", "CURL_", "LC_", "TEST_SESSION_")


class CommandFailed(SlapError):
    """A command ended with another exit code than was hoped for, or did not end in time."""


@dataclass(frozen=True)
class Outcome:
    """What became of a command."""

    command: tuple[str, ...]
    code: int
    output: str

    def require(self, *codes: int) -> "Outcome":
        """Give the outcome itself, or raise unless it ended with one of ``codes`` (else 0)."""
        if self.code not in (codes or (0,)):
            words = " ".join(self.command)
            raise CommandFailed(f"{words}: exit code {self.code}\n{self.last_lines()}")
        return self

    def last_lines(self, count: int = 30) -> str:
        return "\n".join(self.output.splitlines()[-count:])


def make_environment(home: Path, additions: Mapping[str, str] | None = None) -> dict[str, str]:
    """Give a small environment: nothing of the user's settings but the way to the Python index."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in PASSED_ON or name.startswith(PASSED_ON_PREFIXES)
    }
    loopback = "localhost,127.0.0.1,::1,127.0.0.0/8"
    own = {"HOME": str(home), "NO_PROXY": loopback, "no_proxy": loopback, "PYTHONUNBUFFERED": "1"}
    return {**kept, **own, **(additions or {})}


def start(
    command: Sequence[Word],
    account: Account,
    environment: Mapping[str, str],
    log: Path | None = None,
) -> subprocess.Popen[str]:
    """Start ``command`` as ``account``, in a session of its own, writing to ``log`` or a pipe."""
    other = not account.is_ours
    with ExitStack() as opened:
        return subprocess.Popen(
            [str(part) for part in command],
            env=dict(environment),
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if log is None else opened.enter_context(log.open("a")),
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            umask=0o022,
            start_new_session=True,
            user=account.uid if other else None,
            group=account.gid if other else None,
            extra_groups=[] if other else None,
        )


def run(
    command: Sequence[Word],
    account: Account,
    environment: Mapping[str, str],
    patience: float = PATIENCE,
) -> Outcome:
    """Run ``command`` to its end; one that takes more than ``patience`` seconds is a failure."""
    words = tuple(str(part) for part in command)
    with start(command, account, environment) as process:
        try:
            output, _ = process.communicate(timeout=patience)
        except subprocess.TimeoutExpired as error:
            os.killpg(process.pid, signal.SIGKILL)
            output, _ = process.communicate()
            tail = Outcome(words, -1, output).last_lines()
            text = f"{' '.join(words)}: not done after {patience} s\n{tail}"
            raise CommandFailed(text) from error
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    return Outcome(words, process.returncode, output)


def is_running(pid: int) -> bool:
    """Tell whether the process is there and not merely waiting to be buried."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "ZX"


def end(pid: int, patience: float = 20.0) -> None:
    """Ask the process to end, and make it end when it has not after ``patience`` seconds."""
    for order, seconds in ((signal.SIGTERM, patience), (signal.SIGKILL, 5.0)):
        try:
            os.kill(pid, order)
        except ProcessLookupError:
            return
        limit = time.monotonic() + seconds
        while time.monotonic() < limit:
            if not is_running(pid):
                return
            time.sleep(0.05)
