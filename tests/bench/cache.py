"""The binary cache beside SlapProxy's, and beside nginx that serves the same files."""

import hashlib
import os
import sys
import time
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from dataclasses import replace
from pathlib import Path
from statistics import median

from slapcore.cache.client import Client
from slapcore.protocol import shadir
from tests.bench.load import Crowd
from tests.bench.load import Job
from tests.bench.load import Sample
from tests.bench.load import Script
from tests.bench.measure import Effort
from tests.bench.measure import Figures
from tests.bench.measure import figures
from tests.bench.peers import Nginx
from tests.bench.peers import Peer
from tests.bench.peers import SlapProxy
from tests.bench.peers import family
from tests.bench.report import Line

MEGABYTE = 1_000_000
SIZES = {"1 MB": MEGABYTE, "100 MB": 100 * MEGABYTE}
KEYS = 100
SETTINGS = """\
[shacache]
directory = data
listen = 127.0.0.1:{port}
open_networks = 127.0.0.0/8
unsigned = yes
"""


class Cache(Peer):
    """Ours, alone."""

    name = "shacache"
    contents = "/shacache"
    entries = "/shadir"

    def command(self) -> Sequence[str | Path]:
        path = self.root / "shacache.ini"
        path.write_text(SETTINGS.format(port=self.door.port))
        return [Path(sys.executable).parent / "shacache", "--config", path, "serve",
                "--log-level", "ERROR"]  # fmt: skip


class ProxyCache(SlapProxy):
    """What SlapProxy has of a cache."""

    name = "SlapProxy's cache"
    contents = "/shacache/cache"
    entries = "/shacache/dir"

    def command(self) -> Sequence[str | Path]:
        command = super().command()
        with (self.root / "slapos.cfg").open("a") as configuration:
            for part in ("content", "metadata"):
                (self.root / part).mkdir()
                configuration.write(f"shacache_{part}_directory = {self.root / part}\n")
        return command


@dataclass(frozen=True)
class Upload(Script):
    """Puts contents of ``size`` bytes that nobody has put before."""

    templates: tuple[bytes, ...] = ()
    path: str = ""
    size: int = 0

    def requests(self) -> Iterator[bytes]:
        head = (
            f"POST {self.path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
            f"Content-Type: application/octet-stream\r\nContent-Length: {self.size}\r\n\r\n"
        ).encode()
        # What is in it makes no difference to the servers, and zeros are made at once.
        request = bytearray(len(head) + self.size)
        request[: len(head)] = head
        while True:
            request[len(head) : len(head) + 16] = os.urandom(16)
            yield request


def download(path: str) -> Script:
    return Script((f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode(),))


def look_up(folder: str, keys: Sequence[str]) -> Script:
    lines = "HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    return Script(tuple(f"GET {folder}/{key} {lines}".encode() for key in keys))


@dataclass(frozen=True)
class Place:
    """A server that is filled: where on it is what is asked for."""

    peer: Peer
    contents: str
    entries: str
    sums: dict[str, str]

    def content(self, size: str) -> str:
        return f"{self.contents}/{self.sums[size]}"


@dataclass(frozen=True)
class Task:
    """A row of the table."""

    name: str
    clients: int
    good: int
    script: Callable[[Place], Script]
    goal: float
    on_files: bool = False


def tasks() -> list[Task]:
    rows = []
    for size, clients in [(size, clients) for size in SIZES for clients in (1, 4, 8)]:
        get = lambda place, size=size: download(place.content(size))  # noqa: E731
        rows.append(Task(f"download {size}", clients, 200, get, 3.0, on_files=True))
    for size, clients in [(size, clients) for size in SIZES for clients in (1, 4)]:
        put = lambda place, size=size: Upload(  # noqa: E731
            path=place.contents, size=SIZES[size]
        )
        rows.append(Task(f"upload {size}", clients, 201, put, 1.0))
    known = [f"key-{number}" for number in range(KEYS)]
    unknown = [f"unknown-{number}" for number in range(KEYS)]
    for clients in (1, 8):
        rows += [
            Task("lookup, hit", clients, 200, lambda p: look_up(p.entries, known), 1.0),
            Task("lookup, miss", clients, 404, lambda p: look_up(p.entries, unknown), 1.0),
        ]
    return rows


def fill(peer: Cache | ProxyCache, contents: dict[str, bytes], source: Path) -> Place:
    """Put the contents, and entries for the first of them."""
    address = f"http://{peer.door.name}"
    client = Client(f"{address}{peer.contents}", f"{address}{peer.entries}")
    sums = {}
    for size, data in contents.items():
        source.write_bytes(data)
        with source.open("rb") as file:
            sums[size] = client.put(file, lambda number: None)
    for number in range(KEYS):
        metadata = {"sha512": sums["1 MB"], "number": number, "about": "x" * 200}
        client.put_entry(f"key-{number}", shadir.make_entry(metadata, None))
    return Place(peer, peer.contents, peer.entries, sums)


def measure_cache(
    crowd: Crowd, root: Path, effort: Effort, peer_python: Path | None, nginx: str | None
) -> tuple[list[Line], dict[str, dict[str, str]]]:
    """Measure all rows; with what each server has weighed at most."""
    folder = root / "cache"
    folder.mkdir()
    contents = {name: os.urandom(size) for name, size in SIZES.items()}
    with ExitStack() as stack:
        peers: list[Cache | ProxyCache] = [Cache(folder)]
        peers += [ProxyCache(folder, peer_python)] if peer_python else []
        places = [
            fill(stack.enter_context(peer), contents, folder / "source") for peer in peers
        ]
        files = serve_files(stack, folder, nginx, contents) if nginx else []
        lines = [
            measure_task(crowd, effort, task, places + (files if task.on_files else []))
            for task in tasks()
        ]
        notes = {
            place.peer.name: {"memory at most": f"{peak(place.peer) / 1e6:.0f} MB"}
            for place in places
        }
    notes["this machine"] = {"sha512 on one core": f"{hash_rate() / 1e6:.0f} MB/s"}
    return lines, notes


def serve_files(
    stack: ExitStack, folder: Path, nginx: str, contents: dict[str, bytes]
) -> list[Place]:
    server = Nginx(folder, nginx)
    sums = {}
    for size, data in contents.items():
        sums[size] = hashlib.sha512(data).hexdigest()
        server.serve(sums[size], data)
    return [Place(stack.enter_context(server), "", "", sums)]


def measure_task(crowd: Crowd, effort: Effort, task: Task, places: Sequence[Place]) -> Line:
    samples: dict[str, list[Sample]] = {place.peer.name: [] for place in places}
    for number in range(effort.rounds):
        for place in places if number % 2 == 0 else places[::-1]:
            script = task.script(place)
            job = Job(place.peer.door, script, seconds_of(task, effort), keep_alive=False)
            samples[place.peer.name].append(crowd.measure([job] * task.clients))
    found = {name: figures_of(each, task.good) for name, each in samples.items()}
    return Line(task.name, task.clients, task.goal, found, Cache.name, ProxyCache.name)


def seconds_of(task: Task, effort: Effort) -> float:
    """Take long enough for some of the large ones."""
    return max(effort.seconds, 3.0) if "100 MB" in task.name else effort.seconds


def figures_of(samples: list[Sample], good: int) -> Figures:
    """Make the figures where another status than 200 is what is wanted."""
    rates = [sample.statuses[good] / sample.seconds for sample in samples]
    failures = sum(sample.statuses.total() - sample.statuses[good] for sample in samples)
    return replace(
        figures(samples),
        rate=median(rates),
        lowest=min(rates),
        highest=max(rates),
        failures=failures,
    )


def peak(peer: Peer) -> int:
    """Say how many bytes a server and its children have had resident at most."""
    return sum(peak_of(pid) for pid in family(peer.process.pid))


def peak_of(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0


def hash_rate() -> float:
    data = bytes(MEGABYTE)
    found = hashlib.sha512()
    begin = time.process_time()
    for _ in range(200):
        found.update(data)
    return 200 * MEGABYTE / (time.process_time() - begin)
