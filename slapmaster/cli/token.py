"""``slapmaster token``: give a one-time token."""

import click

from slapcore.terminal.shape import print_json
from slapmaster.cli.door import Door
from slapmaster.cli.output import json_option


@click.command("token")
@click.argument("purpose", type=click.Choice(["node", "client"]))
@click.option("--person", metavar="PERSON",
              help="In whose name; else the only one.")  # fmt: skip
@click.option("--project", metavar="PROJECT", help="For a node: where it belongs.")
@json_option
@click.pass_obj
def command(
    door: Door, purpose: str, person: str | None, project: str | None, as_json: bool
) -> None:
    """Give a token that registers a node, or fetches a person's certificate, once within a day.

    It is printed and not kept.
    """
    given = door.ask("token.add", purpose=purpose, who=person, project=project)
    if as_json:
        print_json(given)
    else:
        click.echo(given["token"])
