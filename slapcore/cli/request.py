"""``slapctl request``: ask for a service, or change one."""

from typing import Any

import click

from slapcore.cli.door import Door
from slapcore.cli.output import output_options
from slapcore.cli.output import print_facts
from slapcore.cli.plan import show_plan
from slapcore.cli.waiting import describe
from slapcore.cli.waiting import wait_until_settled
from slapcore.cli.wishing import Given
from slapcore.cli.wishing import read_wish
from slapcore.cli.wishing import wish_options
from slapcore.errors import NotReady
from slapcore.slap.shown import Instance
from slapcore.states import InstanceState

#: How long is waited, if nobody says how long, in seconds.
PATIENCE = 600.0


@click.command("request")
@wish_options
@click.option("--state", type=click.Choice([state.value for state in InstanceState]),
              default=InstanceState.STARTED.value, show_default=True,
              help="What is wanted of it.")  # fmt: skip
@click.option("--plan", is_flag=True, help="Only show where it would go, or why nowhere.")
@click.option("--wait", is_flag=True, help="Wait until its node says that it is as wanted.")
@click.option("--timeout", default=PATIENCE, show_default=True, metavar="SECONDS",
              help="How long to wait.")  # fmt: skip
@output_options
@click.pass_obj
def command(
    door: Door, /, state: str, plan: bool, wait: bool, timeout: float, output: str | None,
    **given: Any,
) -> None:  # fmt: skip
    """Ask for a service called TITLE, made by RELEASE: a URL, or product.NAME.

    Asked again with the same words, nothing changes; with others, the service does, also in what is
    not said.  To change one thing only: slapctl service set.
    """
    wish = read_wish(door, Given(**given), InstanceState(state))
    if plan:
        show_plan(door.person.plan(wish), output)
        return
    instance = door.person.request(wish)
    if wait:
        instance = wait_until_settled(door.person, instance.reference, timeout)
    show(instance, output)


def show(instance: Instance, output: str | None) -> None:
    """Print an instance; one without a place is printed, and said to wait."""
    print_facts(instance, output)
    if not instance.is_placed and instance.state is not InstanceState.DESTROYED:
        raise NotReady(f"{instance.title!r} is asked for, and waits: {describe(instance)}")
