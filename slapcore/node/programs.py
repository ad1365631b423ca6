"""The programs of a partition, as supervisord reads them.

- What lies in ``etc/service`` is watched, and its name ends with ``-on-watch``; what lies in
  ``etc/run`` is not.
- Nothing starts by itself, and nothing is started again: when a program is to run is decided by
  the run, and a crash is the watchdog's matter.
- Each partition is one group, in one file.
"""

import re
import shlex
import sys
from collections.abc import Iterator
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from slapcore.errors import SlapError
from slapcore.node.host import Host
from slapcore.node.host import PartitionPlace

WATCHED = "-on-watch"
NAME = re.compile(r"[A-Za-z0-9_.+@=~-]{1,200}")
OUTPUT_AT_MOST = "1MB"

PROGRAM = """
[program:{group}_{name}]
directory={directory}
command={command}
process_name={shown}
autostart=false
autorestart=false
startsecs=0
startretries=0
exitcodes=0
stopsignal=TERM
stopwaitsecs=60
stopasgroup=true
killasgroup=true
{user}serverurl=AUTO
umask=027
redirect_stderr=true
stdout_logfile={output}
stdout_logfile_maxbytes={output_at_most}
stdout_logfile_backups=1
environment={environment}
"""


class WrongProgram(SlapError):
    """A file of a partition can't be one of its programs."""


@dataclass(frozen=True)
class PartitionProgram:
    """One program: the name of its file, as it is shown, and where it is."""

    name: str
    shown: str
    path: Path


def find_programs(place: PartitionPlace) -> tuple[PartitionProgram, ...]:
    """Find what a partition wants to run; raises ``WrongProgram`` for a name that can't be."""
    found = (*find_below(place, "etc/run"), *find_below(place, "etc/service", WATCHED))
    shown = [program.name for program in found]
    twice = {name for name in shown if shown.count(name) > 1}
    if twice:
        raise WrongProgram(f"{min(twice)} is in etc/run and in etc/service")
    return found


def find_last_programs(place: PartitionPlace) -> tuple[PartitionProgram, ...]:
    """Find what a partition wants to have run before it goes."""
    return tuple(find_below(place, "etc/prerm"))


def find_below(
    place: PartitionPlace, folder: str, suffix: str = ""
) -> Iterator[PartitionProgram]:
    for name in place.folder.files(folder):
        if not NAME.fullmatch(name):
            raise WrongProgram(f"{folder}/{name!r}: letters, digits and _.+@=~- only")
        yield PartitionProgram(name, f"{name}{suffix}", place.directory / folder / name)


def write_programs(
    place: PartitionPlace, host: Host, programs: Sequence[PartitionProgram], suffix: str = ""
) -> str:
    """Write the file of a partition's group; ``suffix`` is of a group beside the main one."""
    group = f"{place.name}{suffix}"
    members = ",".join(f"{group}_{program.name}" for program in programs)
    parts = [f"[group:{group}]\nprograms={members}\n"]
    parts += [_write_program(place, host, group, program) for program in programs]
    return "".join(parts)


def _write_program(
    place: PartitionPlace, host: Host, group: str, program: PartitionProgram
) -> str:
    values = {"USER": place.user, "LOGNAME": place.user, "HOME": str(place.home)}
    entered = needs_entrance(place, host)
    words = entrance(place, host) if entered else []
    other = place.account.uid if host.is_root and not entered else None
    return PROGRAM.format(
        group=group,
        name=_escape(program.name),
        directory=_escape(str(place.directory)),
        command=_escape(shlex.join([*words, str(program.path)])),
        shown=_escape(program.shown),
        user="" if other is None else f"user={other}\n",
        output=_escape(str(place.program_logs / f"{program.name}.log")),
        output_at_most=OUTPUT_AT_MOST,
        environment=",".join(f'{key}="{_escape(value)}"' for key, value in values.items()),
    )


def needs_entrance(place: PartitionPlace, host: Host) -> bool:
    """Tell whether a program goes through our own door: into the partition's control group."""
    return host.is_root and host.groups.is_usable and not place.account.is_ours


def entrance(place: PartitionPlace, host: Host) -> list[str]:
    """Give the words that put a program into its control group and make it its user's."""
    folder = str(host.groups.directory_of(place.name))
    account = place.account
    groups = ",".join(map(str, account.groups))
    who = [str(account.uid), str(account.gid), groups]
    return [sys.executable, "-I", "-S", str(DOOR), folder, *who]


DOOR = Path(__file__).with_name("door.py")


def _escape(text: str) -> str:
    return text.replace("%", "%%")
