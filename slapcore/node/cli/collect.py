"""``slapnode collect``: one look at what is used, kept."""

import click

from slapcore.node.cli import Door
from slapcore.node.cli.run_once import agent_of
from slapcore.node.collect.snapshot import look
from slapcore.node.collect.store import Store
from slapcore.node.rpc import NotRunning


@click.command()
@click.option("--disk", is_flag=True, help="Also count what lies on the disk; takes long.")
@click.pass_obj
def command(door: Door, disk: bool) -> None:
    """Look once at what the machine and its instances use, and keep it."""
    with agent_of(door) as agent:
        agent.prepare()
        try:
            states = agent.supervisor.states()
        except NotRunning:
            states = []
        uses = look(agent.host, states, with_disk=disk)
        Store(agent.host.state / "use.sqlite", agent.config.retention_days).keep(uses)
    click.echo(f"{len(uses) - 1} partitions were looked at.")
