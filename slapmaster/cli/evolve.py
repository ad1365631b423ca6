"""``slapmaster evolve``: bring the stored objects up to this version of the program."""

import click

from slapcore.terminal.shape import print_json
from slapmaster.cli.door import Door
from slapmaster.cli.output import json_option
from slapmaster.cli.output import progress_bar


@click.command("evolve")
@click.option("--dry-run", is_flag=True, help="Only say which steps would run.")
@json_option
@click.pass_obj
def command(door: Door, dry_run: bool, as_json: bool) -> None:
    """Run the steps that a new version of the program needs, while no server runs.

    Back the database up before.
    """
    with progress_bar("evolve") as watch:
        answer = door.ask("site.evolve", watch=watch, dry_run=dry_run)
    if as_json:
        print_json(answer)
        return
    for step in answer["steps"]:
        click.echo(step)
    if not answer["steps"]:
        click.echo(f"nothing to do: the database is of version {answer['version']}")
