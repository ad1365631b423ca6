"""``slapmaster network``: networks of nodes."""

import click

from slapmaster.cli.door import Door
from slapmaster.cli.output import json_option
from slapmaster.cli.output import print_facts
from slapmaster.cli.output import print_rows

COLUMNS = ("reference", "title", "project", "nodes")


@click.group("network")
def command() -> None:
    """Networks: 'slapmaster node set' puts nodes into them."""


@command.command("add")
@click.argument("title")
@click.option("--project", metavar="PROJECT", help="Where it belongs; else the only one.")
@json_option
@click.pass_obj
def add(door: Door, title: str, project: str | None, as_json: bool) -> None:
    """Make a network."""
    print_facts(door.ask("network.add", title=title, project=project), as_json=as_json)


@command.command("list")
@click.option("--project", metavar="PROJECT", help="Only those of a project.")
@json_option
@click.pass_obj
def show_all(door: Door, project: str | None, as_json: bool) -> None:
    """List the networks."""
    print_rows(door.ask("network.list", project=project), COLUMNS, as_json=as_json)
