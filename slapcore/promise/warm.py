"""The warm process: it has all that promises need, and forks a keeper per partition.

- It is asked by lines of JSON on its standard input, a socket, and answers there.
- It reads nothing that belongs to a partition; a keeper does, as the partition's user.
- When whoever asks has gone, so is it, and all that it started.
"""

import gc
import importlib
import json
import os
import selectors
import signal
import socket
import sys
import time
import traceback
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path
from typing import Any
from typing import NoReturn

from slapcore.errors import SlapError
from slapcore.promise import keeper
from slapcore.promise import privilege
from slapcore.promise.keeper import Errand
from slapcore.promise.legacy import finder
from slapcore.promise.look import Look
from slapcore.promise.process import answer

#: What promises import most, and would else import one by one; and what a keeper can't import
#: any more when its user may not read the files of this Python.
PRELOADED = (
    "_strptime",
    "configparser",
    "datetime",
    "email.utils",
    "encodings.ascii",
    "encodings.idna",
    "encodings.latin_1",
    "hashlib",
    "http.client",
    "re",
    "shutil",
    "socket",
    "sqlite3",
    "ssl",
    "subprocess",
    "tempfile",
    "urllib.request",
    "zope.interface",
)

#: Bytes of an answer of a keeper; more is not believed.
MAX_ANSWER = 2**22
#: Seconds that a keeper may take beyond those after which it begins no further promise.
PATIENCE = 60.0


@dataclass
class Kept:
    """A keeper that works."""

    number: int
    pid: int
    pipe: int
    deadline: float
    said: bytearray = field(default_factory=bytearray)


class Warm:
    """Forks keepers, some at a time, and passes their answers on."""

    def __init__(self, asker: socket.socket, parallel: int) -> None:
        self._asker = asker
        self._parallel = parallel
        self._asked = b""
        self._gone = False
        self._waiting: deque[tuple[int, Errand]] = deque()
        self._keepers: dict[int, Kept] = {}
        self._selector = selectors.DefaultSelector()
        self._selector.register(asker, selectors.EVENT_READ)

    def run(self) -> None:
        """Work until whoever asks has gone."""
        while not self._gone:
            while self._waiting and len(self._keepers) < self._parallel:
                self._begin(*self._waiting.popleft())
            for key, _ in self._selector.select(self._patience()):
                if key.fileobj is self._asker:
                    self._hear()
                else:
                    self._take(self._keepers[key.fd])
            self._press()

    def close(self) -> None:
        """End all that was started."""
        for kept in self._keepers.values():
            privilege.kill(kept.pid)
        privilege.sweep(set())

    def _patience(self) -> float | None:
        if not self._keepers:
            return None
        first = min(kept.deadline for kept in self._keepers.values())
        return max(0.0, first - time.monotonic())

    def _press(self) -> None:
        for kept in list(self._keepers.values()):
            if time.monotonic() >= kept.deadline:
                privilege.kill(kept.pid)

    def _hear(self) -> None:
        chunk = self._asker.recv(2**16)
        self._gone = not chunk
        *lines, self._asked = (self._asked + chunk).split(b"\n")
        for line in lines:
            said = json.loads(line)
            self._waiting.append((said["number"], Errand(**said["errand"])))

    def _say(self, number: int, **said: object) -> None:
        content = json.dumps({"number": number, **said}).encode() + b"\n"
        try:
            self._asker.sendall(content)
        except OSError:
            self._gone = True

    def _begin(self, number: int, errand: Errand) -> None:
        slots = max(1, self._parallel // (len(self._keepers) + len(self._waiting) + 1))
        reading, writing = os.pipe()
        parent = os.getpid()
        pid = os.fork()
        if not pid:
            try:
                _keep(errand, slots, writing, parent)
            finally:
                traceback.print_exc()
                os._exit(1)
        os.close(writing)
        deadline = time.monotonic() + keeper.MAX_SECONDS + errand.timeout + PATIENCE
        self._keepers[reading] = Kept(number, pid, reading, deadline)
        self._selector.register(reading, selectors.EVENT_READ)

    def _take(self, kept: Kept) -> None:
        """Take a part of what a keeper says; at its end, pass the whole on."""
        chunk = os.read(kept.pipe, 2**16)
        kept.said += chunk
        if chunk and len(kept.said) <= MAX_ANSWER:
            return
        self._selector.unregister(kept.pipe)
        os.close(kept.pipe)
        del self._keepers[kept.pipe]
        privilege.kill(kept.pid)
        status = os.waitstatus_to_exitcode(os.waitpid(kept.pid, 0)[1])
        privilege.sweep({other.pid for other in self._keepers.values()})
        outcome = _decode(bytes(kept.said))
        if outcome is None:
            problem = f"the keeper of the promises has ended with {status} and told nothing"
            self._say(kept.number, problem=problem)
        else:
            self._say(kept.number, **outcome)


def _decode(content: bytes) -> Mapping[str, Any] | None:
    """Read what a keeper said; it ran as the partition's user, so it may be anything."""
    try:
        said = json.loads(content)
    except (ValueError, RecursionError):
        return None
    if isinstance(said, dict) and len(said) == 1 and set(said) <= {"outcome", "problem"}:
        return said
    return None


def _keep(errand: Errand, slots: int, pipe: int, parent: int) -> NoReturn:
    """Be a keeper: become the partition's user, do the errand, tell."""
    try:
        _give_up(errand, parent, pipe)
        told: dict[str, Any] = {"outcome": keeper.keep(errand, slots)}
    except (OSError, SlapError) as error:
        told = {"problem": str(error)}
    content = json.dumps(told).encode()
    while content:
        content = content[os.write(pipe, content) :]
    os._exit(0)


def _give_up(errand: Errand, parent: int, pipe: int) -> None:
    """Give up what the warm process has and a keeper must not: its user, its socket."""
    gc.disable()
    os.setsid()
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    privilege.close_others(pipe)
    privilege.become(errand.uid, errand.gid)
    privilege.end_with(parent)
    privilege.adopt_orphans()
    os.umask(0o022)
    home = Path(errand.partition)
    os.environ.clear()
    os.environ.update(privilege.clean_environment(errand.uid, home))


def end(number: int, frame: object) -> NoReturn:
    sys.exit(0)


def serve(parallel: int) -> None:
    """Be the warm process of whoever is at the other end of the standard input."""
    finder.install()
    for name in PRELOADED:
        importlib.import_module(name)
    privilege.adopt_orphans()
    signal.signal(signal.SIGTERM, end)
    asker = socket.socket(fileno=os.dup(0))
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    gc.collect()
    gc.freeze()
    warm = Warm(asker, parallel)
    try:
        warm.run()
    finally:
        warm.close()


def main(arguments: list[str]) -> None:
    """Be the warm process (``serve PARALLEL``), or look at one promise (``look NUMBER``)."""
    what, number = arguments
    if what == "serve":
        serve(int(number))
    else:
        look = Look(**json.load(sys.stdin))
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        answer(look, int(number))
