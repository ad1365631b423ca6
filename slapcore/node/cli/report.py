"""``slapnode report``: what is destroyed goes, and what was used is told."""

import click

from slapcore.node.cli import Door
from slapcore.node.cli.run_once import agent_of
from slapcore.node.cli.run_once import finish


@click.command()
@click.pass_obj
def command(door: Door) -> None:
    """Have destroyed instances gone, and report what was used."""
    with agent_of(door) as agent:
        agent.prepare()
        finish(agent.report())
