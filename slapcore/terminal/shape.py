"""The shape of what is printed: tables, facts, one line for any value; in frames on a terminal."""

import json
import sys
from collections.abc import Iterator
from collections.abc import Sequence
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

Row = dict[str, Any]


def print_table(rows: Sequence[Row], columns: Sequence[str]) -> None:
    """Print ``columns`` of ``rows`` as a table."""
    if sys.stdout.isatty():
        Console().print(framed(rows, columns))
        return
    for line in aligned([columns, *([write(row[name]) for name in columns] for row in rows)]):
        click.echo(line)


def print_lines(facts: Row) -> None:
    """Print one thing: a line per fact, and a table for each list of things in it."""
    short = {name: value for name, value in facts.items() if not is_table(value)}
    for line in aligned([[f"{words(name)}:", write(value)] for name, value in short.items()]):
        click.echo(line)
    for name, value in facts.items():
        if is_table(value):
            click.echo(f"\n{words(name)}:")
            print_table(value, list(value[0]))


def print_json(value: object) -> None:
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


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
    """Write a value in one line, whatever is in it: what moves a terminal's cursor is not shown."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(write, value))
    if isinstance(value, dict):
        return ", ".join(f"{write(name)}={write(item)}" for name, item in value.items())
    return "".join(letter if letter.isprintable() else "?" for letter in str(value))
