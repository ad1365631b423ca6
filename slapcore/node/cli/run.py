"""``slapnode run``: the agent as a daemon."""

import click

from slapcore.node.cli import Door
from slapcore.node.cli.run_once import agent_of
from slapcore.node.daemon import Daemon


@click.command()
@click.pass_obj
def command(door: Door) -> None:
    """Do everything that this node has to do, until a signal comes."""
    with agent_of(door) as agent:
        agent.prepare()
        Daemon(agent).run()
