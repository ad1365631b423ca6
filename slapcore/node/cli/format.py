"""``slapnode format``: the machine is made into a node."""

import click

from slapcore.errors import Unavailable
from slapcore.node.cli import Door
from slapcore.node.cli.run_once import agent_of
from slapcore.node.format.formatting import Formatting

#: the exit code when the machine is ready and the master does not know; the legacy command's
OFFLINE = 2


@click.command()
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
@click.option("--now", is_flag=True, hidden=True, help="As the legacy command has it.")
@click.pass_obj
def command(door: Door, dry_run: bool, now: bool) -> None:
    """Make users, directories and addresses, and tell the master."""
    with agent_of(door) as agent:
        formatting = Formatting(agent.config)
        plan = formatting.plan()
        for action in plan:
            click.echo(str(action))
        if dry_run:
            return
        formatting.apply(plan)
        try:
            agent.node().describe(formatting.describe())
        except Unavailable as error:
            click.echo(f"The master is away, and was not told: {error}", err=True)
            raise SystemExit(OFFLINE) from error
    click.echo(f"{len(formatting.shape.partitions)} partitions are ready.")
