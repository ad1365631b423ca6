"""One software release, brought to its wanted state.

- What has been built once is not built again, unless that is asked for.
- A release that other machines have built alike is taken from the network cache.
- A build that fails leaves what it has done: the next one goes on from there.
- A release that an instance here lives on is not removed.
"""

import json
import logging
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass

from slapcore.errors import Conflict
from slapcore.errors import NotFound
from slapcore.errors import SlapError
from slapcore.node import buildout
from slapcore.node import built
from slapcore.node.folder import Folder
from slapcore.node.host import Host
from slapcore.node.host import ReleasePlace
from slapcore.node.host import check_free_space
from slapcore.node.netcache import NetworkCache
from slapcore.node.obeyed import Memory
from slapcore.slap.as_node import AsNode

log = logging.getLogger(__name__)

#: what the node writes of a build, for people and for other nodes
RECORD = ".slapnode-build.json"


@dataclass(frozen=True, kw_only=True)
class ReleaseWork:
    """One release, and what it takes to work on it."""

    place: ReleasePlace
    host: Host
    node: AsNode
    memory: Memory
    #: build again what is complete, and look for newer versions
    again: bool = False


Step = Callable[[ReleaseWork], None]


def supply(work: ReleaseWork) -> bool:
    """Have a release built and the Master know; tell whether there was anything to do."""
    if work.place.is_complete and not work.again:
        return False
    for step in AVAILABLE:
        log.debug("release %s: %s", work.place.url, step.__name__)
        step(work)
    log.info("release %s is available", work.place.url)
    return True


def remove(work: ReleaseWork) -> bool:
    """Have a release gone and the Master know; tell whether there was anything left."""
    users = [name for name, obeyed in work.memory.all() if obeyed.release == work.place.url]
    if users:
        raise Conflict(f"{work.place.url} is not removed: {', '.join(users)} live on it")
    there = work.place.directory.exists()
    if there:
        work.place.completed.unlink(missing_ok=True)
        shutil.rmtree(work.place.directory)
        log.info("release %s is removed", work.place.url)
    try:
        work.node.release_destroyed(work.place.url)
    except NotFound as error:
        log.debug("the master does not know %s: %s", work.place.url, error)
    return there


def check_space(work: ReleaseWork) -> None:
    config = work.host.config
    check_free_space(config.software_root, config.software_free_space, "software_min_free_space")


def tell_building(work: ReleaseWork) -> None:
    try:
        work.node.building(work.place.url)
    except NotFound as error:
        log.debug("the master does not know %s: %s", work.place.url, error)


def fetch_or_build(work: ReleaseWork) -> None:
    """Take the release from the network cache, or build it and offer it there."""
    place = work.place
    cache = NetworkCache(work.host)
    begun = time.time()
    if not place.directory.exists() and cache.fetch(place):
        return
    if cache.is_forced(place.url):
        raise SlapError(f"{place.url} is only to come from the network cache, which has it not")
    prepare_directory(work)
    outcome = buildout.build(place, work.host, newest=work.again)
    record = {
        **built.describe_build(place.url, place.directory, outcome.lines),
        "seconds": round(time.time() - begun, 1),
    }
    if record["unpinned"]:
        log.warning("release %s has pinned not all: %s", place.url, ", ".join(record["unpinned"]))
    uid, gid = place.account.uid, place.account.gid
    folder = Folder(place.directory, -1 if uid is None else uid, -1 if gid is None else gid)
    folder.write(RECORD, json.dumps(record, indent=1), 0o644)
    cache.offer(place, record)


def prepare_directory(work: ReleaseWork) -> None:
    place = work.place
    for path in (place.directory, place.directory / "extends-cache"):
        path.mkdir(exist_ok=True)
        path.chmod(0o755)
    buildout.write_release_profile(place, work.host.config)
    if work.host.is_root and place.account.uid is not None and place.account.gid is not None:
        own = (place.directory, place.directory / "extends-cache", place.directory / "buildout.cfg")
        for path in own:
            os.chown(path, place.account.uid, place.account.gid, follow_symlinks=False)


def tell_available(work: ReleaseWork) -> None:
    """Tell before it is marked: a report that is lost is made again with the next run."""
    work.node.available(work.place.url)


def mark_complete(work: ReleaseWork) -> None:
    work.place.completed.write_text(time.asctime())


#: what it takes to have a release, in order; each may be taken again at any time
AVAILABLE: tuple[Step, ...] = (
    check_space, tell_building, fetch_or_build, tell_available, mark_complete,
)  # fmt: skip
