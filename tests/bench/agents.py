"""The node's agent and ``slapos node``, side by side: the same release, instances and directories.

Run with ``python -m tests.bench.agents COUNT``; as root, for both have to be the same user.  Our
agent deploys, then each does what the table says.  Times are of the command and of all that it has
waited for.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import click

from slapcore.slap.connection import Target
from slapcore.slap.master import Master as Library
from slapcore.slap.wish import Wish
from slapmaster.demo.account import find_account
from slapmaster.demo.account import find_ourselves
from slapmaster.demo.agent import PROGRAM
from slapmaster.demo.agent import AgentNode
from slapmaster.demo.client import Client
from slapmaster.demo.environment import NEWEST
from slapmaster.demo.environment import cache_directory
from slapmaster.demo.environment import make_environment_of
from slapmaster.demo.master import Proxy
from slapmaster.demo.node import open_temporary_directory
from slapmaster.demo.process import make_environment
from slapmaster.demo.release import copy_release


@dataclass(frozen=True)
class Cost:
    """What a command took: seconds, of processors too, and MiB of its largest process."""

    wall: float
    cpu: float
    memory: float
    code: int


class Contest:
    """One node's directory, worked on by either."""

    def __init__(self, directory: Path, count: int) -> None:
        account = find_account()
        environment = make_environment_of(NEWEST, account, cache_directory(account))
        self.count = count
        self.master = Proxy(directory / "m", find_ourselves())
        self.node = AgentNode(environment, directory / "n", account, partitions=count)
        (directory / "home").mkdir()
        self.client = Client(environment, directory / "home", find_ourselves())
        self.release = copy_release("hello", directory / "release", account)

    def set_up(self) -> None:
        self.master.initialise()
        self.master.serve()
        self.client.point_at(self.master.api_url)
        self.node.prepare()
        self.node.point_at(self.master.api_url, self.master.node)
        path = self.node.configuration
        path.write_text(path.read_text().replace("root_check = False", "root_check = True"))
        self.node.format().require()
        self.client.supply(self.release, self.node.reference).require()
        self.node.software().require()
        with Library(Target(url=self.master.api_url)) as library:
            person = library.as_person()
            for number in range(self.count):
                person.request(Wish(title=f"web{number}", release_url=self.release))

    def ours(self, *words: str) -> Cost:
        return measure([str(PROGRAM), "--cfg", str(self.node.configuration), *words], self.home)

    def theirs(self, *words: str) -> Cost:
        program = [str(self.node.environment.slapos), "node"]
        command = [*program, words[0], "--cfg", str(self.node.configuration), *words[1:]]
        return measure(command, self.home)

    @property
    def home(self) -> Path:
        return self.node.directory / "home"


def measure(command: list[str], home: Path) -> Cost:
    begun = time.monotonic()
    with open(os.devnull, "w") as nowhere:
        process = subprocess.Popen(
            command, env=make_environment(home), stdout=nowhere, stderr=nowhere
        )
        _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.monotonic() - begun
    return Cost(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, process.returncode)


def middle(do: Callable[[], Cost], times: int) -> Cost:
    """Give the median of several, by time on the clock."""
    costs = sorted((do() for _ in range(times)), key=lambda cost: cost.wall)
    return costs[len(costs) // 2]


def settle(contest: Contest) -> Cost:
    """Deploy, and go on until nothing is left to do."""
    first = contest.ours("instance")
    for _ in range(5):
        if contest.ours("instance").code == 0:
            return first
    raise click.ClickException("the instances do not settle")


@click.command()
@click.argument("count", type=int)
@click.option("--full", is_flag=True, help="Also process everything again, by both.")
@click.option("--times", default=3, help="How often an idle cycle is measured.")
def main(count: int, full: bool, times: int) -> None:
    """Measure COUNT partitions with one instance of hello each, and print JSON."""
    directory = Path(tempfile.mkdtemp(prefix="bench-", dir=open_temporary_directory()))
    directory.chmod(0o755)
    contest = Contest(directory, count)
    rows: dict[str, Cost] = {}
    try:
        contest.set_up()
        rows["ours, first deployment"] = settle(contest)
        rows["ours, idle cycle"] = middle(lambda: contest.ours("instance"), times)
        if times > 1:
            contest.theirs("instance")
        rows["theirs, idle cycle"] = middle(lambda: contest.theirs("instance"), times)
        if full:
            rows["ours, full cycle"] = contest.ours("instance", "--all")
            rows["theirs, full cycle"] = contest.theirs("instance", "--all")
    finally:
        contest.node.end_services()
        contest.master.end()
        shutil.rmtree(directory)
    told = {name: vars(cost) for name, cost in rows.items()}
    json.dump({"partitions": count, "rows": told}, sys.stdout, indent=1)
    click.echo()
    pairs = [name.removeprefix("ours, ") for name in rows if f"theirs, {name[6:]}" in rows]
    for name in pairs:
        ratio = rows[f"theirs, {name}"].cpu / rows[f"ours, {name}"].cpu
        click.echo(f"{name}: {ratio:.1f} times less processor time", err=True)


if __name__ == "__main__":
    main()
