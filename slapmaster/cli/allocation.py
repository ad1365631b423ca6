"""``slapmaster allocation``: which nodes take what, for whom."""

import click

from slapmaster.cli.door import Door
from slapmaster.cli.output import json_option
from slapmaster.cli.output import print_facts
from slapmaster.cli.output import print_rows

COLUMNS = ("reference", "title", "project", "person", "nodes", "hosts", "same_tree", "allow")


@click.group("allocation")
def command() -> None:
    """Allocation supplies: without any, all members may have whatever nodes are supplied with."""


@command.command("set")
@click.argument("title")
@click.option("--project", metavar="PROJECT", help="Where it belongs; else the only one.")
@click.option("--node", "nodes", metavar="NODE", multiple=True, help="A node, or 'every'.")
@click.option("--person", metavar="PERSON", help="Only for this person.")
@click.option("--allow", metavar="PRODUCT TYPE RELEASE", multiple=True, nargs=3,
              help="What may be placed; * is any. Without this option: everything.")  # fmt: skip
@click.option("--host", "hosts", metavar="HOST", multiple=True,
              help="An instance that may be shared; see 'slapmaster host'.")  # fmt: skip
@click.option("--same-tree", is_flag=True, help="Instances of the own tree may be shared.")
@json_option
@click.pass_obj
def replace(
    door: Door, title: str, project: str | None, as_json: bool, **said: object
) -> None:
    """Have an allocation supply say just this, whatever it said before."""
    answer = door.ask("allocation.set", title=title, project=project, said=said)
    print_facts(answer, as_json=as_json)


@command.command("list")
@click.option("--project", metavar="PROJECT", help="Only those of a project.")
@json_option
@click.pass_obj
def show_all(door: Door, project: str | None, as_json: bool) -> None:
    """List the allocation supplies."""
    print_rows(door.ask("allocation.list", project=project), COLUMNS, as_json=as_json)


@command.command("remove")
@click.argument("supply")
@json_option
@click.pass_obj
def remove(door: Door, supply: str, as_json: bool) -> None:
    """Take an allocation supply back; what was placed by it stays."""
    print_facts(door.ask("allocation.remove", supply=supply), as_json=as_json)
