"""``slapnode bang``: everything on this node is processed again."""

import click

from slapcore.node.cli import Door
from slapcore.node.cli.run_once import agent_of


@click.command()
@click.option("-m", "--message", default="", help="Why; shown to people.")
@click.pass_obj
def command(door: Door, message: str) -> None:
    """Have everything on this node processed again."""
    with agent_of(door) as agent:
        agent.node().bang_all(message)
    click.echo("The master has been told.")
