"""``slapnode doctor``: what is wrong with this machine, and how to mend it."""

import json
from dataclasses import asdict

import click

from slapcore.node.cli import Door
from slapcore.node.cli.run_once import agent_of
from slapcore.node.doctor import examine


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def command(door: Door, as_json: bool) -> None:
    """Look at everything the node needs; the exit code is 1 when something is to be mended."""
    with agent_of(door) as agent:
        found = list(examine(agent))
    if as_json:
        click.echo(json.dumps([asdict(each) for each in found], indent=2))
    else:
        for each in found:
            click.echo(f"{'ok ' if each.is_well else 'BAD'} {each.subject}: {each.text}")
            if each.mend:
                click.echo(f"    to mend: {each.mend}")
    raise SystemExit(any(not each.is_well for each in found))
