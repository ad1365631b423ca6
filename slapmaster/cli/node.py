"""``slapmaster node``: what nodes are, whether they take instances, their certificates."""

from pathlib import Path

import click

from slapcore.terminal.shape import print_json
from slapmaster.cli.door import Door
from slapmaster.cli.init import write_certificate
from slapmaster.cli.output import json_option
from slapmaster.cli.output import print_facts
from slapmaster.cli.output import print_rows

COLUMNS = (
    "reference", "title", "project", "scope", "reason", "heard", "partitions", "free", "releases",
    "status",
)  # fmt: skip
LEFT = ("reference", "node", "why")

#: short words for the scopes; any scope's own name is understood too
SCOPES = {"closed": "close/noallocation", "maintenance": "close/maintenance"}


@click.group("node")
def command() -> None:
    """Nodes: reference or title say which is meant."""


@command.command("list")
@click.option("--project", metavar="PROJECT", help="Only those of a project.")
@json_option
@click.pass_obj
def show_all(door: Door, project: str | None, as_json: bool) -> None:
    """List the nodes."""
    print_rows(door.ask("node.list", project=project), COLUMNS, as_json=as_json)


@command.command("show")
@click.argument("node")
@json_option
@click.pass_obj
def show(door: Door, node: str, as_json: bool) -> None:
    """Show a node, with its releases and partitions."""
    print_facts(door.ask("node.show", node=node), as_json=as_json)


@command.command("scope")
@click.argument("node")
@click.argument("scope")
@json_option
@click.pass_obj
def scope(door: Door, node: str, scope: str, as_json: bool) -> None:
    """Say whether a node takes new instances: open, closed, or a scope like close/maintenance."""
    answer = door.ask("node.scope", node=node, scope=SCOPES.get(scope, scope))
    if as_json:
        print_json(answer)
    else:
        click.echo(f"{answer['reference']}: {'changed' if answer['changed'] else 'as it was'}")


@command.command("cordon")
@click.argument("node")
@click.option("--reason", required=True, help="Why, for whoever looks.")
@click.option("--until", metavar="TIME", help="When it opens again by itself.")
@json_option
@click.pass_obj
def cordon(door: Door, node: str, reason: str, until: str | None, as_json: bool) -> None:
    """Have a node take nothing new; what lives on it stays."""
    print_facts(door.ask("node.cordon", node=node, reason=reason, until=until), as_json=as_json)


@command.command("drain")
@click.argument("node")
@click.option("--reason", required=True, help="Why, for whoever looks.")
@click.option("--until", metavar="TIME", help="By when it shall be empty; else now.")
@click.option("--move", is_flag=True, help="Move what is on it then; data do not move.")
@json_option
@click.pass_obj
def drain(
    door: Door, node: str, reason: str, until: str | None, move: bool, as_json: bool
) -> None:
    """Want a node empty, and have it take nothing new."""
    rows = door.ask("node.drain", node=node, reason=reason, until=until, move=move)
    print_rows(rows, LEFT, as_json=as_json)


@command.command("uncordon")
@click.argument("node")
@json_option
@click.pass_obj
def uncordon(door: Door, node: str, as_json: bool) -> None:
    """Have a node take new instances again."""
    print_facts(door.ask("node.uncordon", node=node), as_json=as_json)


@command.command("lost")
@click.argument("node")
@click.option("--reason", required=True, help="What became of it.")
@click.confirmation_option(prompt="All data there are given up. Is it gone for good?")
@json_option
@click.pass_obj
def lost(door: Door, node: str, reason: str, as_json: bool) -> None:
    """Give a node up: what lived on it is placed elsewhere, or gone if it was to go."""
    print_rows(door.ask("node.lost", node=node, reason=reason), LEFT, as_json=as_json)


@command.command("set")
@click.argument("node")
@click.option("--network", metavar="NETWORK", help="Which network it is in; '' for none.")
@click.option("--category", "categories", metavar="KEY=VALUE", multiple=True,
              help="Like region=europe/france; without a value: no longer.")  # fmt: skip
@click.option("--capacity", type=int, help="How much it carries; 0 for what its partitions do.")
@json_option
@click.pass_obj
def describe(
    door: Door,
    node: str,
    network: str | None,
    categories: tuple[str, ...],
    capacity: int | None,
    as_json: bool,
) -> None:
    """Say what a node is, for those who demand it."""
    answer = door.ask(
        "node.set", node=node, network=network, categories=categories, capacity=capacity
    )
    print_facts(answer, as_json=as_json)


@command.command("token")
@click.option("--person", metavar="PERSON", help="In whose name; else the only one.")
@click.option("--project", metavar="PROJECT", help="Where the node shall belong.")
@click.pass_obj
def token(door: Door, person: str | None, project: str | None) -> None:
    """Give a token that registers a node, once within a day."""
    click.echo(door.ask("token.add", purpose="node", who=person, project=project)["token"])


@command.group("certificate")
def certificate() -> None:
    """Revoke or renew the certificate of a node."""


@certificate.command("revoke")
@click.argument("node")
@click.option("--reason", default="revoked by the operator", show_default=True)
@json_option
@click.pass_obj
def revoke(door: Door, node: str, reason: str, as_json: bool) -> None:
    """Believe the node's certificate no longer, from the next request on."""
    answer = door.ask("node.revoke", node=node, reason=reason)
    if as_json:
        print_json(answer)
    else:
        click.echo(f"revoked {answer['revoked']} of {answer['reference']}")


@certificate.command("renew")
@click.argument("node")
@click.argument("directory", type=click.Path(path_type=Path))
@json_option
@click.pass_obj
def renew(door: Door, node: str, directory: Path, as_json: bool) -> None:
    """Write a new certificate and its key into DIRECTORY; the old one is revoked."""
    issued = door.ask("node.renew", node=node)
    files = write_certificate(issued, directory)
    facts = {name: issued[name] for name in ("reference", "serial", "not_after")}
    print_facts({**facts, "files": files}, as_json=as_json)
