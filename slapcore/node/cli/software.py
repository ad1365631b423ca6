"""``slapnode software``: releases are built and removed."""

import click

from slapcore.node.cli import Door
from slapcore.node.cli.run_once import agent_of
from slapcore.node.cli.run_once import finish


@click.command()
@click.option("--only", multiple=True, metavar="URL", help="This release and no other; repeatable.")
@click.option("--all", "again", is_flag=True, help="Build again what is complete.")
@click.pass_obj
def command(door: Door, only: tuple[str, ...], again: bool) -> None:
    """Build and remove software releases, as ordered."""
    with agent_of(door) as agent:
        agent.prepare()
        finish(agent.process_releases(only, again=again))
