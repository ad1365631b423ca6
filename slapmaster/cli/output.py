"""What commands print: a table, a list of facts, or JSON; in colour and frames on a terminal."""

import json
import sys
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence
from contextlib import contextmanager
from typing import Any

import click
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from rich.text import Text

Row = dict[str, Any]

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def print_rows(rows: Sequence[Row], columns: Sequence[str], *, as_json: bool) -> None:
    """Print ``rows``: all they hold as JSON, or these ``columns`` of them as a table."""
    if as_json:
        print_json(rows)
    elif sys.stdout.isatty():
        Console().print(framed(rows, columns))
    else:
        for line in aligned([columns, *([write(row[name]) for name in columns] for row in rows)]):
            click.echo(line)


def print_json(value: object) -> None:
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def print_facts(facts: Row, *, as_json: bool) -> None:
    """Print one thing: a line per fact, and a table for each list of things in it."""
    if as_json:
        print_json(facts)
        return
    plain = {name: value for name, value in facts.items() if not is_table(value)}
    for line in aligned([[f"{words(name)}:", write(value)] for name, value in plain.items()]):
        click.echo(line)
    for name, value in facts.items():
        if is_table(value):
            click.echo(f"\n{words(name)}:")
            print_rows(value, list(value[0]), as_json=False)


def is_table(value: object) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict)


def framed(rows: Sequence[Row], columns: Sequence[str]) -> Table:
    table = Table(*(words(name) for name in columns))
    for row in rows:
        table.add_row(*(Text(write(row[name])) for name in columns))
    return table


def aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield "  ".join(cells).rstrip()


def words(name: str) -> str:
    return name.replace("_", " ")


def write(value: object) -> str:
    """Write a value in one line, whatever is in it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(write, value))
    if isinstance(value, dict):
        return ", ".join(f"{name}={write(item)}" for name, item in value.items())
    return "".join(letter if letter.isprintable() else "?" for letter in str(value))


@contextmanager
def progress_bar(title: str) -> Iterator[Callable[[Row], None]]:
    """Show on a terminal how far an operation is; gives what is to be told its lines.

    One that ends before it says anything shows nothing.
    """
    bar = Progress(
        console=Console(stderr=True), disable=not sys.stderr.isatty(), transient=True
    )
    task = bar.add_task(title, total=None)

    def watch(line: Row) -> None:
        bar.start()
        bar.update(
            task, completed=line["done"], total=line["total"] or None,
            description=f"{title}: {line['what']}",
        )  # fmt: skip

    try:
        yield watch
    finally:
        bar.stop()
