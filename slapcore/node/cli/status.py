"""``slapnode status``: what runs on this node, and what was ordered last."""

import json
from typing import Any

import click

from slapcore.node.agent import Agent
from slapcore.node.cli import Door
from slapcore.node.cli.run_once import agent_of
from slapcore.node.rpc import NotRunning


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def command(door: Door, as_json: bool) -> None:
    """Show what runs, and what was ordered."""
    with agent_of(door) as agent:
        found = status_of(agent)
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    click.echo(f"supervisord: {'running' if found['supervisord'] else 'not running'}")
    for row in found["partitions"]:
        title = f" ({row['title']})" if row["title"] else ""
        click.echo(f"{row['partition']}{title}: {row['ordered']}, reported {row['reported']}")
        for program in row["programs"]:
            told = f"{program['name']}: {program['state']} {program['explanation']}"
            click.echo(f"  {told.rstrip()}")


def status_of(agent: Agent) -> dict[str, Any]:
    try:
        states = agent.supervisor.states()
        running = True
    except NotRunning:
        states, running = [], False
    remembered = dict(agent.memory.all())
    names = sorted({*remembered, *(each.group for each in states)})
    rows = [
        {
            "partition": name,
            "title": remembered[name].title if name in remembered else "",
            "release": remembered[name].release if name in remembered else "",
            "ordered": remembered[name].state if name in remembered else "nothing",
            "reported": (remembered[name].reported if name in remembered else "") or "nothing",
            "programs": [
                {
                    "name": each.name, "state": each.state, "pid": each.pid,
                    "explanation": each.explanation,
                }
                for each in states
                if each.group == name
            ],
        }
        for name in names
    ]  # fmt: skip
    return {"supervisord": running, "partitions": rows}
