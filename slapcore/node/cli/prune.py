"""``slapnode prune``: what nobody uses is removed."""

from pathlib import Path

import click

from slapcore.node.cli import Door
from slapcore.node.cli.run_once import agent_of
from slapcore.node.prune import prune_releases
from slapcore.node.prune import prune_shared_parts


@click.command()
@click.option("--dry-run", is_flag=True, help="Only say what would be removed.")
@click.option("--releases", is_flag=True,
              help="Also the releases that neither the master nor an instance names.")  # fmt: skip
@click.option("--additional-software-directory", "others", multiple=True, metavar="DIR",
              type=click.Path(path_type=Path, exists=True, file_okay=False),
              help="What is built there uses shared parts, too; repeatable.")  # fmt: skip
@click.pass_obj
def command(door: Door, dry_run: bool, releases: bool, others: tuple[Path, ...]) -> None:
    """Remove shared parts, and releases, that nobody uses."""
    with agent_of(door) as agent:
        agent.prepare()
        with agent.building():
            gone = []
            if releases:
                wanted = [each.url for each in agent.node().see().releases]
                gone += prune_releases(agent.host, agent.memory, wanted, dry_run=dry_run)
            gone += prune_shared_parts(agent.config, others, dry_run=dry_run)
    for path in gone:
        click.echo(f"{'unused' if dry_run else 'removed'}: {path}")
