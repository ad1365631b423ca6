"""The table: on a terminal, as JSON, and as it stands in the documentation."""

from collections.abc import Iterable
from dataclasses import asdict
from dataclasses import dataclass
from dataclasses import field

from rich.console import Console
from rich.table import Table

from tests.bench.measure import Figures
from tests.bench.race import Outcome


@dataclass(frozen=True)
class Line:
    """One measured row: what each server did, and the ratio that is aimed at."""

    name: str
    clients: int
    goal: float
    figures: dict[str, Figures]
    ours: str
    theirs: str

    @property
    def ratio(self) -> float | None:
        """How many times the peer's rate ours is; ``None`` when one of them wasn't measured."""
        if self.ours not in self.figures or not self.figures.get(self.theirs):
            return None
        rate = self.figures[self.theirs].rate
        return self.figures[self.ours].rate / rate if rate else None


@dataclass
class Report:
    """Everything that one run has found out."""

    machine: dict[str, str]
    lines: list[Line] = field(default_factory=list)
    races: dict[str, list[Outcome]] = field(default_factory=dict)
    #: name of the server -> what of it was weighed -> bytes or seconds, in words
    notes: dict[str, dict[str, str]] = field(default_factory=dict)

    def as_dict(self) -> dict[str, object]:
        lines = [{**asdict(line), "ratio": line.ratio} for line in self.lines]
        races = {name: [asdict(one) for one in each] for name, each in self.races.items()}
        return {"machine": self.machine, "lines": lines, "races": races, "notes": self.notes}

    def show(self, console: Console) -> None:
        for title, header, cells in self.tables():
            table = Table(*header, title=title)
            for row in cells:
                table.add_row(*row)
            console.print(table)

    def as_rst(self) -> str:
        """Write the tables for the documentation: all servers of a row in one line."""
        tables = [table for table in self.tables() if table[0] != "Requests"]
        servers = list(dict.fromkeys(name for line in self.lines for name in line.figures))
        if servers:
            header = ["row", "clients", *(f"{server} /s (p50, p99 ms)" for server in servers),
                      "ratio", "goal"]
            cells = [compact_cells(line, servers) for line in self.lines]
            tables.insert(0, ("Requests", header, cells))
        return "\n".join(csv_table(*table) for table in tables)

    def tables(self) -> Iterable[tuple[str, list[str], list[list[str]]]]:
        if self.lines:
            header = ["row", "clients", "server", "requests/s", "rounds", "p50 ms", "p99 ms",
                      "failed", "ratio", "goal"]
            yield "Requests", header, [row for line in self.lines for row in cells_of(line)]
        if self.races:
            header = ["race", "server", "asked", "acknowledged", "lost", "given twice", "failed"]
            yield "Races", header, race_cells(self.races)
        if self.notes:
            cells = [
                [server, what, value]
                for server, each in self.notes.items()
                for what, value in each.items()
            ]
            yield "Weights", ["server", "what", "value"], cells
        yield "Measured on", ["what", "value"], [[*item] for item in self.machine.items()]


def cells_of(line: Line) -> list[list[str]]:
    rows = []
    for name, each in line.figures.items():
        ratio = line.ratio if name == line.ours else None
        rows.append([
            line.name,
            str(line.clients),
            name,
            number(each.rate),
            f"{number(each.lowest)} - {number(each.highest)}",
            f"{each.p50:.2f}",
            f"{each.p99:.2f}",
            str(each.failures),
            "" if ratio is None else f"{number(ratio)}x",
            f">= {line.goal:g}x" if ratio is not None else "",
        ])
    return rows


def race_cells(races: dict[str, list[Outcome]]) -> list[list[str]]:
    return [
        [one.name, server, str(one.asked), str(one.acknowledged), str(one.lost), str(one.twice),
         str(one.failures)]
        for outcomes in zip(*races.values(), strict=True)
        for server, one in zip(races, outcomes, strict=True)
    ]


def number(value: float) -> str:
    return f"{value:.1f}" if value < 100 else f"{value:,.0f}"


def compact_cells(line: Line, servers: list[str]) -> list[str]:
    figures = [line.figures.get(server) for server in servers]
    ratio = line.ratio
    return [
        line.name,
        str(line.clients),
        *(f"{number(f.rate)} ({f.p50:.2f}, {f.p99:.1f})" if f else "" for f in figures),
        "" if ratio is None else number(ratio),
        "" if ratio is None else f">= {line.goal:g}",
    ]


def csv_table(title: str, header: list[str], cells: list[list[str]]) -> str:
    rows = [", ".join(f'"{cell}"' for cell in row) for row in [header, *cells]]
    head = [f".. csv-table:: {title}", "   :header-rows: 1", ""]
    return "\n".join([*head, *(f"   {row}" for row in rows), ""])
