"""``slapmaster quota``: how much persons and projects may have."""

from collections.abc import Callable

import click

from slapmaster.cli.door import Door
from slapmaster.cli.output import json_option
from slapmaster.cli.output import print_facts
from slapmaster.cli.output import print_rows

COLUMNS = (
    "reference", "name", "instances", "partitions", "requests", "has_instances", "has_partitions",
)  # fmt: skip


def limit_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add an option for each limit."""
    for name, what in (
        ("requests", "instances requested in a second"),
        ("partitions", "instances with a partition of their own"),
        ("instances", "instances of all kinds"),
    ):
        option = click.option(
            f"--{name}", type=click.IntRange(0), help=f"So many {what}; 0 is no limit."
        )
        command = option(command)
    return command


@click.group("quota")
def command() -> None:
    """Quotas: what is not said stays as it is."""


@command.command("list")
@json_option
@click.pass_obj
def show_all(door: Door, as_json: bool) -> None:
    """List who has a quota, and what they have."""
    print_rows(door.ask("quota.list"), COLUMNS, as_json=as_json)


@command.command("person")
@click.argument("person")
@limit_options
@json_option
@click.pass_obj
def limit_person(door: Door, person: str, as_json: bool, **limits: int | None) -> None:
    """Limit what a person may have, in all projects together."""
    print_facts(door.ask("quota.person", who=person, **limits), as_json=as_json)


@command.command("project")
@click.argument("project")
@limit_options
@json_option
@click.pass_obj
def limit_project(door: Door, project: str, as_json: bool, **limits: int | None) -> None:
    """Limit what all may have together in a project."""
    print_facts(door.ask("quota.project", who=project, **limits), as_json=as_json)
