"""``slapnode instance``: instances are brought to their wanted states."""

import click

from slapcore.node.cli import Door
from slapcore.node.cli.run_once import agent_of
from slapcore.node.cli.run_once import finish


@click.command()
@click.option("--only", multiple=True, metavar="NAME", help="This partition only; repeatable.")
@click.option("--force", "--all", is_flag=True,
              help="Process what is unchanged too, and obey older orders.")  # fmt: skip
@click.pass_obj
def command(door: Door, only: tuple[str, ...], force: bool) -> None:
    """Bring instances to their wanted states, as ordered."""
    with agent_of(door) as agent:
        agent.prepare()
        finish(agent.process_instances(only, force=force))
