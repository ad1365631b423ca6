"""``slapmaster plan``: where a request would lead, without making it."""

import click

from slapmaster.cli.door import Door
from slapmaster.cli.output import json_option
from slapmaster.cli.output import print_facts


@click.command("plan")
@click.argument("release")
@click.option("--person", metavar="PERSON", help="Who would ask; else the only one.")
@click.option("--project", metavar="PROJECT", help="Where; else the only one of the person.")
@click.option("--title", help="What it would be called.")
@click.option("--type", help="Its software type.")
@click.option("--node", "demands", metavar="KEY=VALUE", multiple=True,
              help="What is demanded of the place, like region=europe.")  # fmt: skip
@click.option("--shared", is_flag=True, help="A share in somebody's instance.")
@json_option
@click.pass_obj
def command(
    door: Door, release: str, person: str | None, project: str | None, as_json: bool, **said: object
) -> None:
    """Say where a request for RELEASE would lead, or why there is no place for it."""
    answer = door.ask("service.plan", release=release, person=person, project=project, said=said)
    print_facts(answer, as_json=as_json)
