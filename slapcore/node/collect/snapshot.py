"""One look at what the machine and each partition use.

Whose a process is, is told by its user; where partitions share one, by the control group, or by
what supervisord has started.
"""

import os
import shutil
from collections.abc import Collection
from collections.abc import Iterable
from dataclasses import dataclass

import psutil

from slapcore.node.host import Host
from slapcore.node.host import PartitionPlace
from slapcore.node.supervisor import ProgramState

NODE = ""


@dataclass(frozen=True, kw_only=True)
class Use:
    """What one partition uses, or the whole node, whose name is empty.

    Processor time is in seconds since the processes began, all else in bytes.
    """

    partition: str
    processes: int = 0
    cpu_seconds: float = 0.0
    memory: int = 0
    read: int = 0
    written: int = 0
    disk: int = 0


def look(host: Host, states: Collection[ProgramState], *, with_disk: bool = False) -> list[Use]:
    """Look at everything once; how much lies on the disk only when asked, for it takes long."""
    places = list(host.partitions())
    uids = [place.directory.stat().st_uid for place in places]
    found = []
    for place, uid in zip(places, uids, strict=True):
        alone = uids.count(uid) == 1 and uid != os.getuid()
        processes = of_user(uid) if alone else of_partition(host, place, states)
        disk = disk_of(place) if with_disk else 0
        found.append(add_up(place.name, processes, disk))
    return [of_node(host), *found]


def of_user(uid: int) -> list[psutil.Process]:
    return [each for each in psutil.process_iter(["uids"]) if owner_of(each) == uid]


def owner_of(process: psutil.Process) -> int:
    uids = process.info["uids"]
    return -1 if uids is None else int(uids.real)


def of_partition(
    host: Host, place: PartitionPlace, states: Iterable[ProgramState]
) -> list[psutil.Process]:
    pids = set(host.groups.pids(place.name))
    pids |= {each.pid for each in states if each.group == place.name and each.pid}
    found: dict[int, psutil.Process] = {}
    for pid in pids:
        try:
            process = psutil.Process(pid)
            found |= {each.pid: each for each in (process, *process.children(recursive=True))}
        except psutil.NoSuchProcess:
            continue
    return list(found.values())


def add_up(name: str, processes: Iterable[psutil.Process], disk: int) -> Use:
    count, cpu, memory, read, written = 0, 0.0, 0, 0, 0
    for process in processes:
        try:
            with process.oneshot():
                times = process.cpu_times()
                cpu += times.user + times.system
                memory += process.memory_info().rss
                done = process.io_counters()
                read += done.read_bytes
                written += done.write_bytes
                count += 1
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return Use(
        partition=name, processes=count, cpu_seconds=round(cpu, 2), memory=memory, read=read,
        written=written, disk=disk,
    )  # fmt: skip


def of_node(host: Host) -> Use:
    times = psutil.cpu_times()
    busy = sum(times) - times.idle - getattr(times, "iowait", 0.0)
    done = psutil.disk_io_counters()
    return Use(
        partition=NODE,
        processes=len(psutil.pids()),
        cpu_seconds=round(busy, 2),
        memory=psutil.virtual_memory().used,
        read=done.read_bytes if done else 0,
        written=done.write_bytes if done else 0,
        disk=shutil.disk_usage(host.root).used,
    )


def disk_of(place: PartitionPlace) -> int:
    """Count what lies in a partition, each file once, without following links."""
    total, seen = 0, set()
    for folder, names, files in os.walk(place.directory, onerror=lambda error: None):
        for name in (*names, *files):
            try:
                found = os.lstat(os.path.join(folder, name))
            except OSError:
                continue
            if (found.st_dev, found.st_ino) not in seen:
                seen.add((found.st_dev, found.st_ino))
                total += found.st_blocks * 512
    return total
