"""``slapctl supply``: have a software release on a node, or no longer."""

import click

from slapcore.cli.completing import complete_node
from slapcore.cli.door import Door
from slapcore.cli.wishing import find_release
from slapcore.states import ReleaseState


@click.command("supply")
@click.argument("release")
@click.argument("node", shell_complete=complete_node)
@click.option("--remove", is_flag=True, help="Have the node lose it.")
@click.option("--project", metavar="PROJECT", help="Where to look for product.NAME.")
@click.pass_obj
def command(door: Door, release: str, node: str, remove: bool, project: str | None) -> None:
    """Have RELEASE (a URL, or product.NAME) on NODE, or no longer."""
    url = find_release(door.person, release, door.project(project))
    reference = door.person.find_node(node).reference
    state = ReleaseState.DESTROYED if remove else ReleaseState.AVAILABLE
    door.person.supply(url, reference, state)
    click.echo(f"{url} is to be {state} on {reference}.")
