"""The one supervisord of a node: written, launched, told what has changed, asked what runs.

- It listens on a local socket that only its owner may use.
- A change of one partition's programs stops and starts that partition's group and no other.
- It is launched with a clean environment and without a way to new privileges.
"""

import logging
import os
import shlex
import sys
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from slapcore.errors import SlapError
from slapcore.node.host import Host
from slapcore.node.process import Program
from slapcore.node.process import ProgramFailed
from slapcore.node.process import require
from slapcore.node.rpc import Caller
from slapcore.node.rpc import Fault
from slapcore.node.rpc import NotRunning

log = logging.getLogger(__name__)

#: the codes of supervisord's refusals that say that it is so already
BAD_NAME = 10
STILL_RUNNING = 91
ALREADY_STARTED = 60
NOT_RUNNING = 70
ALREADY_ADDED = 90

RUNNING = frozenset({"RUNNING", "STARTING", "BACKOFF"})
SECONDS_TO_LAUNCH = 20.0
SECONDS_TO_STOP = 70.0

CONFIG = """[unix_http_server]
file = {socket}
chmod = 0600

[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface

[supervisord]
loglevel = info
logfile = {logs}/supervisord.log
logfile_maxbytes = 10MB
logfile_backups = 3
pidfile = {run}/supervisord.pid
childlogdir = {logs}
nodaemon = false
umask = 027

[supervisorctl]
serverurl = unix://{socket}

[eventlistener:watchdog]
command = {watchdog}
events = PROCESS_STATE_EXITED,PROCESS_STATE_FATAL
buffer_size = 1000
stderr_logfile = {logs}/watchdog.log
stderr_logfile_maxbytes = 1MB
stderr_logfile_backups = 1
environment = PYTHONNOUSERSITE="true"

[include]
files = {programs}/*.conf
"""

LAUNCH = "import sys; sys.argv[0] = 'supervisord'; from supervisor.supervisord import main; main()"


@dataclass(frozen=True)
class ProgramState:
    """One program as supervisord sees it; ``started`` is 0 for one that never ran."""

    group: str
    name: str
    state: str
    pid: int
    started: int
    explanation: str
    output: Path

    @property
    def is_running(self) -> bool:
        return self.state in RUNNING


class Supervisor:
    """The supervisord of ``host``."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._caller = Caller(host.socket)
        self._changing = threading.Lock()

    # the daemon itself

    def write_config(self) -> None:
        """Write what the daemon reads, when it says something else."""
        host = self._host
        words = [sys.executable, "-m", "slapcore.node.watchdog", str(host.config.path)]
        values = {
            "socket": host.socket, "logs": host.logs, "run": host.run, "programs": host.programs,
            "watchdog": shlex.join(words),
        }  # fmt: skip
        escaped = {key: str(value).replace("%", "%%") for key, value in values.items()}
        text = CONFIG.format(**escaped)
        path = host.supervisord_config
        if not path.exists() or path.read_text() != text:
            replace_text(path, text)

    def is_running(self) -> bool:
        try:
            return bool(self._caller.call("supervisor.getState")["statename"] == "RUNNING")
        except (NotRunning, Fault):
            return False

    def launch(self) -> bool:
        """Have the daemon running; tell whether it had to be launched."""
        if self.is_running():
            return False
        if not self._host.config.start_supervisord:
            raise NotRunning(f"no supervisord at {self._host.socket}, and it is not ours to launch")
        self.write_config()
        words = (sys.executable, "-c", LAUNCH, "-c", str(self._host.supervisord_config))
        try:
            program = Program(
                words=words, directory=self._host.root, seconds=60.0, bare=True, lasting=True
            )
            require(program, "supervisord")
        except ProgramFailed as error:
            raise SlapError(f"{error}: {' '.join(error.lines[-3:])}") from error
        limit = time.monotonic() + SECONDS_TO_LAUNCH
        while not self.is_running():
            if time.monotonic() > limit:
                raise NotRunning("supervisord was launched and does not answer")
            time.sleep(0.05)
        log.info("supervisord launched")
        return True

    def shut_down(self) -> None:
        """End the daemon and all that it runs; harmless when it is not running."""
        try:
            pid = int(self._caller.call("supervisor.getPID"))
            self._caller.call("supervisor.shutdown")
        except (NotRunning, Fault):
            return
        limit = time.monotonic() + SECONDS_TO_STOP
        while Path(f"/proc/{pid}").exists() and time.monotonic() < limit:
            time.sleep(0.05)

    # groups

    def update(self, names: Iterable[str]) -> None:
        """Have these groups be what their files say, and leave all others alone."""
        wanted = set(names)
        with self._changing:
            added, changed, removed = self._caller.call("supervisor.reloadConfig")[0]
            for group in wanted & {*removed, *changed}:
                self._remove(group)
            for group in wanted & {*added, *changed}:
                self._tolerate((ALREADY_ADDED,), "supervisor.addProcessGroup", group)
                log.info("programs of %s have changed", group)

    def start(self, group: str) -> None:
        """Start what is not running in a group; harmless when there is no such group."""
        self._tolerate((BAD_NAME,), "supervisor.startProcessGroup", group, False)

    def stop(self, group: str) -> None:
        """Stop a group, and wait until it has stopped."""
        self._tolerate((BAD_NAME,), "supervisor.stopProcessGroup", group, True)

    def call(self, method: str, *parameters: object) -> object:
        """Call a method of supervisord's own; raises ``Fault`` with its words."""
        return self._caller.call(f"supervisor.{method}", *parameters)

    def states(self) -> list[ProgramState]:
        """List all programs of partitions, as they are now."""
        return [
            ProgramState(
                group=told["group"], name=told["name"], state=told["statename"], pid=told["pid"],
                started=told["start"], explanation=told["description"],
                output=Path(told["stdout_logfile"]),
            )
            for told in self._caller.call("supervisor.getAllProcessInfo")
            if told["group"] != "watchdog"
        ]  # fmt: skip

    def _remove(self, group: str) -> None:
        self._tolerate((BAD_NAME,), "supervisor.stopProcessGroup", group, True)
        limit = time.monotonic() + SECONDS_TO_STOP
        while self._tolerate((BAD_NAME,), "supervisor.removeProcessGroup", group) == STILL_RUNNING:
            if time.monotonic() > limit:
                raise SlapError(f"the programs of {group} do not stop")
            time.sleep(0.1)

    def _tolerate(self, codes: tuple[int, ...], method: str, *parameters: object) -> int:
        """Call, and take some refusals for an answer; gives the code, 0 when there was none."""
        try:
            self._caller.call(method, *parameters)
        except Fault as error:
            if error.code in codes or error.code == STILL_RUNNING:
                return error.code
            raise
        return 0


def replace_text(path: Path, text: str, mode: int = 0o600) -> None:
    """Write a file of the node's own in one go: it is the old one or the new one, never a half."""
    draft = path.with_name(f".{path.name}.new")
    number = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(number, "w", encoding="utf-8") as file:
        os.fchmod(number, mode)
        file.write(text)
    draft.replace(path)


