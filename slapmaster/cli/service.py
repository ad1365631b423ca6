"""``slapmaster service``: what persons asked for."""

import click

from slapmaster.cli.door import Door
from slapmaster.cli.output import json_option
from slapmaster.cli.output import print_facts
from slapmaster.cli.output import print_rows

COLUMNS = ("reference", "title", "owner", "project", "state", "release", "instances", "waiting")


@click.group("service")
def command() -> None:
    """Services: reference or title say which is meant."""


@command.command("list")
@click.option("--project", metavar="PROJECT", help="Only those of a project.")
@click.option("--person", metavar="PERSON", help="Only those of a person.")
@click.option("--waiting", is_flag=True, help="Only those in which something has no place.")
@json_option
@click.pass_obj
def show_all(
    door: Door, project: str | None, person: str | None, waiting: bool, as_json: bool
) -> None:
    """List the services."""
    rows = door.ask("service.list", project=project, person=person, waiting=waiting)
    print_rows(rows, COLUMNS, as_json=as_json)


@command.command("show")
@click.argument("service")
@json_option
@click.pass_obj
def show(door: Door, service: str, as_json: bool) -> None:
    """Show a service with its instances."""
    print_facts(door.ask("service.show", service=service), as_json=as_json)
