"""``slapmaster pack``: drop old revisions of objects."""

import click

from slapcore.terminal.shape import print_json
from slapmaster.cli.door import Door
from slapmaster.cli.output import json_option
from slapmaster.cli.output import progress_bar


@click.command("pack")
@click.option("--days", type=click.FloatRange(0), default=7.0, show_default=True,
              help="Keep revisions that were current so many days ago or later.")  # fmt: skip
@json_option
@click.pass_obj
def command(door: Door, days: float, as_json: bool) -> None:
    """Drop revisions of objects that nobody needs; the master may run meanwhile.

    The file as it was is kept beside it, as Data.fs.old.  The next backup is a full one.
    """
    with progress_bar("pack") as watch:
        sizes = door.ask("site.pack", watch=watch, days=days)
    if as_json:
        print_json(sizes)
    else:
        click.echo(f"{sizes['before']} bytes before, {sizes['after']} bytes now")
