"""One partition, brought to its wanted state, as a list of steps.

- Each step may be taken again at any time: a run that was cut off is simply run again.
- What has been obeyed is not done again before its period is over; that it runs, and keeps its
  promises, is looked at every time.
- Orders that are older than those already obeyed are refused: a Master that was restored must
  not undo what came after its backup.
"""

import logging
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from dataclasses import replace
from pathlib import Path

from slapcore.errors import Conflict
from slapcore.errors import NotFound
from slapcore.errors import SlapError
from slapcore.node import buildout
from slapcore.node.host import PARTITION_MODE
from slapcore.node.host import Host
from slapcore.node.host import PartitionPlace
from slapcore.node.host import ReleasePlace
from slapcore.node.host import check_free_space
from slapcore.node.obeyed import TIMESTAMP
from slapcore.node.obeyed import Memory
from slapcore.node.obeyed import Obeyed
from slapcore.node.programs import find_programs
from slapcore.node.programs import write_programs
from slapcore.node.supervisor import ProgramState
from slapcore.node.supervisor import Supervisor
from slapcore.node.supervisor import replace_text
from slapcore.protocol.documents import InstanceView
from slapcore.slap.as_node import AsNode
from slapcore.states import InstanceState

log = logging.getLogger(__name__)

RETENTION_DELAY = ".slapos-retention-lock-delay"
TRANSACTION = ".slapos-request-transaction-{}"
ERROR_LOG = ".slapgrid-{}-error.log"

#: what the client library makes of a master that says nothing
NOTHING_SAID = "#error no data found"


class OldOrders(Conflict):
    """The Master orders what was ordered before something that has been obeyed since."""


class PromiseFailed(SlapError):
    """What was deployed does not do what it promised."""


@dataclass(frozen=True, kw_only=True)
class Work:
    """One partition, what is wanted of it, and what it takes to work on it."""

    wanted: InstanceView
    place: PartitionPlace
    release: ReleasePlace
    host: Host
    supervisor: Supervisor
    node: AsNode
    memory: Memory
    #: the programs of this partition as supervisord had them when the run began
    programs: tuple[ProgramState, ...] = ()
    #: tells what fails of the partition's promises; looks only at what is due when told so
    check: Callable[["Work", bool], str]

    @property
    def name(self) -> str:
        return self.place.name


Step = Callable[[Work], None]


def bring_about(work: Work, *, force: bool = False) -> bool:
    """Bring a partition to its wanted state; tell whether there was anything to do."""
    if not force:
        refuse_old_orders(work)
    if not force and not is_due(work):
        look_after(work)
        return False
    log.info("partition %s: %s, %s", work.name, work.wanted.state, work.wanted.release_url)
    work.place.folder.remove(TIMESTAMP)
    work.place.folder.remove(ERROR_LOG.format(work.name))
    steps = STEPS[InstanceState(work.wanted.state)]
    try:
        for step in steps:
            log.debug("partition %s: %s", work.name, step.__name__)
            step(work)
    except SlapError as error:
        if work.wanted.state == InstanceState.STOPPED:
            # Nothing that is wrong with its profile may keep an instance from being stopped.
            stop_programs(work)
        if not isinstance(error, PromiseFailed):
            work.place.folder.write(ERROR_LOG.format(work.name), f"{error}\n")
        raise
    return True


def refuse_old_orders(work: Work) -> None:
    obeyed = work.memory.find(work.name)
    if obeyed is None or not work.wanted.timestamp:
        return
    same = (obeyed.master, obeyed.instance) == (
        work.host.config.master_url, work.wanted.instance_guid,
    )  # fmt: skip
    if same and work.wanted.timestamp < obeyed.timestamp:
        raise OldOrders(
            f"the orders for {work.name} are of {work.wanted.timestamp}, and those of "
            f"{obeyed.timestamp} have been obeyed already; --force obeys nevertheless"
        )


def is_due(work: Work) -> bool:
    """Tell whether there are new orders, or the old ones were obeyed too long ago."""
    done = work.place.folder.modified(TIMESTAMP)
    if done is None or not work.wanted.timestamp:
        return True
    if work.place.folder.read(TIMESTAMP) != str(work.wanted.timestamp):
        return True
    return time.time() > done + period_of(work)


def period_of(work: Work) -> float:
    """Give how long orders are good for, by the release or by the configuration."""
    try:
        seconds = float((work.release.directory / "periodicity").read_text())
    except (OSError, ValueError):
        return work.host.config.periodicity
    return seconds if seconds >= 0 else float("inf")


def look_after(work: Work) -> None:
    """See that what has been deployed runs and keeps its promises, and report what has changed."""
    if work.wanted.state != InstanceState.STARTED:
        return
    if has_never_run(work):
        make_group(work)
        start_programs(work)
    problem = work.check(work, True)
    if problem:
        raise PromiseFailed(problem)
    obeyed = work.memory.find(work.name)
    told_wrong = work.wanted.access_status.startswith("#error") and (
        work.wanted.access_status != NOTHING_SAID
    )
    if told_wrong or obeyed is None or obeyed.reported != work.wanted.state:
        report_state(work)
        remember(work)


def has_never_run(work: Work) -> bool:
    """Tell whether supervisord has been begun anew since the partition was deployed."""
    wanted = {program.shown for program in find_programs(work.place)}
    known = {program.name for program in work.programs if program.started}
    return bool(wanted - known)


# the steps


def prepare_directory(work: Work) -> None:
    """Refuse a directory that is not as ``format`` makes it: others could be in it."""
    found = work.place.directory.lstat()
    if found.st_mode & 0o7777 != PARTITION_MODE:
        raise SlapError(
            f"{work.place.directory} has mode {found.st_mode & 0o7777:04o}, not "
            f"{PARTITION_MODE:04o}; the format command mends that"
        )
    if work.host.is_root and found.st_uid == 0:
        raise SlapError(f"{work.place.directory} belongs to root; the format command mends that")
    check_free_space(
        work.place.directory, work.host.config.instance_free_space, "instance_min_free_space"
    )
    work.place.folder.remove(TRANSACTION.format(work.name))


def fetch_certificate(work: Work) -> None:
    """Have the instance's key and certificate where its programs look for them."""
    key, certificate = work.place.key, work.place.certificate
    if key is None or certificate is None:
        return
    found = work.node.fetch_credentials(work.name)
    if found is None:
        return
    for path, text in ((key, found.key), (certificate, found.certificate)):
        keep_secret(path, text, work.place)


def keep_secret(path: Path, text: str, place: PartitionPlace) -> None:
    """Write a file outside of the partition that its user alone reads."""
    uid, gid = place.folder.uid, place.folder.gid
    if not path.exists() or path.read_text() != text:
        replace_text(path, text, 0o400)
    if uid >= 0:
        os.chown(path, uid, gid)


def write_profile(work: Work) -> None:
    """Write what buildout makes the instance of."""
    if not work.release.is_complete:
        raise SlapError(f"the release {work.wanted.release_url} is not built here yet")
    work.place.folder.link("software_release", work.release.directory)
    buildout.write_instance_profile(work.place, work.release, profile_tail(work))


def profile_tail(work: Work) -> str:
    config = work.host.config
    return buildout.TAIL.format(
        node=config.reference,
        partition=work.name,
        master=config.master_url,
        release=work.wanted.release_url,
        key=work.place.key or "",
        certificate=work.place.certificate or "",
        authority=config.authority or "",
        fingerprint=config.fingerprint,
        shared_parts=buildout.list_paths(config.shared_parts),
        build_time_parts=buildout.list_paths(config.build_time_parts),
        state=work.wanted.state,
        storage_home=config.storage_home or "",
        network=config.ipv4_global_network,
    )


def run_buildout(work: Work) -> None:
    buildout.instantiate(work.place, work.release, work.host)


def keep_retention(work: Work) -> None:
    """Write down how long the instance is to be kept after its end: once, for its whole life."""
    if work.place.folder.read(RETENTION_DELAY) is None:
        text = work.wanted.sla.get("retention_delay", "0")
        try:
            days = float(text)
        except ValueError:
            log.warning("partition %s: a retention_delay that is no number is left out", work.name)
            days = 0.0
        work.place.folder.write(RETENTION_DELAY, str(days))


def make_group(work: Work) -> None:
    """Tell supervisord what the partition's programs are; unchanged ones go on running."""
    programs = find_programs(work.place)
    path = work.host.programs / f"{work.name}.conf"
    if not programs:
        log.warning("partition %s has no programs in etc/service or etc/run", work.name)
        path.unlink(missing_ok=True)
    else:
        prepare_programs(work)
        text = write_programs(work.place, work.host, programs)
        if not path.exists() or path.read_text() != text:
            replace_text(path, text)
    work.supervisor.update([work.name])


def prepare_programs(work: Work) -> None:
    """Make the control group of the programs, and the directory of their output."""
    work.host.groups.prepare(work.name)
    path = work.place.program_logs
    path.mkdir(exist_ok=True)
    path.chmod(0o750)
    if work.place.folder.gid >= 0:
        # The partition's group reads it, and nobody else.
        os.chown(path, -1, work.place.folder.gid)


def start_programs(work: Work) -> None:
    work.supervisor.start(work.name)


def stop_programs(work: Work) -> None:
    """Stop what runs, and have supervisord forget it, so that nothing starts it again."""
    (work.host.programs / f"{work.name}.conf").unlink(missing_ok=True)
    work.supervisor.update([work.name])
    work.host.groups.end(work.name)


def check_promises(work: Work) -> None:
    problem = work.check(work, False)
    if problem:
        raise PromiseFailed(problem)


def report_state(work: Work) -> None:
    if work.wanted.state == InstanceState.STARTED:
        work.node.started(work.name)
    else:
        work.node.stopped(work.name)


def report_children(work: Work) -> None:
    """Tell which children were asked for: the client library has written down their titles."""
    titles = (work.place.folder.read(TRANSACTION.format(work.name)) or "").splitlines()
    try:
        work.node.note_related(work.name, sorted(filter(None, titles)))
    except NotFound as error:
        log.debug("partition %s: the master takes no list of children: %s", work.name, error)


def remember(work: Work) -> None:
    """Keep what has been obeyed: for the next run, and for the time without a Master."""
    wanted = work.wanted
    obeyed = Obeyed(
        master=work.host.config.master_url,
        instance=wanted.instance_guid,
        release=wanted.release_url,
        state=wanted.state,
        timestamp=wanted.timestamp,
        title=wanted.title,
        software_type=wanted.software_type,
        reported=wanted.state,
    )
    work.memory.keep(work.name, obeyed)
    if work.place.folder.read(TIMESTAMP) != str(wanted.timestamp) and wanted.timestamp:
        work.place.folder.write(TIMESTAMP, str(wanted.timestamp), 0o644)


def note_failure(memory: Memory, name: str) -> None:
    """Remember that the Master was told of a failure, so that it hears when that is over."""
    obeyed = memory.find(name)
    if obeyed is not None:
        memory.keep(name, replace(obeyed, reported="error"))


_DEPLOY: tuple[Step, ...] = (
    prepare_directory, fetch_certificate, write_profile, run_buildout, keep_retention,
)  # fmt: skip

#: what it takes to reach each state, in order
STEPS: dict[InstanceState, tuple[Step, ...]] = {
    InstanceState.STARTED: (
        *_DEPLOY, make_group, start_programs, check_promises,
        report_state, report_children, remember,
    ),
    # A stopped instance is deployed too: it tells its children to stop.
    InstanceState.STOPPED: (
        *_DEPLOY, stop_programs, report_state, report_children, remember,
    ),
    # What is to go is stopped by a run; it goes when it is reported gone.
    InstanceState.DESTROYED: (stop_programs, report_state, remember),
}  # fmt: skip
