"""What commands print: a table, a list of facts, JSON or YAML; in frames on a terminal."""

import json
import sys
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import asdict
from dataclasses import is_dataclass
from enum import Enum
from enum import StrEnum
from typing import Any
from typing import TypeVar

import click
import yaml
from rich.console import Console
from rich.table import Table
from rich.text import Text

Row = dict[str, Any]
Command = TypeVar("Command", bound=Callable[..., object])


class Format(StrEnum):
    """How a command prints what it has found."""

    TABLE = "table"
    JSON = "json"
    YAML = "yaml"


def output_options(command: Command) -> Command:
    """Give a command the options ``--json`` and ``--yaml``; it gets them as ``output``."""
    for form, words in ((Format.YAML, "Print YAML."), (Format.JSON, "Print JSON.")):
        option = click.option(f"--{form}", "output", flag_value=form.value, help=words)
        command = option(command)
    return command


def plain(value: object) -> Any:
    """Make of a value what JSON and YAML can say: dictionaries, lists, text, numbers."""
    if is_dataclass(value) and not isinstance(value, type):
        return plain(asdict(value))
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value.value if isinstance(value, Enum) else value


def print_rows(found: Sequence[object], columns: Sequence[str], output: str | None) -> None:
    """Print things: all that is known of them as data, or these ``columns`` as a table."""
    rows = [plain(one) for one in found]
    if output:
        print_data(rows, output)
    elif sys.stdout.isatty():
        Console().print(framed(rows, columns))
    else:
        for line in aligned([columns, *([write(row[name]) for name in columns] for row in rows)]):
            click.echo(line)


def print_facts(found: object, output: str | None) -> None:
    """Print one thing: a line per fact, and a table for each list of things in it."""
    facts: Row = plain(found)
    if output:
        print_data(facts, output)
        return
    short = {name: value for name, value in facts.items() if not is_table(value)}
    for line in aligned([[f"{words(name)}:", write(value)] for name, value in short.items()]):
        click.echo(line)
    for name, value in facts.items():
        if is_table(value):
            click.echo(f"\n{words(name)}:")
            print_rows(value, list(value[0]), None)


def print_data(value: object, output: str) -> None:
    if output == Format.YAML:
        text = yaml.safe_dump(plain(value), sort_keys=False, allow_unicode=True, width=100)
        click.echo(text, nl=False)
    else:
        click.echo(json.dumps(plain(value), indent=2, ensure_ascii=False))


def write_line(value: object) -> str:
    """Write a value as JSON in one line."""
    return json.dumps(plain(value), ensure_ascii=False)


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
