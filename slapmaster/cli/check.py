"""``slapmaster check``: look for broken indexes and invariants."""

import click

from slapcore.terminal.shape import print_json
from slapmaster.cli.door import Door
from slapmaster.cli.output import json_option
from slapmaster.cli.output import progress_bar


@click.command("check")
@json_option
@click.pass_context
def command(context: click.Context, as_json: bool) -> None:
    """Compute every index and every rule again, and compare; changes nothing.

    The exit code is 1 when something is wrong.
    """
    door: Door = context.obj
    with progress_bar("checking") as watch:
        found = door.ask("site.check", watch=watch)
    if as_json:
        print_json(found)
    else:
        tell(found["problems"], found["count"])
    context.exit(1 if found["count"] else 0)


def tell(problems: list[str], count: int) -> None:
    for problem in problems:
        click.echo(problem)
    if count > len(problems):
        click.echo(f"… and {count - len(problems)} more")
    click.echo(f"{count} problems" if count else "nothing is wrong")
