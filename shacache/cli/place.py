"""What commands share: the cache they work on, JSON or text, and progress bars."""

import json
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from contextlib import contextmanager
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn
from rich.progress import DownloadColumn
from rich.progress import Progress
from rich.progress import TextColumn
from rich.progress import TransferSpeedColumn

from shacache.cache import Cache
from shacache.settings import Settings
from shacache.settings import read_settings

#: the settings' file, and what the command line says instead of it
Place = tuple[Path | None, dict[str, str]]

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def settings_of(place: Place) -> Settings:
    path, given = place
    return read_settings(path, given)


@contextmanager
def opened_cache(place: Place) -> Iterator[Cache]:
    """Open the cache that a command works on; a server may work on it too."""
    cache = Cache(settings_of(place))
    try:
        yield cache
    finally:
        cache.close()


def print_rows(rows: Sequence[Mapping[str, object]], *, as_json: bool) -> None:
    """Print rows with the same members: as JSON, or as a table without frames."""
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    if not rows:
        return
    lines = [list(rows[0]), *([_printable(value) for value in row.values()] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        click.echo("  ".join(cells).rstrip())


@contextmanager
def progress_bar(title: str, total: int | None) -> Iterator[Callable[[int], None]]:
    """Show on a terminal how many bytes of ``total`` are done; gives what is told of more."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(),
               TransferSpeedColumn())  # fmt: skip
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task(title, total=total)
        yield lambda number: bar.advance(task, number)


def _printable(value: object) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    return "".join(letter if letter.isprintable() else "?" for letter in text)
