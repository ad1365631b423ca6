"""``slapctl apply``: bring services and supplies in line with a file."""

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import click

from slapcore.cli.desired import Desired
from slapcore.cli.desired import Step
from slapcore.cli.desired import carry_out
from slapcore.cli.desired import compare_service
from slapcore.cli.desired import compare_supply
from slapcore.cli.desired import read_desired
from slapcore.cli.door import Door
from slapcore.cli.output import output_options
from slapcore.cli.output import print_data
from slapcore.cli.request import PATIENCE
from slapcore.cli.waiting import wait_until_settled
from slapcore.cli.wishing import find_release
from slapcore.errors import InvalidValue
from slapcore.errors import NotFound
from slapcore.slap.shown import Instance
from slapcore.terminal.shape import write


@click.command("apply")
@click.option("-f", "--file", type=click.Path(path_type=Path), required=True, metavar="FILE",
              help="What there shall be, as YAML or JSON.")  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Only show the difference.")
@click.option("--yes", is_flag=True, help="Don't ask.")
@click.option("--wait", is_flag=True, help="Wait until every service is as wanted.")
@click.option("--timeout", default=PATIENCE, show_default=True, metavar="SECONDS",
              help="How long to wait for each.")  # fmt: skip
@output_options
@click.pass_obj
def command(
    door: Door, file: Path, dry_run: bool, yes: bool, wait: bool, timeout: float, output: str | None
) -> None:
    """Compare FILE with what there is, show the difference, and apply it.

    Applied again, nothing changes.  What the file does not name is left alone.
    """
    desired = read_desired(file)
    steps = list(find_steps(door, desired))
    show(steps, output)
    if not dry_run and steps:
        confirm(len(steps), yes=yes)
    for step in () if dry_run else steps:
        carry_out(door.person, step)
        click.echo(f"done: {step.sign} {write(step.subject)}", err=True)
    for service in find_services(door, desired) if wait and not dry_run else ():
        wait_until_settled(door.person, service.reference, timeout)


def find_steps(door: Door, desired: Desired) -> Iterator[Step]:
    """Walk what has to be done: the supplies come first, since the services need them."""
    person = door.person
    for supply in desired.supplies:
        node = person.find_node(supply.node).reference
        url = find_release(person, supply.release_url, door.project(None))
        installed = person.list_installations(node)
        step = compare_supply(replace(supply, node=node, release_url=url), installed)
        if step is not None:
            yield step
    for wish in desired.services:
        project = door.project(wish.project)
        url = find_release(person, wish.release_url, project)
        there = find_service(door, wish.title)
        step = compare_service(replace(wish, project=project, release_url=url), there)
        if step is not None:
            yield step


def find_service(door: Door, title: str) -> Instance | None:
    try:
        return door.person.see_service(title)
    except NotFound:
        return None


def find_services(door: Door, desired: Desired) -> Iterator[Instance]:
    for wish in desired.services:
        found = find_service(door, wish.title)
        if found is not None:
            yield found


def show(steps: list[Step], output: str | None) -> None:
    """Print the difference."""
    if output:
        print_data([read_step(step) for step in steps], output)
        return
    for step in steps:
        click.echo(f"{step.sign} {write(step.subject)}")
        for name, old, new in step.differences:
            change = f"{write(old)!r} -> {write(new)!r}" if old else f"{write(new)!r}"
            click.echo(f"    {write(name)}: {change}")
    if not steps:
        click.echo("Everything is as the file says.")


def read_step(step: Step) -> dict[str, object]:
    differences = [
        {"name": name, "is": old, "shall_be": new} for name, old, new in step.differences
    ]
    return {"sign": step.sign, "subject": step.subject, "differences": differences}


def confirm(count: int, *, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise InvalidValue(f"{count} changes, and nobody to confirm them: say --yes")
    click.confirm(f"Apply {count} changes?", abort=True, err=True)
