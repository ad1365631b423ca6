"""``slapctl context``: the masters that you know."""

import click

from slapcore.cli.door import Door
from slapcore.cli.output import output_options
from slapcore.cli.output import plain
from slapcore.cli.output import print_rows

COLUMNS = ("current", "name", "url", "project")


@click.group("context")
def command() -> None:
    """The masters that you know, and which one is meant where none is named."""


@command.command("list")
@output_options
@click.pass_obj
def show_all(door: Door, output: str | None) -> None:
    """List the masters that you know."""
    current = door.contexts.current()
    known = [door.contexts.read(name) for name in door.contexts.names()]
    rows = [{"current": one.name == current, **plain(one)} for one in known]
    print_rows(rows, COLUMNS, output)


@command.command("use")
@click.argument("name")
@click.pass_obj
def use(door: Door, name: str) -> None:
    """Mean the master NAME from now on."""
    door.contexts.use(name)
    click.echo(f"From now on {name} is meant.")


@command.command("remove")
@click.argument("name")
@click.confirmation_option("--yes", prompt="Its key will be lost. Forget it?")
@click.pass_obj
def remove(door: Door, name: str) -> None:
    """Forget a master, with the certificate and key that are used there."""
    door.contexts.remove(name)
    click.echo(f"{name} is forgotten.")
