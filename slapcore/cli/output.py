"""What commands print: tables and facts for people, JSON or YAML for programs."""

import json
from collections.abc import Callable
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

from slapcore.terminal.shape import Row
from slapcore.terminal.shape import print_json
from slapcore.terminal.shape import print_lines
from slapcore.terminal.shape import print_table

Command = TypeVar("Command", bound=Callable[..., object])


class Format(StrEnum):
    """What a program can read."""

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
    rows: list[Row] = [plain(one) for one in found]
    if output:
        print_data(rows, output)
    else:
        print_table(rows, columns)


def print_facts(found: object, output: str | None) -> None:
    """Print one thing."""
    if output:
        print_data(found, output)
    else:
        print_lines(plain(found))


def print_data(value: object, output: str) -> None:
    if output == Format.YAML:
        text = yaml.safe_dump(plain(value), sort_keys=False, allow_unicode=True, width=100)
        click.echo(text, nl=False)
    else:
        print_json(plain(value))


def write_line(value: object) -> str:
    """Write a value as JSON in one line."""
    return json.dumps(plain(value), ensure_ascii=False)
