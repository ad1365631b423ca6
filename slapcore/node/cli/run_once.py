"""What commands that do one kind of work have in common: the agent, its log, the exit code."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import click

from slapcore import log as lines
from slapcore.config import read_config
from slapcore.node.agent import Agent
from slapcore.node.agent import Summary
from slapcore.node.cli import Door


@contextmanager
def agent_of(door: Door) -> Iterator[Agent]:
    """Give the agent of the configuration, ready to work, and close it."""
    config = read_config(door.path)
    lines.configure("DEBUG" if door.debug else config.log_level)
    logging.getLogger("urllib3").setLevel(logging.WARNING)
    agent = Agent(config)
    try:
        yield agent
    finally:
        agent.close()


def finish(summary: Summary) -> None:
    """Print what became of the items, and end with the code that says how it went."""
    for name in summary.changed:
        click.echo(f"done: {name}")
    for name, text in summary.failed.items():
        click.echo(f"failed: {name}: {text}", err=True)
    raise SystemExit(int(summary.verdict))
