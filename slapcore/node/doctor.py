"""What is wrong with this machine, and how to mend it.

Each check looks at one thing and says what it found; none changes anything.
"""

import os
import shutil
import subprocess
import time
from collections.abc import Callable
from collections.abc import Iterator
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path

from cryptography import x509

from slapcore.errors import SlapError
from slapcore.node.agent import Agent
from slapcore.node.host import PARTITION_MODE

DAY = 86400.0
SOON = 30 * DAY
CLOCKS_APART = 60.0
SOCKET_NAME_AT_MOST = 100


@dataclass(frozen=True)
class Finding:
    """What a check found: ``mend`` says what to do about it, and is empty where all is well."""

    subject: str
    text: str
    mend: str = ""

    @property
    def is_well(self) -> bool:
        return not self.mend


Check = Callable[[Agent], Iterator[Finding]]


def examine(agent: Agent) -> Iterator[Finding]:
    """Make all checks; one that can't be made is a finding, too."""
    for check in CHECKS:
        try:
            yield from check(agent)
        except (SlapError, OSError) as error:
            subject = check.__name__.removeprefix("check_").replace("_", " ")
            yield Finding(subject, str(error), "mend what is said there")


def check_master(agent: Agent) -> Iterator[Finding]:
    begun = time.monotonic()
    try:
        seen = agent.node().see()
    except SlapError as error:
        yield Finding("master", str(error), "see master_url, the network and the certificates")
        return
    took = 1000 * (time.monotonic() - begun)
    yield Finding("master", f"{len(seen.partitions)} partitions, answered in {took:.0f} ms")


def check_clock(agent: Agent) -> Iterator[Finding]:
    """Compare clocks: certificates and orders have times."""
    node = agent.node()
    answer = node.connection.get("getFullComputerInformation", {"computer_id": node.reference})
    date = answer.headers.get("Date", "")
    if not date:
        return
    apart = abs(parsedate_to_datetime(date).timestamp() - time.time())
    mend = "set the clock, and have it kept by NTP" if apart > CLOCKS_APART else ""
    yield Finding("clock", f"{apart:.0f} s from the master's", mend)


def check_certificates(agent: Agent) -> Iterator[Finding]:
    config = agent.config
    paths = [path for path in (config.certificate, config.authority) if path is not None]
    if config.partition_certificates is not None:
        paths += sorted(config.partition_certificates.glob("*.crt"))
    for path in paths:
        yield judge_certificate(path)
    if config.key is not None and config.key.stat().st_mode & 0o077:
        yield Finding("key", f"{config.key} is open to others", f"chmod 0400 {config.key}")
    if config.master_url.startswith("https") and not (config.authority or config.fingerprint):
        mend = "set master_ca_file or master_fingerprint"
        yield Finding("authority", "the master is recognised by any public authority", mend)


def judge_certificate(path: Path) -> Finding:
    try:
        found = x509.load_pem_x509_certificate(path.read_bytes())
    except ValueError as error:
        return Finding("certificate", f"{path}: {error}", "fetch it again")
    left = found.not_valid_after_utc.timestamp() - time.time()
    if left < 0:
        return Finding("certificate", f"{path} has ended", "ask the master for another one")
    if left < SOON:
        text = f"{path} ends in {left / DAY:.0f} days"
        return Finding("certificate", text, "have it renewed")
    return Finding("certificate", f"{path} is good for {left / DAY:.0f} days")


def check_disks(agent: Agent) -> Iterator[Finding]:
    config = agent.config
    places = (
        (config.software_root, config.software_free_space, "software_min_free_space"),
        (config.instance_root, config.instance_free_space, "instance_min_free_space"),
    )
    for path, needed, option in places:
        free = shutil.disk_usage(path).free
        text = f"{path} has {free >> 20} MiB left"
        if free < needed:
            yield Finding("disk", text, f"make room, or lower {option} ({needed >> 20} MiB)")
        else:
            yield Finding("disk", text)


def check_partitions(agent: Agent) -> Iterator[Finding]:
    places = list(agent.host.partitions())
    if not places:
        yield Finding("partitions", "there are none", "slapnode format")
    for place in places:
        found = place.directory.lstat()
        if found.st_mode & 0o7777 != PARTITION_MODE:
            text = f"{place.directory} has mode {found.st_mode & 0o7777:04o}"
            yield Finding("partition", text, "slapnode format")
        if agent.host.is_root and found.st_uid == 0:
            yield Finding("partition", f"{place.directory} is root's", "slapnode format")
    owners = [place.directory.lstat().st_uid for place in places]
    if agent.host.is_root and len(set(owners)) < len(owners):
        mend = "have alter_user in [slapformat], and run slapnode format"
        yield Finding("users", "partitions share a user, and can read each other", mend)
    elif places:
        yield Finding("partitions", f"{len(places)}, with {len(set(owners))} users")


def check_supervisord(agent: Agent) -> Iterator[Finding]:
    host = agent.host
    if len(str(host.socket).encode()) > SOCKET_NAME_AT_MOST:
        mend = "choose a shorter instance_root"
        yield Finding("supervisord", f"{host.socket} is too long a name for a socket", mend)
    if not agent.supervisor.is_running():
        yield Finding("supervisord", "it does not run", "slapnode instance launches it")
        return
    mode = host.socket.stat().st_mode & 0o777
    if mode & 0o077:
        yield Finding("supervisord", f"its socket has mode {mode:04o}", f"chmod 0600 {host.socket}")
    states = agent.supervisor.states()
    ended = [f"{each.group}:{each.name}" for each in states if not each.is_running and each.started]
    yield Finding("supervisord", f"{len(states)} programs, {len(ended)} of them do not run")


def check_buildout(agent: Agent) -> Iterator[Finding]:
    python = agent.config.python
    words = (str(python), "-c", "import sys, zc.buildout; print(*sys.version_info[:2])")
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=60.0, check=False)
    except OSError as error:
        yield Finding("buildout", f"{python}: {error.strerror}", "set buildout_python")
        return
    if done.returncode:
        mend = f"install zc.buildout for {python}, or set buildout_python"
        yield Finding("buildout", f"{python} can't import zc.buildout", mend)
    else:
        yield Finding("buildout", f"{python}, Python {done.stdout.strip().replace(' ', '.')}")


def check_isolation(agent: Agent) -> Iterator[Finding]:
    if os.getuid():
        yield Finding("isolation", "not root: partitions are not isolated from each other")
        return
    groups = agent.host.groups
    if not groups.is_usable:
        mend = "mount cgroup2 at /sys/fs/cgroup, and delegate it to the agent"
        yield Finding("control groups", "there are none for us", mend)
    elif not groups.controllers:
        mend = "boot with systemd.unified_cgroup_hierarchy=1 for limits"
        yield Finding("control groups", "nothing can be limited by them", mend)
    else:
        yield Finding("control groups", f"limits on {', '.join(sorted(groups.controllers))}")


CHECKS: tuple[Check, ...] = (
    check_master, check_clock, check_certificates, check_disks, check_partitions,
    check_supervisord, check_buildout, check_isolation,
)  # fmt: skip
