"""``slapnode top``: what is used now, by whom."""

import json
import time
from dataclasses import asdict
from typing import Any

import click

from slapcore.node.agent import Agent
from slapcore.node.cli import Door
from slapcore.node.cli.run_once import agent_of
from slapcore.node.collect.snapshot import Use
from slapcore.node.collect.snapshot import look
from slapcore.node.rpc import NotRunning

MIB = 1 << 20


@click.command()
@click.option("--seconds", default=1.0, show_default=True, help="How long it is looked.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def command(door: Door, seconds: float, as_json: bool) -> None:
    """Show what the machine and its instances use, the hungriest first."""
    with agent_of(door) as agent:
        before = {use.partition: use for use in look_now(agent)}
        time.sleep(seconds)
        rows = [row_of(use, before.get(use.partition), seconds) for use in look_now(agent)]
    rows.sort(key=lambda row: (row["partition"] != "", -row["cpu"], -row["memory"]))
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    click.echo(f"{'partition':<16}{'cpu %':>8}{'memory MiB':>12}{'processes':>11}")
    for row in rows:
        name = row["partition"] or "(node)"
        cpu, memory = 100 * row["cpu"], row["memory"] / MIB
        click.echo(f"{name:<16}{cpu:>8.1f}{memory:>12.1f}{row['processes']:>11}")


def look_now(agent: Agent) -> list[Use]:
    try:
        states = agent.supervisor.states()
    except NotRunning:
        states = []
    return look(agent.host, states)


def row_of(use: Use, before: Use | None, seconds: float) -> dict[str, Any]:
    """Give a look with the share of one core that was used since the last."""
    used = max(0.0, use.cpu_seconds - before.cpu_seconds) if before is not None else 0.0
    return {**asdict(use), "cpu": used / seconds if seconds else 0.0}
