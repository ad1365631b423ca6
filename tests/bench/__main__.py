"""``python -m tests.bench``: our master beside SlapProxy, on this machine, in one run."""

import json
import os
import platform
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import click
from rich.console import Console
from rich.progress import Progress

from tests.bench.ceiling import measure_ceiling
from tests.bench.content import World
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
from tests.bench.table import Bench

MOST_CLIENTS = 8
#: The tables need so many columns, on a terminal or not.
WIDTH = 140
PARTS = ("requests", "races", "ceiling")


@dataclass(frozen=True)
class Cast:
    """Who takes part, and below which directory each keeps its data."""

    root: Path
    peer_python: Path | None
    ours: bool

    def peers(self, scene: str) -> list[Peer]:
        """Make servers that are new: ours first."""
        root = self.root / scene
        peers: list[Peer] = [Proxy(root)] if self.ours else []
        return peers + ([SlapProxy(root, self.peer_python)] if self.peer_python else [])


@click.command()
@click.argument("parts", nargs=-1, type=click.Choice(PARTS))
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
    rows: str,
    json_path: Path | None,
    rst_path: Path | None,
) -> None:
    """Measure PARTS (requests, races; also: ceiling) and print the tables."""
    console = Console(stderr=True)
    with ExitStack() as stack:
        root = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="slapmaster-bench-")))
        # nginx drops its rights, and must still be able to read what it serves.
        root.chmod(0o755)
        python = None if alone else peer_python or make_peer_python()
        cast = Cast(root, python, not peer_only)
        progress = stack.enter_context(Progress(console=console, transient=True))
        crowd = stack.enter_context(Crowd(MOST_CLIENTS))
        report = Report(machine())
        effort = Effort(seconds, rounds, keep_alive)
        wanted = parts or ("requests", "races")
        if "ceiling" in wanted:
            report.lines += measure_ceiling(crowd, root, effort)
        if "requests" in wanted:
            measure_requests(report, cast, crowd, effort, rows, progress)
        if "races" in wanted:
            measure_races(report, cast, crowd)
    publish(report, json_path, rst_path)


def measure_requests(
    report: Report, cast: Cast, crowd: Crowd, effort: Effort, rows: str, progress: Progress
) -> None:
    with ExitStack() as stack:
        peers = [stack.enter_context(peer) for peer in cast.peers("requests")]
        nginx = find_nginx()
        if nginx is None:
            progress.console.log("nginx isn't installed: no comparison with bytes from a file")
        file_server = stack.enter_context(Nginx(cast.root, nginx)) if nginx else None
        comparison = Comparison(crowd, [World(peer) for peer in peers], effort)
        for line in Bench(comparison, file_server, progress, rows).run():
            report.lines.append(line)
        for peer in peers:
            note = {"resident memory": f"{peer.memory() / 1e6:.0f} MB"}
            report.notes[peer.name] = note | {"start": f"{peer.started_in:.2f} s"}
            report.machine[peer.name] = peer.version


def measure_races(report: Report, cast: Cast, crowd: Crowd) -> None:
    for peer in cast.peers("races"):
        with peer:
            report.races[peer.name] = run_races(crowd, World(peer))
            report.machine[peer.name] = peer.version


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
