"""``slapmaster journal``: who changed what, when, from where."""

import click

from slapmaster.cli.door import Door
from slapmaster.cli.output import json_option
from slapmaster.cli.output import print_rows

COLUMNS = ("when", "by", "origin", "event", "subject", "detail")


@click.command("journal")
@click.option("--count", "-n", type=click.IntRange(1), default=20, show_default=True,
              help="How many events, from the last on.")  # fmt: skip
@click.option("--since", metavar="DATE", help="Only from then on.")
@click.option("--by", metavar="REFERENCE", help="Only what they did.")
@click.option("--subject", metavar="REFERENCE", help="Only what was done to it.")
@click.option("--event", metavar="WORDS", help="Only events with these words.")
@json_option
@click.pass_obj
def command(
    door: Door,
    count: int,
    since: str | None,
    by: str | None,
    subject: str | None,
    event: str | None,
    as_json: bool,
) -> None:
    """Show the last events, the newest at the end."""
    rows = door.ask(
        "journal.last", count=count, since=since, by=by, subject=subject, event=event
    )
    print_rows(rows, COLUMNS, as_json=as_json)
