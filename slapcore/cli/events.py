"""``slapctl events``: what happened in a project."""

import time
from collections.abc import Iterator

import click

from slapcore.cli.door import Door
from slapcore.cli.output import Format
from slapcore.cli.output import output_options
from slapcore.cli.output import plain
from slapcore.cli.output import print_data
from slapcore.cli.output import print_rows
from slapcore.cli.output import write_line
from slapcore.errors import Unavailable
from slapcore.slap.shown import Event
from slapcore.terminal.shape import write

COLUMNS = ("when", "kind", "title", "subject", "node", "by", "detail")

#: Seconds before a master that went away is asked again.
PAUSE = 2.0


@click.command("events")
@click.option("--follow", is_flag=True, help="Go on with whatever happens, until interrupted.")
@click.option("--since", default="", metavar="CURSOR",
              help="Only what came after: the cursor of the last event that you saw.")  # fmt: skip
@click.option("--project", metavar="PROJECT", help="Of which project; else of yours.")
@output_options
@click.pass_obj
def command(
    door: Door, follow: bool, since: str, project: str | None, output: str | None
) -> None:
    """Show what happened in a project: all of it to who runs its nodes, to others their own.

    With --follow, --json prints one object a line, and --yaml one document each.
    """
    where = door.project(project)
    events, cursor = door.person.list_events(where, since)
    if not follow:
        print_rows(events, COLUMNS, output)
        return
    for event in events:
        show(event, output)
    for event in follow_on(door, where, cursor):
        show(event, output)


def follow_on(door: Door, project: str, since: str) -> Iterator[Event]:
    """Walk events for ever: where the master ends it or goes away, it is asked again."""
    while True:
        try:
            for event in door.person.follow_events(project, since):
                since = event.cursor
                yield event
        except Unavailable as error:
            click.echo(f"{error}; trying again", err=True)
        time.sleep(PAUSE)


def show(event: Event, output: str | None) -> None:
    if output == Format.JSON:
        click.echo(write_line(event))
    elif output == Format.YAML:
        click.echo("---")
        print_data(event, output)
    else:
        facts = plain(event)
        click.echo("  ".join(write(facts[name]) for name in COLUMNS if facts[name]))
