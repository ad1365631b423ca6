"""What commands print: a table, a list of facts, or JSON; and how far a long operation is."""

import sys
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence
from contextlib import contextmanager

import click
from rich.console import Console
from rich.progress import Progress

from slapcore.terminal.shape import Row
from slapcore.terminal.shape import print_json
from slapcore.terminal.shape import print_lines
from slapcore.terminal.shape import print_table

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def print_rows(rows: Sequence[Row], columns: Sequence[str], *, as_json: bool) -> None:
    """Print ``rows``: all they hold as JSON, or these ``columns`` of them as a table."""
    if as_json:
        print_json(rows)
    else:
        print_table(rows, columns)


def print_facts(facts: Row, *, as_json: bool) -> None:
    """Print one thing: a line per fact, and a table for each list of things in it."""
    if as_json:
        print_json(facts)
    else:
        print_lines(facts)


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
