"""``slapmaster supply``: have a software release on a node, or no longer."""

import click

from slapcore.terminal.shape import print_json
from slapmaster.cli.door import Door
from slapmaster.cli.output import json_option
from slapmaster.cli.output import print_rows

COLUMNS = ("node", "release", "state", "status")


@click.command("supply")
@click.argument("node", required=False)
@click.argument("url", required=False)
@click.argument("state", type=click.Choice(["available", "destroyed"]), default="available")
@json_option
@click.pass_obj
def command(door: Door, node: str | None, url: str | None, state: str, as_json: bool) -> None:
    """Have the release at URL on NODE, or (destroyed) no longer.

    Without URL, list what is supplied: to NODE, or to all.
    """
    if node is None or url is None:
        print_rows(door.ask("supply.list", node=node), COLUMNS, as_json=as_json)
        return
    answer = door.ask("supply.set", node=node, url=url, state=state)
    if as_json:
        print_json(answer)
    else:
        click.echo(f"{answer['release']} on {answer['node']}: {answer['state']}")
