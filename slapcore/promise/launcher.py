"""What the agent asks about promises: how are those of this partition?

One launcher serves a whole run, and any number of its threads at once.  It has one warm process,
which is started when it is first needed and again should it break, and which ends with it.
"""

import json
import logging
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path
from types import TracebackType
from typing import Any
from typing import Self

from slapcore.errors import InvalidValue
from slapcore.errors import SlapError
from slapcore.promise.keeper import Errand
from slapcore.promise.result import Status
from slapcore.promise.result import read_status

log = logging.getLogger(__name__)

#: Seconds that a promise may take, unless the node's configuration says otherwise.
TIMEOUT = 20.0
#: How many of them may be looked at at once.
PARALLEL = max(4, 2 * (os.cpu_count() or 1))
#: Seconds that the warm process has to end.
GRACE = 10.0


class PromisesUnknown(SlapError):
    """It can't be told how the promises of a partition are."""


@dataclass(frozen=True, kw_only=True)
class Promising:
    """A partition whose promises are looked at, and what they are told.

    ``python`` is the Python of the partition's release, if it has one of its own (see
    ``interpreter.find_release_python``).  The promises run as the owner of ``directory``.
    """

    name: str
    directory: Path
    python: str = ""
    computer: str = ""
    master_url: str = ""
    certificate: str = ""
    key: str = ""
    instance: str = ""
    tree: str = ""

    def write_options(self, timeout: float) -> dict[str, Any]:
        """Give what the launcher says to each promise, under the names that they expect."""
        return {
            "partition-id": self.name,
            "computer-id": self.computer,
            "master-url": self.master_url,
            "partition-cert": self.certificate,
            "partition-key": self.key,
            "promise-timeout": timeout,
            "slapgrid-version": "slapmaster",
        }


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How the promises of a partition are.

    ``statuses`` has the last result of each, ``looked`` the names of those looked at just now.
    ``bangs`` are the titles of those whose anomaly shall have the instance processed again.
    ``odd`` are sentences on what can't be a promise.
    """

    promises: int
    statuses: tuple[Status, ...] = ()
    looked: frozenset[str] = frozenset()
    bangs: tuple[str, ...] = ()
    odd: tuple[str, ...] = ()

    @property
    def promised(self) -> bool:
        """Tell whether the instance promises anything at all."""
        return self.promises > 0

    @property
    def failed(self) -> tuple[Status, ...]:
        return tuple(status for status in self.statuses if status.result.problem)

    @property
    def problem(self) -> str:
        """Give what to tell the master; an empty text when all is as promised."""
        failed = self.failed
        if not failed:
            return ""
        first = failed[0]
        text = f"Promise {first.name!r} failed with output: {first.result.message}"
        others = ", ".join(status.name for status in failed[1:4])
        if not others:
            return text
        more = f" and {len(failed) - 4} more" if len(failed) > 4 else ""
        return f"{text} (others failed: {others}{more})"

    @property
    def bang_message(self) -> str:
        """Give the text to bang with; an empty one when there is no reason to."""
        return f"Promise {self.bangs[0]} is failing" if self.bangs else ""


@dataclass
class _Process:
    """The warm process, and who waits for which answer."""

    process: subprocess.Popen[bytes]
    line: socket.socket
    listener: threading.Thread = field(default_factory=threading.Thread)
    waiting: dict[int, "Future[Mapping[str, Any]]"] = field(default_factory=dict)
    last: int = 0


class Launcher:
    """Looks at promises; to be closed, or used as a context."""

    def __init__(self, *, timeout: float = TIMEOUT, parallel: int = PARALLEL) -> None:
        if timeout <= 0 or parallel < 1:
            raise InvalidValue(f"{parallel} promises at once, each {timeout} seconds, is too few")
        self.timeout = timeout
        self.parallel = parallel
        self._lock = threading.Lock()
        self._warm: _Process | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def pid(self) -> int | None:
        """Give the number of the warm process, if there is one."""
        return None if self._warm is None else self._warm.process.pid

    def check(
        self,
        partition: Promising,
        *,
        anomaly: bool = False,
        force: bool = False,
        only: tuple[str, ...] = (),
    ) -> Outcome:
        """Look at the promises of ``partition`` that are due, and tell how all of them are.

        With ``anomaly`` they judge whether something has to be done, else whether they are kept.
        With ``force`` all are due; ``only`` names the files to look at.
        """
        try:
            owner = partition.directory.stat()
        except OSError as error:
            raise PromisesUnknown(f"{partition.directory}: {error.strerror}") from error
        errand = Errand(
            partition=str(partition.directory),
            uid=owner.st_uid,
            gid=owner.st_gid,
            timeout=self.timeout,
            anomaly=anomaly,
            force=force,
            only=list(only),
            python=partition.python,
            options=partition.write_options(self.timeout),
            instance=partition.instance or partition.name,
            tree=partition.tree or partition.instance or partition.name,
        )
        return self._read(partition, self._ask(errand).result())

    def _read(self, partition: Promising, said: Mapping[str, Any]) -> Outcome:
        if "problem" in said:
            raise PromisesUnknown(f"the promises of {partition.name}: {said['problem']}")
        try:
            return read_outcome(said["outcome"])
        except InvalidValue as error:
            raise PromisesUnknown(f"the promises of {partition.name}: {error}") from error

    def _ask(self, errand: Errand) -> "Future[Mapping[str, Any]]":
        future: Future[Mapping[str, Any]] = Future()
        with self._lock:
            warm = self._warm
            if warm is None:
                warm = self._warm = self._start()
            warm.last += 1
            warm.waiting[warm.last] = future
            content = json.dumps({"number": warm.last, "errand": errand.write()})
            try:
                warm.line.sendall(content.encode() + b"\n")
            except OSError:
                # It has just gone; whoever listens to it says so to all who wait.
                log.warning("the process that looks at promises has gone")
        return future

    def _start(self) -> _Process:
        ours, theirs = socket.socketpair()
        program = str(Path(__file__).with_name("__main__.py"))
        process = subprocess.Popen(
            [sys.executable, "-I", program, "serve", str(self.parallel)],
            stdin=theirs.fileno(),
            start_new_session=True,
        )
        theirs.close()
        warm = _Process(process, ours)
        warm.listener = threading.Thread(target=self._listen, args=(warm,), daemon=True)
        warm.listener.start()
        return warm

    def _listen(self, warm: _Process) -> None:
        """Give each answer to whoever waits for it; at the end, tell all others that it is."""
        with warm.line.makefile("rb") as lines:
            for line in lines:
                said = json.loads(line)
                with self._lock:
                    future = warm.waiting.pop(said["number"])
                future.set_result(said)
        with self._lock:
            if self._warm is warm:
                self._warm = None
            left = list(warm.waiting.values())
            warm.waiting.clear()
        status = _end(warm.process)
        warm.line.close()
        for future in left:
            future.set_result({"problem": f"the process that looks has ended with {status}"})

    def close(self) -> None:
        """End the warm process, and with it whatever it looks at."""
        with self._lock:
            warm, self._warm = self._warm, None
        if warm is None:
            return
        warm.line.shutdown(socket.SHUT_WR)
        warm.listener.join()


def _end(process: subprocess.Popen[bytes]) -> int:
    """Wait for the end of the warm process, which has been told."""
    try:
        return process.wait(GRACE)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


def read_outcome(said: object) -> Outcome:
    """Read what a keeper told; it ran as the partition's user, so it may be anything."""
    if not isinstance(said, dict):
        raise InvalidValue("the keeper told no object")
    try:
        bangs = [str(title) for title in said["bangs"]]
        return Outcome(
            promises=int(said["promises"]),
            statuses=tuple(read_status(status) for status in said["statuses"]),
            looked=frozenset(str(name) for name in said["looked"]),
            bangs=tuple(bangs),
            odd=tuple(str(text) for text in said["odd"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidValue(f"the keeper told something else: {error!r}") from error
