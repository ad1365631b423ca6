"""What a site costs at several sizes, beside SlapProxy where that can hold them.

``python -m tests.bench.scale build DIR --nodes 5000`` makes a site; ``measure DIR`` measures all
that were made there and prints a table; ``races DIR`` has eight clients ask for the same things,
``day DIR`` has every node ask once a minute.
"""

import threading
import time
from array import array
from collections.abc import Callable
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import click

from slapmaster.domain.allocation import find_place
from slapmaster.domain.plan import make_up
from slapmaster.domain.plan import plan_service
from slapmaster.domain.reasons import explain
from slapmaster.domain.reasons import put_in_words
from slapmaster.domain.site import Site
from slapmaster.domain.tree import InstanceTree
from slapmaster.master import Master
from slapmaster.proxy import opened_proxy
from slapmaster.proxy import read_proxy_settings
from slapmaster.storage import opened
from tests.bench import wire
from tests.bench.content import World
from tests.bench.load import Caller
from tests.bench.load import Crowd
from tests.bench.load import Job
from tests.bench.load import Script
from tests.bench.measure import Figures
from tests.bench.measure import figures
from tests.bench.peers import Peer
from tests.bench.peers import SlapProxy
from tests.bench.peers import write_configuration
from tests.bench.race import run_races
from tests.bench.report import csv_table
from tests.bench.report import number
from tests.bench.rows import SERVICES
from tests.bench.site import PLACES
from tests.bench.site import MadeSite
from tests.bench.site import act_on
from tests.bench.site import build
from tests.bench.site import wish

#: How often a decision is made, and a plan.
DECISIONS = 1_000
PLANS = 50
DEMANDING = {"region": "europe/land4", "memory_size": "8"}
IMPOSSIBLE = {"region": "europe/land4", "capability": "gpu"}
CLIENTS = (1, 8)

Column = dict[str, str]


def measure_inside(master: Master) -> Column:
    """Measure what is decided in the process itself, without any HTTP."""
    with opened(master.parts.store.main) as connection:
        site = connection.root()["site"]
        decide(master, site, {}, DECISIONS // 10)  # so that records are in memory
        return {
            "decision, no demands (p50, p99 ms)": spread_of(decide(master, site, {}, DECISIONS)),
            "decision, region and memory (p50, p99 ms)": spread_of(
                decide(master, site, DEMANDING, DECISIONS)
            ),
            "plan with its reasons (p50, p99 ms)": spread_of(plan(master, site)),
            "why not (p50, p99 ms)": spread_of(why_not(master, site)),
        }


def decide(master: Master, site: Site, demands: dict[str, str], count: int) -> array:
    act, project = act_on(master, site), next(iter(site.projects))
    tree = InstanceTree("", "decision", "PERS-1", project.reference)
    instance = make_up(tree, None, wish("decision", demands))
    return timed(lambda: find_place(act, instance), count)


def plan(master: Master, site: Site) -> array:
    act, project = act_on(master, site), next(iter(site.projects))
    person = site.persons["PERS-1"]
    return timed(lambda: plan_service(act, person, project, wish("plan", DEMANDING)), PLANS)


def why_not(master: Master, site: Site) -> array:
    tree = InstanceTree("", "why", "PERS-1", next(iter(site.projects)).reference)
    instance = make_up(tree, None, wish("why", IMPOSSIBLE))
    return timed(lambda: put_in_words(instance, explain(site, instance)), PLANS)


def timed(operation: Callable[[], object], count: int) -> array:
    latencies = array("d")
    for _ in range(count):
        begin = time.perf_counter()
        operation()
        latencies.append(time.perf_counter() - begin)
    return latencies


def spread_of(latencies: array) -> str:
    found = sorted(latencies)
    p99 = found[min(len(found) - 1, len(found) * 99 // 100)]
    return f"{found[len(found) // 2] * 1000:.2f}, {p99 * 1000:.2f}"


def measure_outside(crowd: Crowd, world: World, nodes: list[str], seconds: float) -> Column:
    """Measure through the door: allocations, polls of what has not changed, a search."""
    found: Column = {}
    polls = tuple(world.information(node) for node in nodes)
    for poll in polls[:1000]:
        world.say(poll)
    for clients in CLIENTS:
        script = [Script(tuple(polls[each::clients])) for each in range(clients)]
        found[f"unchanged polls/s, {clients} clients (p99 ms)"] = said(
            run(crowd, world, script, seconds)
        )
    room = len(nodes) * PLACES // 3  # so much is free for each of the two rows
    for clients in CLIENTS:
        script = [
            Script(tuple(new_requests(world, nodes, each)), (clients + each) * 1_000_000)
            for each in range(clients)
        ]
        found[f"durable allocations/s, {clients} clients (p99 ms)"] = said(
            run(crowd, world, script, seconds, room // clients)
        )
    title = f"{nodes[0]}-0"
    search = world.search(f'{SERVICES} AND title:="{title}"')
    found["search by title/s (p99 ms)"] = said(run(crowd, world, [Script((search,))], seconds))
    return found


def new_requests(world: World, nodes: list[str], client: int) -> Iterator[bytes]:
    """Ours chooses a node itself; SlapProxy has to be told one, or takes its own only."""
    if isinstance(world.peer, SlapProxy):
        for node in nodes[client:] + nodes[:client]:
            yield world.request(node, f"scale-{wire.NUMBER}")
        return
    yield anywhere(world)


def anywhere(world: World) -> bytes:
    told = world.request("", f"scale-{wire.NUMBER}").decode()
    head, _, body = told.partition("\r\n\r\n")
    fields = "&".join(one for one in body.split("&") if not one.startswith("filter_xml="))
    length = f"Content-Length: {len(body)}"
    return f"{head.replace(length, f'Content-Length: {len(fields)}')}\r\n\r\n{fields}".encode()


def run(
    crowd: Crowd, world: World, scripts: list[Script], seconds: float, most: int = 0
) -> Figures:
    jobs = [Job(world.peer.door, each, seconds, most) for each in scripts]
    return figures([crowd.measure(jobs)])


def said(found: Figures) -> str:
    failed = f", {found.failures} failed" if found.failures else ""
    return f"{number(found.rate)} ({found.p99:.1f}{failed})"


def measure_site(crowd: Crowd, root: Path, seconds: float) -> Column:
    peer = MadeSite(root)
    found: Column = {"database": f"{peer.database.stat().st_size / 1e6:.0f} MB"}
    with opened_proxy(read_proxy_settings(write_configuration(peer))) as master:
        with opened(master.parts.store.main) as connection:
            nodes = [node.reference for node in connection.root()["site"].nodes]
        nodes.remove("n10")
        found |= measure_inside(master)
    with peer:
        world = World(peer)
        begin = time.monotonic()
        world.say(world.information(nodes[0]))
        found["start to the first answer"] = f"{peer.started_in + time.monotonic() - begin:.2f} s"
        found |= measure_outside(crowd, world, nodes, seconds)
        found["memory after all that"] = f"{peer.memory() / 1e6:.0f} MB"
    found["pack"] = pack(peer)
    return found


def pack(peer: Peer) -> str:
    with opened_proxy(read_proxy_settings(write_configuration(peer))) as master:
        begin = time.monotonic()
        master.parts.store.pack(0)
        return f"{time.monotonic() - begin:.1f} s"


def measure_peer(crowd: Crowd, root: Path, python: Path, nodes: int, seconds: float) -> Column:
    with SlapProxy(root, python) as peer:
        world = World(peer)
        names = [f"node{one}" for one in range(nodes)]
        for name in names:
            world.format(name, PLACES)
        world.fill(names[0], 1)
        found = measure_outside(crowd, world, names, seconds)
        found["start to the first answer"] = f"{peer.started_in:.2f} s"
        found["memory after all that"] = f"{peer.memory() / 1e6:.0f} MB"
    found["database"] = f"{(peer.root / 'proxy.db').stat().st_size / 1e6:.0f} MB"
    return found


def write_table(columns: dict[str, Column]) -> str:
    rows = list(dict.fromkeys(row for column in columns.values() for row in column))
    cells = [[row, *(column.get(row, "") for column in columns.values())] for row in rows]
    return csv_table("By the number of nodes", ["what", *columns], cells)


@click.group()
def main() -> None:
    """Make sites, and measure them."""


@main.command("build")
@click.argument("directory", type=click.Path(path_type=Path))
@click.option("--nodes", default=100, show_default=True, help="How many, 30 partitions each.")
def make(directory: Path, nodes: int) -> None:
    """Make a site below DIRECTORY."""
    begin = time.monotonic()
    for _ in build(directory / str(nodes), nodes):
        pass
    click.echo(f"{nodes} nodes, {nodes * PLACES} partitions: {time.monotonic() - begin:.0f} s")


@main.command()
@click.argument("directory", type=click.Path(path_type=Path))
@click.option("--seconds", default=3.0, show_default=True, help="How long each row lasts.")
@click.option("--peer-python", type=click.Path(path_type=Path), help="A Python with slapos.core.")
@click.option("--peer-nodes", default="10,100", show_default=True, help="Sizes for SlapProxy.")
def measure(directory: Path, seconds: float, peer_python: Path | None, peer_nodes: str) -> None:
    """Measure every site below DIRECTORY."""
    columns: dict[str, Column] = {}
    try:
        with Crowd(max(CLIENTS)) as crowd:
            for root in sorted(directory.glob("[0-9]*"), key=lambda one: int(one.name)):
                columns[f"{int(root.name):,}"] = measure_site(crowd, root, seconds)
            for size in map(int, peer_nodes.split(",") if peer_python is not None else ()):
                root = directory / f"peer-{size}-{time.monotonic_ns()}"
                found = measure_peer(crowd, root, peer_python, size, seconds)
                columns[f"SlapProxy, {size:,}"] = found
    finally:
        # What was measured before something broke is said.
        click.echo(write_table(columns))


@main.command()
@click.argument("directory", type=click.Path(path_type=Path))
@click.option("--nodes", default=5000, show_default=True, help="Of which site.")
@click.option("--seconds", default=600, show_default=True, help="How long.")
def day(directory: Path, nodes: int, seconds: int) -> None:
    """Have every node of a site ask once a minute, one in a hundred with a change."""
    with MadeSite(directory / str(nodes)) as peer:
        references = [f"COMP-{each}" for each in range(1, nodes + 1)]
        live = Day(World(peer), references, seconds)
        for line in live.run():
            click.echo(line)
        click.echo(f"memory: {peer.memory() / 1e6:.0f} MB")


@main.command()
@click.argument("directory", type=click.Path(path_type=Path))
@click.option("--nodes", default=5000, show_default=True, help="Of which site.")
def races(directory: Path, nodes: int) -> None:
    """Have eight clients at once ask for the same titles, places and hosts on a site."""
    with Crowd(max(CLIENTS)) as crowd, MadeSite(directory / str(nodes)) as peer:
        for outcome in run_races(crowd, World(peer)):
            click.echo(outcome)


class Day:
    """Nodes that ask in turn, each once a minute; one in a hundred gets something new to do."""

    THREADS = 8

    def __init__(self, world: World, nodes: list[str], seconds: int) -> None:
        self.world = world
        self.nodes = nodes
        self.seconds = seconds
        self.latencies = array("d")
        self.late = array("d")
        self.errors = 0
        self.changes = 0

    def run(self) -> Iterator[str]:
        begin = time.monotonic() + 1
        threads = [
            threading.Thread(target=partial(self.live, each, begin)) for each in range(self.THREADS)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        yield f"{len(self.latencies)} requests in {self.seconds} s, {self.changes} changes"
        yield f"errors: {self.errors}"
        yield f"latency p50, p99: {spread_of(self.latencies)} ms"
        yield f"behind time p50, p99: {spread_of(self.late)} ms"

    def live(self, thread: int, begin: float) -> None:
        """Do the part of one thread: its requests have moments, sixty seconds for all nodes."""
        caller = Caller(self.world.peer.door, keep_alive=False)
        pace = 60 / len(self.nodes)
        turn = thread
        while turn * pace < self.seconds:
            moment = begin + turn * pace
            time.sleep(max(0.0, moment - time.monotonic()))
            self.late.append(max(0.0, time.monotonic() - moment))
            node = self.nodes[turn % len(self.nodes)]
            if turn % 100 == 0:
                self.changes += 1
                self.say(caller, anywhere(self.world).replace(b"@" * 8, b"%08d" % turn))
            self.say(caller, self.world.information(node))
            turn += self.THREADS

    def say(self, caller: Caller, request: bytes) -> None:
        begin = time.perf_counter()
        try:
            status, _, _ = caller.call(request)
        except OSError:
            caller.close()
            status = 0
        self.latencies.append(time.perf_counter() - begin)
        self.errors += status not in (200, 408)


if __name__ == "__main__":
    main()
