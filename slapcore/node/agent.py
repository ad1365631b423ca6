"""One run of the node: lock, ask, do each item, report.

- One item that fails never stops another: this is where everything that it raises is caught.
- Without the Master the node goes on with what is deployed, and says so by its exit code.
- Several partitions are worked on at once, up to a limit; the same for releases.
"""

import enum
import logging
import threading
from collections.abc import Callable
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from dataclasses import field
from typing import TypeVar

from slapcore.config import NodeConfig
from slapcore.errors import ProtocolError
from slapcore.errors import SlapError
from slapcore.errors import Unavailable
from slapcore.node import departure
from slapcore.node import instance
from slapcore.node import software
from slapcore.node.collect.usage import pass_reports_on
from slapcore.node.host import Host
from slapcore.node.instance import OldOrders
from slapcore.node.instance import PromiseFailed
from slapcore.node.instance import Work
from slapcore.node.lock import only_one
from slapcore.node.obeyed import Memory
from slapcore.node.process import renounce_new_privileges
from slapcore.node.promises import Promises
from slapcore.node.software import ReleaseWork
from slapcore.node.supervisor import ProgramState
from slapcore.node.supervisor import Supervisor
from slapcore.protocol.documents import InstanceView
from slapcore.protocol.documents import NodeView
from slapcore.protocol.documents import ReleaseView
from slapcore.slap.as_node import AsNode
from slapcore.slap.connection import Target
from slapcore.slap.master import Master
from slapcore.states import InstanceState
from slapcore.states import ReleaseState

log = logging.getLogger(__name__)

Item = TypeVar("Item")

#: what is told of an error; the Master keeps the end
TOLD_LENGTH = 5000


class Verdict(enum.IntEnum):
    """How a run went, as its exit code; the codes are those of the legacy node."""

    DONE = 0
    FAILED = 1
    PROMISE_FAILED = 2
    OFFLINE = 3


#: the worst first: what a run with several of these is called
WORST_FIRST = (Verdict.FAILED, Verdict.PROMISE_FAILED, Verdict.OFFLINE, Verdict.DONE)


@dataclass
class Summary:
    """What became of each item of a run."""

    changed: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    verdicts: list[Verdict] = field(default_factory=list)

    @property
    def verdict(self) -> Verdict:
        return next((each for each in WORST_FIRST if each in self.verdicts), Verdict.DONE)


class Agent:
    """The node's agent; whatever it does begins here."""

    def __init__(self, config: NodeConfig) -> None:
        self.config = config
        self.host = Host(config)
        self.memory = Memory(self.host)
        self.supervisor = Supervisor(self.host)
        self.promises = Promises(self.host)
        self._connections = threading.local()
        self._opened: list[Master] = []

    def close(self) -> None:
        self.promises.close()
        for master in self._opened:
            master.close()

    def node(self) -> AsNode:
        """Give our side of a connection with the Master; each thread has its own."""
        known: AsNode | None = getattr(self._connections, "node", None)
        if known is None:
            master = Master(target_of(self.config))
            self._opened.append(master)
            known = self._connections.node = master.as_node(self.config.reference)
        return known

    def prepare(self) -> None:
        """Make ready what every run needs."""
        self.host.prepare()
        if not self.config.new_privileges:
            renounce_new_privileges()

    def building(self) -> AbstractContextManager[None]:
        """Hold what is built to ourselves; raises ``Busy`` when another run has it."""
        return only_one(self.host.run / "slapnode-software.lock")

    def instantiating(self, *, wait: bool = False) -> AbstractContextManager[None]:
        """Hold the partitions to ourselves."""
        return only_one(self.host.run / "slapnode-instance.lock", wait=wait)

    # releases

    def process_releases(self, only: Iterable[str] = (), *, again: bool = False) -> Summary:
        """Bring the releases to their wanted states."""
        summary = Summary()
        with self.building():
            wanted = [each for each in self.node().see().releases if is_meant(each.url, only)]
            first = [each for each in wanted if each.state is ReleaseState.AVAILABLE]
            rest = [each for each in wanted if each.state is not ReleaseState.AVAILABLE]
            for some in (first, rest):
                self._each(some, lambda each: self._process_release(each, again, summary),
                           self.config.parallel_builds)  # fmt: skip
        return summary

    def _process_release(self, wanted: ReleaseView, again: bool, summary: Summary) -> None:
        def bring_about() -> bool:
            work = ReleaseWork(
                place=self.host.release(wanted.url), host=self.host, node=self.node(),
                memory=self.memory, again=again,
            )  # fmt: skip
            available = wanted.state is ReleaseState.AVAILABLE
            return software.supply(work) if available else software.remove(work)

        self._do(
            summary, wanted.url, bring_about,
            lambda text: self.node().release_failed(wanted.url, text),
        )  # fmt: skip

    # instances

    def process_instances(
        self, only: Iterable[str] = (), *, force: bool = False, wait: bool = False
    ) -> Summary:
        """Bring the partitions to their wanted states; ``wait`` for another run to end."""
        with self.instantiating(wait=wait):
            self.supervisor.write_config()
            self.supervisor.launch()
            try:
                seen = self.node().see()
            except (Unavailable, ProtocolError) as error:
                return self.go_on_alone(error)
            return self.process_partitions(seen, only, force=force)

    def process_partitions(
        self, seen: NodeView, only: Iterable[str] = (), *, force: bool = False
    ) -> Summary:
        """Bring about what is wanted of the partitions with an instance."""
        summary = Summary()
        wanted = [each for each in instances_of(seen) if is_meant(each.partition_id, only)]
        check_names(wanted, only)
        running = self._programs()
        self._each(
            wanted,
            lambda each: self._process_instance(each, running, force, summary),
            self.config.parallel,
        )
        return summary

    def go_on_alone(self, error: SlapError) -> Summary:
        """Go on without the Master: what was started last is to run."""
        log.warning("the master is away, and we go on with what is deployed: %s", error)
        self.start_remembered()
        return Summary(verdicts=[Verdict.OFFLINE])

    def start_remembered(self) -> None:
        """Start what was to be started by the last orders that were obeyed."""
        for name, obeyed in self.memory.all():
            if obeyed.state == InstanceState.STARTED:
                self.host.groups.prepare(name)
                self.supervisor.update([name])
                self.supervisor.start(name)

    def _process_instance(
        self,
        wanted: InstanceView,
        running: dict[str, tuple[ProgramState, ...]],
        force: bool,
        summary: Summary,
    ) -> None:
        name = wanted.partition_id

        def bring_about() -> bool:
            work = self.work_on(wanted, running.get(name, ()))
            return instance.bring_about(work, force=force)

        self._do(summary, name, bring_about, lambda text: self._tell_failure(wanted, text))

    def _tell_failure(self, wanted: InstanceView, text: str) -> None:
        """Tell the Master once, and again when it has heard something else since."""
        name = wanted.partition_id
        obeyed = self.memory.find(name)
        told_before = obeyed is not None and obeyed.reported == "error"
        if not (told_before and wanted.access_status.startswith("#error")):
            self.node().failed(name, text)
            instance.note_failure(self.memory, name)

    def work_on(
        self, wanted: InstanceView, programs: tuple[ProgramState, ...] = ()
    ) -> Work:
        return Work(
            wanted=wanted,
            place=self.host.partition(wanted.partition_id),
            release=self.host.release(wanted.release_url),
            host=self.host,
            supervisor=self.supervisor,
            node=self.node(),
            memory=self.memory,
            programs=programs,
            check=self.promises.check,
        )

    def _programs(self) -> dict[str, tuple[ProgramState, ...]]:
        found: dict[str, tuple[ProgramState, ...]] = {}
        for state in self.supervisor.states():
            found[state.group] = (*found.get(state.group, ()), state)
        return found

    # reports

    def report(self) -> Summary:
        """Have the instances gone that are to go, and tell what was used."""
        summary = Summary()
        with self.instantiating(wait=True):
            self.supervisor.write_config()
            self.supervisor.launch()
            for wanted in instances_of(self.node().see()):
                self._pass_reports_on(wanted.partition_id)
                if wanted.state == InstanceState.DESTROYED:
                    self._depart(wanted, summary)
        return summary

    def _pass_reports_on(self, name: str) -> None:
        """Tell what an instance says that it has used; a failure to do so is no failure of it."""
        try:
            pass_reports_on(self.host.partition(name), self.node())
        except (SlapError, OSError) as error:
            log.warning("%s: what it used is not told: %s", name, error)

    def _depart(self, wanted: InstanceView, summary: Summary) -> None:
        name = wanted.partition_id
        self._do(
            summary, name, lambda: departure.depart(self.work_on(wanted)),
            lambda text: self.node().failed(name, text),
        )  # fmt: skip

    # what is common to all items

    def _each(self, items: list[Item], do: Callable[[Item], None], limit: int) -> None:
        if len(items) < 2 or limit < 2:
            for item in items:
                do(item)
            return
        with ThreadPoolExecutor(min(limit, len(items)), "item") as pool:
            for _ in pool.map(do, items):
                pass

    def _do(
        self,
        summary: Summary,
        name: str,
        bring_about: Callable[[], bool],
        tell: Callable[[str], None],
    ) -> None:
        """Work on one item; whatever it raises ends here, and goes to the log and the Master."""
        try:
            if bring_about():
                summary.changed.append(name)
        except (Unavailable, OldOrders) as error:
            offline = isinstance(error, Unavailable)
            self._fail(summary, name, error, Verdict.OFFLINE if offline else Verdict.FAILED)
        except Exception as error:  # noqa: BLE001
            kept = not isinstance(error, PromiseFailed)
            verdict = Verdict.FAILED if kept else Verdict.PROMISE_FAILED
            self._tell(tell, self._fail(summary, name, error, verdict))

    def _fail(self, summary: Summary, name: str, error: Exception, verdict: Verdict) -> str:
        """Note that an item failed; gives what the Master is told of it."""
        text = told(error)
        summary.failed[name] = text
        summary.verdicts.append(verdict)
        unexpected = None if isinstance(error, SlapError | OSError) else error
        log.error("%s: %s", name, text, exc_info=unexpected)
        return text

    def _tell(self, tell: Callable[[str], None], text: str) -> None:
        """Tell the Master; that it does not hear is no reason to stop."""
        try:
            tell(text)
        except SlapError as error:
            log.warning("the master could not be told: %s", error)


def target_of(config: NodeConfig) -> Target:
    return Target(
        url=config.master_url,
        certificate=config.certificate,
        key=config.key,
        authority=config.authority,
        fingerprint=config.fingerprint,
    )


def instances_of(seen: NodeView) -> list[InstanceView]:
    """Give the instances that a node is told of; what is free is nobody's."""
    return [each.instance for each in seen.partitions if each.instance is not None]


def is_meant(name: str, only: Iterable[str]) -> bool:
    chosen = set(only)
    return not chosen or name in chosen


def check_names(wanted: Iterable[InstanceView], only: Iterable[str]) -> None:
    missing = set(only) - {each.partition_id for each in wanted}
    if missing:
        raise SlapError(f"no instance lives in {', '.join(sorted(missing))}")


def told(error: Exception) -> str:
    """Give what the Master is told of an error: the end, where the reason is."""
    text = str(error.args[0]) if error.args else str(error)
    return (text or type(error).__name__)[-TOLD_LENGTH:]
