"""The agent as a daemon: each kind of work in its own time, and orders as soon as they are given.

- Where the Master offers to wait, it is asked to; else it is asked every so often.
- Releases are built beside everything else: an instance does not wait for a build of another.
- A signal ends it: what it has started to do is cut off, and done again by the next.
"""

import logging
import signal
import threading
import time
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from dataclasses import field
from datetime import UTC
from datetime import datetime

from slapcore.errors import NotOffered
from slapcore.errors import SlapError
from slapcore.node.agent import Agent
from slapcore.node.agent import Summary
from slapcore.node.agent import Verdict
from slapcore.node.collect.snapshot import look
from slapcore.node.collect.store import Store
from slapcore.node.collect.usage import tell_use
from slapcore.node.lock import only_one
from slapcore.node.metrics import write_metrics
from slapcore.node.process import end_everything
from slapcore.node.rpc import NotRunning

log = logging.getLogger(__name__)

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
#: seconds that a wait for orders takes at most, so that a lost connection is noticed
LONGEST_WAIT = 50
#: seconds between two looks at the signals
BEAT = 1.0
#: how much longer a kind of work that has failed waits before it is tried again
PATIENCE = 5
SECONDS_TO_END = 10.0


@dataclass
class Task:
    """One kind of work: how often, and how it is told that there is some now."""

    name: str
    do: Callable[[], Summary]
    seconds: float
    wake: threading.Event = field(default_factory=threading.Event)


class Daemon:
    """One node that works until it is told to end."""

    def __init__(self, agent: Agent) -> None:
        self.agent = agent
        config = agent.config
        self._ended = threading.Event()
        self._runs: dict[str, tuple[float, int]] = {}
        self._store = Store(agent.host.state / "use.sqlite", config.retention_days)
        self._builds = Task("software", self._build, config.poll_seconds)
        self._instances = Task("instance", self._process_instances, config.promise_seconds)
        self._reports = Task("report", self._report, config.report_seconds)
        self._collects = Task("collect", self._collect, config.collect_seconds)
        self.tasks = (self._builds, self._instances, self._reports, self._collects)

    def run(self) -> None:
        """Work until a signal comes; raises ``Busy`` where another daemon works."""
        with only_one(self.agent.host.run / "slapnode-run.lock"), heeding(self._ended):
            threads = [
                threading.Thread(target=self._work, args=(task,), name=task.name, daemon=True)
                for task in self.tasks
            ]
            watcher = threading.Thread(target=self._watch, name="orders", daemon=True)
            for thread in (*threads, watcher):
                thread.start()
            log.info("the node %s is at work", self.agent.config.reference)
            while not self._ended.wait(BEAT):
                pass
            self.end(threads)

    def end(self, threads: list[threading.Thread]) -> None:
        """Have all work end, by cutting off what takes long."""
        log.info("told to end")
        for task in self.tasks:
            task.wake.set()
        end_everything()
        limit = time.monotonic() + SECONDS_TO_END
        for thread in threads:
            thread.join(max(0.0, limit - time.monotonic()))

    def _work(self, task: Task) -> None:
        """Do one kind of work, again and again; nothing that goes wrong in it ends it."""
        while not self._ended.is_set():
            task.wake.clear()
            begun = time.monotonic()
            try:
                summary = task.do()
            except SlapError as error:
                log.warning("%s: %s", task.name, error)
                summary = Summary(failed={task.name: str(error)})
            except Exception:
                log.exception("%s: what should not happen", task.name)
                summary = Summary(failed={task.name: "what should not happen"})
            self._runs[task.name] = (time.monotonic() - begun, len(summary.failed))
            longer = PATIENCE if summary.failed and task is self._builds else 1
            task.wake.wait(task.seconds * longer)

    def _watch(self) -> None:
        """Wait for orders, and wake who is to carry them out."""
        while not self._ended.is_set():
            try:
                before = self.agent.node().see()
                self._wait_for_orders()
                if self.agent.node().see() != before:
                    for task in (self._builds, self._instances, self._reports):
                        task.wake.set()
            except SlapError as error:
                log.debug("no orders are heard of: %s", error)
                self._ended.wait(self.agent.config.poll_seconds)

    def _wait_for_orders(self) -> None:
        """Wait until there may be news: as the Master says, or until it is time to ask."""
        try:
            self.agent.node().wait_for_orders(LONGEST_WAIT)
        except NotOffered:
            self._ended.wait(self.agent.config.poll_seconds)

    def _build(self) -> Summary:
        """Build what is ordered; instances may have waited for it."""
        summary = self.agent.process_releases()
        if summary.changed:
            self._instances.wake.set()
        return summary

    def _process_instances(self) -> Summary:
        return self.agent.process_instances(wait=True)

    def _report(self) -> Summary:
        tell_use(self._store, self.agent.node(), datetime.now(UTC))
        return self.agent.report()

    def _collect(self) -> Summary:
        try:
            states = self.agent.supervisor.states()
        except NotRunning:
            states = []
        uses = look(self.agent.host, states)
        self._store.keep(uses)
        path = self.agent.config.metrics_file
        if path is not None:
            write_metrics(path, self.agent.memory.all(), states, uses, dict(self._runs))
        return Summary(verdicts=[Verdict.DONE])


@contextmanager
def heeding(ended: threading.Event) -> Iterator[None]:
    """Have signals end us; they are not blocked, for all that we start would have them blocked."""
    before = {number: signal.signal(number, lambda *_: ended.set()) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
