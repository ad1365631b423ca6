"""``slapnode promise``: promises are looked at now, or the quota of bangs is."""

import json

import click

from slapcore.errors import SlapError
from slapcore.node.agent import Summary
from slapcore.node.agent import Verdict
from slapcore.node.agent import instances_of
from slapcore.node.agent import is_meant
from slapcore.node.cli import Door
from slapcore.node.cli.run_once import agent_of
from slapcore.node.cli.run_once import finish
from slapcore.promise.quota import Quota
from slapcore.states import InstanceState


@click.command()
@click.option("--only", multiple=True, metavar="NAME", help="This partition only; repeatable.")
@click.option("--status", is_flag=True, help="Only show how many bangs are left.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def command(door: Door, only: tuple[str, ...], status: bool, as_json: bool) -> None:
    """Look at the promises of started instances, whether due or not."""
    with agent_of(door) as agent:
        agent.prepare()
        if status:
            show_quota(Quota(agent.host.state / "quota"), as_json)
            return
        summary = Summary()
        for wanted in instances_of(agent.node().see()):
            name = wanted.partition_id
            if wanted.state != InstanceState.STARTED or not is_meant(name, only):
                continue
            try:
                problem = agent.promises.check(agent.work_on(wanted), False)
            except SlapError as error:
                problem = str(error)
            if problem:
                summary.failed[name] = problem
                summary.verdicts.append(Verdict.PROMISE_FAILED)
            else:
                click.echo(f"promises kept: {name}")
        finish(summary)


def show_quota(quota: Quota, as_json: bool) -> None:
    levels = quota.levels()
    if as_json:
        click.echo(json.dumps([vars(level) for level in levels], indent=2))
        return
    for level in levels:
        more = f", one more in {level.next_in / 60:.0f} min" if level.left < level.size else ""
        refused = f", {level.refused} refused" if level.refused else ""
        left = f"{level.left} of {level.size} bangs left"
        click.echo(f"{level.kind} {level.subject}: {left}{more}{refused}")
