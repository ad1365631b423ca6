"""``python -m tests.bench``: our master beside SlapProxy, on this machine, in one run."""

import json
import os
import platform
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import click
from rich.console import Console
from rich.progress import Progress

from tests.bench.cache import measure_cache
from tests.bench.ceiling import measure_ceiling
from tests.bench.content import World
from tests.bench.large import measure_large
from tests.bench.load import Crowd
from tests.bench.measure import Comparison
from tests.bench.measure import Effort
from tests.bench.peers import Nginx
from tests.bench.peers import Peer
from tests.bench.peers import Proxy
from tests.bench.peers import SlapProxy
from tests.bench.peers import find_nginx
from tests.bench.peers import make_peer_python
from tests.bench.peers import processor
from tests.bench.race import run_races
from tests.bench.report import Report
from tests.bench.secure import measure_secure
from tests.bench.table import Bench

MOST_CLIENTS = 8
#: The tables need so many columns, on a terminal or not.
WIDTH = 140


@dataclass(frozen=True, kw_only=True)
class Run:
    """What one run is asked to do, and what it finds out."""

    root: Path
    peer_python: Path | None
    ours: bool
    effort: Effort
    instances: int
    places: int
    rows: str
    crowd: Crowd
    progress: Progress
    report: Report

    def peers(self, scene: str) -> list[Peer]:
        """Make servers that are new: ours first."""
        root = self.root / scene
        peers: list[Peer] = [Proxy(root)] if self.ours else []
        return peers + ([SlapProxy(root, self.peer_python)] if self.peer_python else [])

    def measure_requests(self) -> None:
        with ExitStack() as stack:
            peers = [stack.enter_context(peer) for peer in self.peers("requests")]
            nginx = find_nginx()
            if nginx is None:
                self.progress.console.log("nginx isn't installed: nothing serves the same bytes")
            files = stack.enter_context(Nginx(self.root, nginx)) if nginx else None
            comparison = Comparison(self.crowd, [World(peer) for peer in peers], self.effort)
            bench = Bench(comparison, files, self.progress, self.rows, self.instances)
            for line in bench.run():
                self.report.lines.append(line)
            for peer in peers:
                note = {"resident memory": f"{peer.memory() / 1e6:.0f} MB"}
                self.report.notes[peer.name] = note | {"start": f"{peer.started_in:.2f} s"}
                self.report.machine[peer.name] = peer.version

    def measure_races(self) -> None:
        for peer in self.peers("races"):
            with peer:
                self.progress.console.log(f"races at {peer.name}")
                self.report.races[peer.name] = run_races(self.crowd, World(peer))
                self.report.machine[peer.name] = peer.version

    def measure_large(self) -> None:
        self.progress.console.log(f"a site with {self.places:,} places: filling takes minutes")
        lines, notes = measure_large(self.crowd, self.root, self.effort, self.places)
        self.report.lines += lines
        self.report.notes.setdefault(Proxy.name, {}).update(notes)

    def measure_cache(self) -> None:
        self.progress.console.log("the binary cache")
        lines, notes = measure_cache(
            self.crowd, self.root, self.effort, self.peer_python, find_nginx()
        )
        self.report.lines += lines
        for name, note in notes.items():
            self.report.notes.setdefault(name, {}).update(note)

    def measure_secure(self) -> None:
        self.report.lines += measure_secure(self.crowd, self.root, self.effort)

    def measure_ceiling(self) -> None:
        self.report.lines += measure_ceiling(self.crowd, self.root, self.effort)


PARTS: dict[str, Callable[[Run], None]] = {
    "requests": Run.measure_requests,
    "races": Run.measure_races,
    "large": Run.measure_large,
    "cache": Run.measure_cache,
    "tls": Run.measure_secure,
    "ceiling": Run.measure_ceiling,
}
DEFAULT_PARTS = ("requests", "races")


@click.command()
@click.argument("parts", nargs=-1, type=click.Choice(tuple(PARTS)))
@click.option(
    "--peer-python",
    envvar="SLAPMASTER_BENCH_PEER",
    type=click.Path(exists=True, path_type=Path),
    help="A Python with slapos.core; without, an environment is made, once.",
)
@click.option("--alone", is_flag=True, help="Measure our master without SlapProxy.")
@click.option("--peer-only", is_flag=True, help="Measure SlapProxy without our master.")
@click.option("--seconds", default=2.0, show_default=True, help="How long a round lasts.")
@click.option("--rounds", default=3, show_default=True, help="How many rounds, in turns.")
@click.option("--keep-alive", is_flag=True, help="One connection per client, as no slapos has.")
@click.option("--instances", default=5000, show_default=True, help="How many for the last rows.")
@click.option("--places", default=150_000, show_default=True, help="How large a site is large.")
@click.option("--rows", default="", help="Measure the rows with this in their name only.")
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Write figures here.")
@click.option("--rst", "rst_path", type=click.Path(path_type=Path), help="Write the tables here.")
def main(
    parts: tuple[str, ...],
    peer_python: Path | None,
    alone: bool,
    peer_only: bool,
    seconds: float,
    rounds: int,
    keep_alive: bool,
    instances: int,
    places: int,
    rows: str,
    json_path: Path | None,
    rst_path: Path | None,
) -> None:
    """Measure PARTS (requests, races; also: cache, large, ceiling) and print the tables."""
    console = Console(stderr=True)
    with ExitStack() as stack:
        root = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="slapmaster-bench-")))
        # nginx drops its rights, and must still be able to read what it serves.
        root.chmod(0o755)
        run = Run(
            root=root,
            peer_python=None if alone else peer_python or make_peer_python(),
            ours=not peer_only,
            effort=Effort(seconds, rounds, keep_alive),
            instances=instances,
            places=places,
            rows=rows,
            crowd=stack.enter_context(Crowd(MOST_CLIENTS)),
            progress=stack.enter_context(Progress(console=console, transient=True)),
            report=Report(machine()),
        )
        try:
            for part in parts or DEFAULT_PARTS:
                PARTS[part](run)
        finally:
            # What was measured before something broke, or before somebody lost patience, is said.
            publish(run.report, json_path, rst_path)


def machine() -> dict[str, str]:
    return {
        "processor": processor(),
        "cores": str(os.cpu_count()),
        "kernel": platform.release(),
        "Python": platform.python_version(),
        "slapmaster": version("slapmaster"),
    }


def publish(report: Report, json_path: Path | None, rst_path: Path | None) -> None:
    report.show(Console(width=WIDTH))
    if json_path is not None:
        json_path.write_text(json.dumps(report.as_dict(), indent=2) + "\n")
    if rst_path is not None:
        rst_path.write_text(report.as_rst())


if __name__ == "__main__":
    main()
