"""An instance leaves its partition: stopped, kept as long as was promised, gone.

Each step may be taken again: what is gone is gone, and the Master hears of it until it agrees.
"""

import logging
import time
from collections.abc import Callable
from contextlib import suppress

from slapcore.errors import Conflict
from slapcore.errors import NotFound
from slapcore.errors import SlapError
from slapcore.node.instance import RETENTION_DELAY
from slapcore.node.instance import Work
from slapcore.node.instance import fetch_certificate
from slapcore.node.instance import prepare_programs
from slapcore.node.instance import stop_programs
from slapcore.node.process import Program
from slapcore.node.process import ProgramFailed
from slapcore.node.process import require
from slapcore.node.programs import find_last_programs
from slapcore.node.programs import write_programs
from slapcore.node.supervisor import replace_text

log = logging.getLogger(__name__)

RETENTION_DATE = ".slapos-retention-lock-date"
WAIT_LIST = ".slapos-report-wait-service-list"
#: the group of the programs that are run before an instance goes
LAST = "-prerm"
#: of the machine, not of the instance
KEPT = frozenset({".slapos-resource"})
DAY = 86400.0
SECONDS_TO_END = 900.0


class NotYet(Conflict):
    """The instance is to go, and something still has to happen before."""


Step = Callable[[Work], None]


def depart(work: Work) -> bool:
    """Have an instance gone; tell whether it is, and the Master has agreed."""
    try:
        for step in STEPS:
            log.debug("partition %s leaves: %s", work.name, step.__name__)
            step(work)
    except NotYet as error:
        log.info("partition %s stays for now: %s", work.name, error)
        return False
    log.info("partition %s is empty", work.name)
    return True


def tell_stopped(work: Work) -> None:
    with suppress(SlapError):
        fetch_certificate(work)
        work.node.stopped(work.name)


def wait_for_retention(work: Work) -> None:
    """Keep what is to be kept some days after its end; they count from the first time here."""
    folder = work.place.folder
    date = _number(folder.read(RETENTION_DATE))
    if date is None:
        days = _number(folder.read(RETENTION_DELAY)) or 0.0
        if days <= 0:
            return
        date = int(time.time()) + days * DAY
        folder.write(RETENTION_DATE, str(date))
    if time.time() < date:
        when = time.strftime("%Y-%m-%d %H:%M", time.gmtime(date))
        raise NotYet(f"it is kept until {when} UTC (retention_delay)")


def run_last_programs(work: Work) -> None:
    """Run what is in ``etc/prerm`` under supervisord, each program once."""
    programs = find_last_programs(work.place)
    if not programs:
        return
    group = f"{work.name}{LAST}"
    prepare_programs(work)
    text = write_programs(work.place, work.host, programs, LAST)
    replace_text(work.host.programs / f"{group}.conf", text)
    work.supervisor.update([group])
    for state in work.supervisor.states():
        if state.group == group and not state.started:
            work.supervisor.call("startProcess", f"{group}:{state.name}", False)


def wait_for_programs(work: Work) -> None:
    """Wait for the programs that are to have ended before the instance goes."""
    waited = {line.strip() for line in (work.place.folder.read(WAIT_LIST) or "").splitlines()}
    running = [
        f"{state.group}:{state.name}"
        for state in work.supervisor.states()
        if state.is_running
        and (state.group == f"{work.name}{LAST}" or f"{state.group}:{state.name}" in waited)
    ]
    if running:
        raise NotYet(f"{', '.join(running)} still runs")


def run_own_end(work: Work) -> None:
    """Run ``sbin/destroy``, by which an instance ends what is outside of its directory."""
    if "destroy" not in work.place.folder.files("sbin"):
        return
    program = Program(
        words=(str(work.place.directory / "sbin" / "destroy"),),
        directory=work.place.directory,
        account=work.place.account,
        home=work.place.home,
        seconds=SECONDS_TO_END,
        log=work.place.log,
    )
    try:
        require(program, f"sbin/destroy of {work.name}")
    except ProgramFailed as error:
        raise SlapError(f"{error}: {' '.join(error.lines[-3:])}") from error


def remove_everything(work: Work) -> None:
    for path in (work.place.key, work.place.certificate):
        if path is not None:
            path.unlink(missing_ok=True)
    groups = [path.stem for path in work.host.programs.glob(f"{work.name}-*.conf")]
    for group in groups:
        (work.host.programs / f"{group}.conf").unlink()
    work.supervisor.update([work.name, *groups])
    work.host.groups.end(work.name)
    for folder in work.host.storage_of(work.place):
        folder.empty()
    work.place.folder.empty(keep=KEPT)


def tell_destroyed(work: Work) -> None:
    """Tell the Master; while it does not agree, it is told again with the next report."""
    try:
        work.node.destroyed(work.name)
    except NotFound as error:
        log.debug("the master does not know what was in %s: %s", work.name, error)
    except Conflict as error:
        raise NotYet(str(error)) from error
    work.memory.forget(work.name)


#: what it takes for an instance to be gone, in order
STEPS: tuple[Step, ...] = (
    stop_programs, tell_stopped, wait_for_retention, run_last_programs, wait_for_programs,
    run_own_end, remove_everything, tell_destroyed,
)  # fmt: skip


def _number(text: str | None) -> float | None:
    try:
        return float(text or "")
    except ValueError:
        return None
