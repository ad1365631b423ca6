"""``slapmaster init``: make a master in an empty directory."""

import getpass
import os
import socket
from datetime import UTC
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from slapcore.terminal.shape import print_json
from slapmaster import directory
from slapmaster.cli.door import Door
from slapmaster.cli.output import json_option
from slapmaster.directory import write_private


@click.command("init")
@click.option("--operator", metavar="NAME", help="The first operator; else you.")
@click.option("--email", help="The operator's e-mail address.")
@click.option("--project", default="main", show_default=True, metavar="TITLE",
              help="The first project.")  # fmt: skip
@click.option("--certificate-directory", type=click.Path(path_type=Path), metavar="DIR",
              help="Write the operator's certificate there instead of giving a token.")  # fmt: skip
@json_option
@click.pass_obj
def command(
    door: Door,
    operator: str | None,
    email: str | None,
    project: str,
    certificate_directory: Path | None,
    as_json: bool,
) -> None:
    """Make the data directory, its keys, the server's certificate and the first operator.

    Whatever is there already is kept and said.
    """
    settings = door.settings
    made = [path.name for path in directory.make_keys(settings)]
    issuer = directory.open_issuer(settings)
    if issuer is not None and directory.keep_server_certificate(
        settings, issuer.authority, datetime.now(UTC)
    ):
        made.append(settings.server_certificate.name)
    name = operator or getpass.getuser()
    begun = door.ask(
        "site.begin", name=name, email=email or f"{name}@{socket.gethostname()}", project=project
    )
    answer = {"directory": str(settings.data_directory), "made_files": made, **begun}
    if begun["made"]:
        answer.update(introduce(door, begun["person"]["reference"], certificate_directory))
    if as_json:
        print_json(answer)
    else:
        tell(door, answer)


def introduce(door: Door, person: str, certificate_directory: Path | None) -> dict[str, Any]:
    """Give the operator a token, or put their certificate into a directory."""
    if certificate_directory is None:
        given = door.ask("token.add", purpose="client", who=person, project=None)
        return {"token": given["token"], "expires": given["expires"]}
    issued = door.ask("person.issue", who=person)
    return {"certificate_files": write_certificate(issued, certificate_directory)}


def write_certificate(issued: dict[str, Any], target: Path) -> list[str]:
    """Write a new certificate and its key into ``target``; what is there is replaced."""
    target.mkdir(mode=0o700, parents=True, exist_ok=True)
    files = [target / "certificate", target / "key"]
    for path in files:
        write_private(path, issued[path.name].encode(), replace=True)
    return [os.fspath(path) for path in files]


def tell(door: Door, answer: dict[str, Any]) -> None:
    place, person = answer["directory"], answer["person"]
    who = f"{person['reference']} {person['name']} <{person['email']}>"
    if not answer["made"]:
        click.echo(f"There is a master in {place} already; its operator is {who}.")
        if answer["made_files"]:
            click.echo(f"Made what was missing: {', '.join(answer['made_files'])}.")
        click.echo(f"A token for a client: {door.invocation} token client --person PERSON")
        return
    click.echo(f"Made a master in {place}: {', '.join(answer['made_files'])}")
    click.echo(f"Its operator is {who}, manager of {', '.join(person['projects'])}.")
    click.echo(f"\nStart it:\n  {door.invocation} serve")
    if "token" not in answer:
        click.echo(f"\nThe operator's certificate: {', '.join(answer['certificate_files'])}")
        return
    urls = f"--master-url {door.settings.public_url} --master-url-web {door.settings.web_url}"
    click.echo(f"\nThen, as {person['name']}, once and until {answer['expires']}:")
    click.echo(f"  slapos configure client {urls} --token {answer['token']}")
