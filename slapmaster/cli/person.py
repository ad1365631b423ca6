"""``slapmaster person``: persons and their certificates."""

from pathlib import Path

import click

from slapcore.terminal.shape import print_json
from slapmaster.cli.door import Door
from slapmaster.cli.init import write_certificate
from slapmaster.cli.output import json_option
from slapmaster.cli.output import print_facts
from slapmaster.cli.output import print_rows

COLUMNS = ("reference", "name", "email", "operator", "projects", "active_certificates")


@click.group("person")
def command() -> None:
    """Persons: reference, e-mail address or name say which is meant."""


@command.command("add")
@click.argument("name")
@click.argument("email")
@click.option("--operator", is_flag=True, help="May see everything.")
@json_option
@click.pass_obj
def add(door: Door, name: str, email: str, operator: bool, as_json: bool) -> None:
    """Make a person; a membership (project member) lets them do something."""
    print_facts(
        door.ask("person.add", name=name, email=email, operator=operator), as_json=as_json
    )


@command.command("list")
@json_option
@click.pass_obj
def show_all(door: Door, as_json: bool) -> None:
    """List all persons."""
    print_rows(door.ask("person.list"), COLUMNS, as_json=as_json)


@command.command("show")
@click.argument("person")
@json_option
@click.pass_obj
def show(door: Door, person: str, as_json: bool) -> None:
    """Show a person, with certificates and services."""
    print_facts(door.ask("person.show", who=person), as_json=as_json)


@command.command("token")
@click.argument("person")
@click.pass_obj
def token(door: Door, person: str) -> None:
    """Give a token by which the person's client fetches a certificate, once within a day."""
    click.echo(door.ask("token.add", purpose="client", who=person, project=None)["token"])


@command.group("certificate")
def certificate() -> None:
    """Issue and revoke certificates of a person."""


@certificate.command("issue")
@click.argument("person")
@click.argument("directory", type=click.Path(path_type=Path))
@json_option
@click.pass_obj
def issue(door: Door, person: str, directory: Path, as_json: bool) -> None:
    """Write a new certificate and its key into DIRECTORY, as 'certificate' and 'key'."""
    issued = door.ask("person.issue", who=person)
    files = write_certificate(issued, directory)
    facts = {name: issued[name] for name in ("reference", "serial", "not_after")}
    print_facts({**facts, "files": files}, as_json=as_json)


@certificate.command("revoke")
@click.argument("person")
@click.option("--serial", help="Only this one of their certificates.")
@click.option("--reason", default="revoked by the operator", show_default=True)
@json_option
@click.pass_obj
def revoke(door: Door, person: str, serial: str | None, reason: str, as_json: bool) -> None:
    """Believe the person's certificates no longer, from the next request on."""
    answer = door.ask("person.revoke", who=person, serial=serial, reason=reason)
    if as_json:
        print_json(answer)
    else:
        click.echo(f"revoked {answer['revoked']} of {answer['reference']}")
