"""``slapmaster events``: what happened in a project."""

import click

from slapmaster.cli.door import Door
from slapmaster.cli.output import json_option
from slapmaster.cli.output import print_rows

COLUMNS = ("cursor", "when", "kind", "subject", "title", "node", "by", "detail")


@click.command("events")
@click.option("--project", metavar="PROJECT", help="Of which project; else the only one.")
@click.option("--since", metavar="CURSOR", type=click.IntRange(0), default=0,
              help="Only what came after it; else from the oldest that is kept.")  # fmt: skip
@click.option("--count", "-n", type=click.IntRange(1), default=1000, show_default=True,
              help="How many at most.")  # fmt: skip
@json_option
@click.pass_obj
def command(door: Door, project: str | None, since: int, count: int, as_json: bool) -> None:
    """Show what happened in a project, oldest first."""
    rows = door.ask("event.list", project=project, since=since, count=count)
    print_rows(rows, COLUMNS, as_json=as_json)
