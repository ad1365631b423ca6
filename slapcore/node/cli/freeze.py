"""``slapnode freeze``: a profile that pins what a release was built of."""

import click

from slapcore.errors import NotFound
from slapcore.node import built
from slapcore.node.cli import Door
from slapcore.node.cli.run_once import agent_of


@click.command()
@click.argument("url")
@click.pass_obj
def command(door: Door, url: str) -> None:
    """Write a profile that builds the release at URL again, of the same versions."""
    with agent_of(door) as agent:
        place = agent.host.release(url)
        if not place.is_complete:
            raise NotFound(f"{url} is not built here")
        click.echo(built.freeze(url, place.directory), nl=False)
