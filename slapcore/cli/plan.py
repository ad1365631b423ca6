"""``slapctl plan``: where an instance would go, or why nowhere."""

from typing import Any

import click

from slapcore.cli.door import Door
from slapcore.cli.output import output_options
from slapcore.cli.output import plain
from slapcore.cli.output import print_facts
from slapcore.cli.output import print_rows
from slapcore.cli.wishing import Given
from slapcore.cli.wishing import read_wish
from slapcore.cli.wishing import wish_options
from slapcore.errors import NotReady
from slapcore.slap.shown import Plan

REASONS = ("count", "why", "example")


@click.command("plan")
@wish_options
@output_options
@click.pass_obj
def command(door: Door, /, output: str | None, **given: Any) -> None:
    """Show where a service called TITLE, made by RELEASE, would go; nothing is asked for.

    Where there is no place, the reasons are shown, each with how many nodes it keeps away and one
    of them; the exit code is 7.
    """
    show_plan(door.person.plan(read_wish(door, Given(**given))), output)


def show_plan(plan: Plan, output: str | None) -> None:
    """Print a plan; one that leads nowhere is a failure."""
    if output:
        print_facts(plan, output)
    else:
        facts = plain(plan)
        reasons = facts.pop("reasons")
        print_facts(facts, None)
        if reasons:
            click.echo()
            print_rows(reasons, REASONS, None)
    if not plan.node:
        raise NotReady(plan.message or "there is no place for it")
