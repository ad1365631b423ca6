"""``slapmaster host``: instances offered as hosts for shared ones."""

import click

from slapmaster.cli.door import Door
from slapmaster.cli.output import json_option
from slapmaster.cli.output import print_facts
from slapmaster.cli.output import print_rows

COLUMNS = ("reference", "title", "project", "instance")


@click.group("host")
def command() -> None:
    """Instance nodes: an allocation supply says who may share in them."""


@command.command("add")
@click.argument("instance")
@click.option("--title", help="What it is called; else as the instance.")
@json_option
@click.pass_obj
def add(door: Door, instance: str, title: str | None, as_json: bool) -> None:
    """Offer INSTANCE as a host."""
    print_facts(door.ask("host.add", instance=instance, title=title), as_json=as_json)


@command.command("list")
@json_option
@click.pass_obj
def show_all(door: Door, as_json: bool) -> None:
    """List the instance nodes."""
    print_rows(door.ask("host.list"), COLUMNS, as_json=as_json)


@command.command("remove")
@click.argument("host")
@json_option
@click.pass_obj
def remove(door: Door, host: str, as_json: bool) -> None:
    """Offer an instance no longer; who shares it goes on."""
    print_facts(door.ask("host.remove", host=host), as_json=as_json)
