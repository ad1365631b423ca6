"""``slapmaster remote``: nodes that another project or another master stands for."""

from pathlib import Path

import click

from slapmaster.cli.door import Door
from slapmaster.cli.output import json_option
from slapmaster.cli.output import print_facts
from slapmaster.cli.output import print_rows

COLUMNS = ("reference", "title", "project", "url", "remote_project", "partitions", "status")


@click.group("remote")
def command() -> None:
    """Remote nodes: what is placed there is requested from another project or master."""


@command.command("add")
@click.argument("title")
@click.option("--project", metavar="PROJECT", help="Where it belongs; else the only one.")
@click.option("--partitions", default=10, show_default=True, help="How many it takes.")
@click.option("--url", default="", help="Where the other master is.")
@click.option("--certificate", type=click.Path(path_type=Path), help="Who we are there.")
@click.option("--key", type=click.Path(path_type=Path), help="The certificate's key.")
@click.option("--authority", type=click.Path(path_type=Path), help="Who vouches for it.")
@click.option("--fingerprint", default="", help="Of its certificate, SHA-256 in hex: pins it.")
@click.option("--person", help="For a project of this master: in whose name.")
@click.option("--remote-project", default="", help="The project there.")
@click.option("--node", "demands", metavar="KEY=VALUE", multiple=True,
              help="What is demanded there of every place.")  # fmt: skip
@json_option
@click.pass_obj
def add(
    door: Door, title: str, project: str | None, partitions: int, as_json: bool, **way: object
) -> None:
    """Make a remote node; then supply releases to it, as to any node."""
    said = {
        name: str(value.absolute()) if isinstance(value, Path) else value
        for name, value in way.items()
    }
    answer = door.ask(
        "remote.add", title=title, project=project, partitions=partitions, way=said
    )
    print_facts(answer, as_json=as_json)


@command.command("list")
@json_option
@click.pass_obj
def show_all(door: Door, as_json: bool) -> None:
    """List the remote nodes."""
    print_rows(door.ask("remote.list"), COLUMNS, as_json=as_json)
