"""The order of a run: fill the servers a step further, measure what needs just that much."""

from collections.abc import Iterator
from dataclasses import dataclass

from rich.progress import Progress

from tests.bench.content import World
from tests.bench.load import Caller
from tests.bench.measure import Comparison
from tests.bench.measure import Figures
from tests.bench.peers import OWN_NODE
from tests.bench.peers import Nginx
from tests.bench.report import Line
from tests.bench.rows import Row
from tests.bench.rows import crowd_rows
from tests.bench.rows import documents
from tests.bench.rows import large_rows
from tests.bench.rows import small_rows

SMALL, MIDDLE, LARGE = OWN_NODE, "n100", "n1000"
#: Nodes for many instances, and how many places each has left for new ones.
POOL = [f"pool-{number}" for number in range(10)]
FREE = 200
#: Rounds end anywhere, so that some nodes get a little more than their share.
SPARE = 50


@dataclass(frozen=True)
class Stage:
    """Rows, and the nodes that are put in before they can be measured."""

    nodes: list[str]
    partitions: int
    instances: int
    rows: list[Row]


@dataclass
class Bench:
    """The servers of one run, side by side; ours is the first, the peer's the last."""

    comparison: Comparison
    nginx: Nginx | None
    progress: Progress
    #: Only rows with this in their name are measured.
    only: str = ""
    #: How many instances there are when the rows are measured that depend on it.
    instances: int = 5000

    @property
    def worlds(self) -> list[World]:
        return self.comparison.worlds

    def run(self) -> Iterator[Line]:
        for stage in self.stages():
            rows = [row for row in stage.rows if self.only in row.name]
            if rows:
                for node in stage.nodes:
                    self.fill(node, stage.partitions, stage.instances)
            for row in rows:
                yield self.line(row)

    def stages(self) -> list[Stage]:
        each = self.instances // len(POOL)
        # Two rows take of the free places, in so many rounds.
        most = FREE * len(POOL) // (2 * self.comparison.effort.rounds)
        return [
            Stage([SMALL], 10, 5, small_rows(SMALL)),
            Stage([MIDDLE], 100, 50, documents(MIDDLE, 100, 50)),
            Stage([LARGE], 1000, 500, large_rows(LARGE)),
            Stage(POOL, each + FREE + SPARE, each, crowd_rows(POOL, self.instances, most)),
        ]

    def fill(self, node: str, partitions: int, instances: int) -> None:
        for world in self.worlds:
            self.progress.console.log(
                f"{world.peer.name}: {node} with {partitions} partitions, {instances} instances"
            )
            world.format(node, partitions)
            world.fill(node, instances)

    def line(self, row: Row) -> Line:
        self.progress.console.log(f"{row.name}, {row.clients} clients")
        figures = self.comparison.measure(row)
        if row.document and self.nginx is not None:
            figures["nginx, same bytes"] = self.from_file(row, self.nginx)
        names = [world.peer.name for world in self.worlds]
        return Line(row.name, row.clients, row.goal, figures, ours=names[0], theirs=names[-1])

    def from_file(self, row: Row, nginx: Nginx) -> Figures:
        ours = self.worlds[0]
        request = ours.information(row.document)
        _, _, body = Caller(ours.peer.door, keep_alive=False).call(request, keep=True)
        nginx.serve("getFullComputerInformation", body)
        return self.comparison.measure_file(row, World(nginx))
