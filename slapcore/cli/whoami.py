"""``slapctl whoami``: whose certificate is used, and where."""

import click

from slapcore.cli.door import Door
from slapcore.cli.output import output_options
from slapcore.cli.output import plain
from slapcore.cli.output import print_facts


@click.command("whoami")
@output_options
@click.pass_obj
def command(door: Door, output: str | None) -> None:
    """Say whose certificate is used, and where."""
    person = plain(door.person.whoami())
    print_facts({**person, "context": door.known.name, "url": door.known.url}, output)
