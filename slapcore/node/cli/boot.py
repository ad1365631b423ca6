"""``slapnode boot``: what a machine that has just been started needs before it works again."""

import time

import click

from slapcore.errors import Unavailable
from slapcore.node.cli import Door
from slapcore.node.cli.run_once import agent_of
from slapcore.node.format.formatting import Formatting

PAUSE = 5.0


@click.command()
@click.option("-m", "--message", default="Reboot", help="What the master is told.")
@click.option("--patience", default=600.0, show_default=True,
              help="Seconds that the master may be away.")  # fmt: skip
@click.pass_obj
def command(door: Door, message: str, patience: float) -> None:
    """Give addresses back, start what was started, and have everything processed again."""
    limit = time.monotonic() + patience
    with agent_of(door) as agent:
        formatting = Formatting(agent.config)
        formatting.apply(formatting.plan())
        agent.prepare()
        agent.supervisor.write_config()
        agent.supervisor.launch()
        agent.start_remembered()
        while True:
            try:
                agent.node().describe(formatting.describe())
                agent.node().bang_all(message)
                break
            except Unavailable:
                if time.monotonic() > limit:
                    raise
                time.sleep(PAUSE)
    click.echo("The node is up, and the master has been told.")
