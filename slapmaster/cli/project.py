"""``slapmaster project``: projects and their members."""

import click

from slapcore.terminal.shape import print_json
from slapmaster.cli.door import Door
from slapmaster.cli.output import json_option
from slapmaster.cli.output import print_facts
from slapmaster.cli.output import print_rows

COLUMNS = ("reference", "title", "members", "nodes", "services")
ROLES = click.Choice(["customer", "agent", "manager"])


@click.group("project")
def command() -> None:
    """Projects: reference or title say which is meant."""


@command.command("add")
@click.argument("title")
@click.option("--manager", metavar="PERSON", help="Who manages it.")
@click.option("--any-release", is_flag=True, help="Nodes take what was not supplied to them.")
@click.option("--open-hosts", is_flag=True, help="Anybody may share in anybody's instance.")
@json_option
@click.pass_obj
def add(
    door: Door, title: str, manager: str | None, any_release: bool, open_hosts: bool, as_json: bool
) -> None:
    """Make a project; its flags are the rules of SlapProxy, and stay."""
    answer = door.ask(
        "project.add", title=title, manager=manager, any_release=any_release, open_hosts=open_hosts
    )
    print_facts(answer, as_json=as_json)


@command.command("policy")
@click.argument("project")
@click.argument("policy", required=False)
@json_option
@click.pass_obj
def policy(door: Door, project: str, policy: str | None, as_json: bool) -> None:
    """Have POLICY choose among places in PROJECT ('' for the usual one), or say which does."""
    print_facts(door.ask("project.policy", project=project, policy=policy), as_json=as_json)


@command.command("category")
@click.argument("project")
@click.argument("key")
@click.argument("value")
@json_option
@click.pass_obj
def category(door: Door, project: str, key: str, value: str, as_json: bool) -> None:
    """Have requests know VALUE of the category KEY, before any node has it."""
    answer = door.ask("project.category", project=project, key=key, value=value)
    print_facts(answer, as_json=as_json)


@command.command("list")
@json_option
@click.pass_obj
def show_all(door: Door, as_json: bool) -> None:
    """List the projects."""
    print_rows(door.ask("project.list"), COLUMNS, as_json=as_json)


@command.command("show")
@click.argument("project")
@json_option
@click.pass_obj
def show(door: Door, project: str, as_json: bool) -> None:
    """Show a project, with its members."""
    print_facts(door.ask("project.show", project=project), as_json=as_json)


@command.group("member")
def member() -> None:
    """Who may do what in a project: customers request, agents run nodes, managers do all."""


@member.command("add")
@click.argument("project")
@click.argument("person")
@click.option("--role", type=ROLES, default="customer", show_default=True)
@json_option
@click.pass_obj
def add_member(door: Door, project: str, person: str, role: str, as_json: bool) -> None:
    """Make a person a member."""
    tell(door.ask("project.role", project=project, person=person, role=role), as_json)


@member.command("role")
@click.argument("project")
@click.argument("person")
@click.argument("role", type=ROLES)
@json_option
@click.pass_obj
def change_role(door: Door, project: str, person: str, role: str, as_json: bool) -> None:
    """Change what a member may do."""
    tell(door.ask("project.role", project=project, person=person, role=role), as_json)


@member.command("remove")
@click.argument("project")
@click.argument("person")
@json_option
@click.pass_obj
def remove_member(door: Door, project: str, person: str, as_json: bool) -> None:
    """End a membership; what was requested stays."""
    tell(door.ask("project.dismiss", project=project, person=person), as_json)


def tell(answer: dict[str, object], as_json: bool) -> None:
    if as_json:
        print_json(answer)
    else:
        outcome = "changed" if answer["changed"] else "as it was"
        click.echo(f"{answer['person']} in {answer['project']}: {outcome}")
