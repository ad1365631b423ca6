"""Rounds in turns: the same row at one server, then at the other, then the other way round."""

from dataclasses import asdict
from dataclasses import dataclass
from statistics import median

from tests.bench.content import World
from tests.bench.load import Crowd
from tests.bench.load import Job
from tests.bench.load import Sample
from tests.bench.load import Script
from tests.bench.rows import Row
from tests.bench.rows import Turn

#: Seconds after which a warming-up is broken off.
WARMING = 60.0


@dataclass(frozen=True)
class Effort:
    """How long and how often is measured."""

    seconds: float
    rounds: int
    keep_alive: bool


@dataclass(frozen=True)
class Figures:
    """What one server did in one row, over all rounds."""

    rate: float
    lowest: float
    highest: float
    p50: float
    p99: float
    requests: int
    failures: int
    bytes_per_answer: int

    def as_dict(self) -> dict[str, float]:
        return asdict(self)


def figures(samples: list[Sample]) -> Figures:
    rates = [sample.rate for sample in samples]
    latencies = sorted(one for sample in samples for one in sample.latencies)
    count = len(latencies)
    return Figures(
        rate=median(rates),
        lowest=min(rates),
        highest=max(rates),
        p50=latencies[count // 2] * 1000,
        p99=latencies[min(count - 1, count * 99 // 100)] * 1000,
        requests=count,
        failures=sum(sample.failures for sample in samples),
        bytes_per_answer=sum(sample.received for sample in samples) // count,
    )


class Comparison:
    """Drives the rows of a table; counts rounds so that no request is ever sent twice by chance."""

    def __init__(self, crowd: Crowd, worlds: list[World], effort: Effort) -> None:
        self.crowd = crowd
        self.worlds = worlds
        self.effort = effort
        self.round = 0

    def measure(self, row: Row) -> dict[str, Figures]:
        if row.warm:
            for world in self.worlds:
                self.warm(row, world)
        samples: dict[str, list[Sample]] = {world.peer.name: [] for world in self.worlds}
        for number in range(self.effort.rounds):
            order = self.worlds if number % 2 == 0 else self.worlds[::-1]
            self.round += 1
            for world in order:
                samples[world.peer.name].append(self.crowd.measure(self.jobs(row, world)))
        return {name: figures(each) for name, each in samples.items()}

    def jobs(self, row: Row, world: World) -> list[Job]:
        return [
            Job(
                world.peer.door,
                row.script(world, Turn(client, row.clients, self.round)),
                self.effort.seconds,
                row.most,
                self.effort.keep_alive,
            )
            for client in range(row.clients)
        ]

    def warm(self, row: Row, world: World) -> None:
        templates = tuple(row.templates(world, Turn(0, 1, self.round)))
        job = Job(world.peer.door, Script(templates), WARMING, len(templates))
        self.crowd.measure([job])

    def measure_file(self, row: Row, world: World) -> Figures:
        """Measure a server that only serves bytes from a file; a comparison by itself."""
        script = Script((world.information(row.document),))
        job = Job(world.peer.door, script, self.effort.seconds, 0, self.effort.keep_alive)
        return figures([self.crowd.measure([job] * row.clients) for _ in range(self.effort.rounds)])
