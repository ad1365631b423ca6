"""``slapmaster instance``: where instances live, or what they wait for."""

import click

from slapmaster.cli.door import Door
from slapmaster.cli.output import json_option
from slapmaster.cli.output import print_facts
from slapmaster.cli.output import print_rows

COLUMNS = ("reference", "title", "service", "state", "node", "partition", "status", "waiting_for")


@click.group("instance")
def command() -> None:
    """Instances: reference or title say which is meant."""


@command.command("list")
@click.option("--project", metavar="PROJECT", help="Only those of a project.")
@click.option("--node", metavar="NODE", help="Only those on a node.")
@click.option("--waiting", is_flag=True, help="Only those without a place.")
@json_option
@click.pass_obj
def show_all(
    door: Door, project: str | None, node: str | None, waiting: bool, as_json: bool
) -> None:
    """List the instances."""
    rows = door.ask("instance.list", project=project, node=node, waiting=waiting)
    print_rows(rows, COLUMNS, as_json=as_json)


@command.command("show")
@click.argument("instance")
@json_option
@click.pass_obj
def show(door: Door, instance: str, as_json: bool) -> None:
    """Show an instance: parameters, status, and why it waits."""
    print_facts(door.ask("instance.show", instance=instance), as_json=as_json)


@command.command("move")
@click.argument("instance")
@click.option("--plan", is_flag=True, help="Only say where it would move.")
@json_option
@click.pass_obj
def move(door: Door, instance: str, plan: bool, as_json: bool) -> None:
    """Move an instance to another node: its place, and not its data."""
    name = "instance.plan_move" if plan else "instance.move"
    print_facts(door.ask(name, instance=instance), as_json=as_json)
