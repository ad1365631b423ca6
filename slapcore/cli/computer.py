"""``slapctl computer``: nodes."""

import click

from slapcore.cli.completing import complete_node
from slapcore.cli.door import Door
from slapcore.cli.known import AUTHORITY
from slapcore.cli.output import output_options
from slapcore.cli.output import plain
from slapcore.cli.output import print_data
from slapcore.cli.output import print_facts
from slapcore.cli.output import print_rows

COLUMNS = ("reference", "title", "project", "scope", "status")


@click.group("computer")
def command() -> None:
    """Nodes: NODE is a reference or a title."""


@command.command("list")
@output_options
@click.pass_obj
def show_all(door: Door, output: str | None) -> None:
    """List the nodes of your projects."""
    print_rows(door.person.list_nodes(), COLUMNS, output)


@command.command("info")
@click.argument("node", shell_complete=complete_node)
@output_options
@click.pass_obj
def show(door: Door, node: str, output: str | None) -> None:
    """Show a node: its releases, and what you may see of the instances on it."""
    found = door.person.find_node(node)
    facts = {
        **plain(found),
        "releases": door.person.list_installations(found.reference),
        "instances": door.person.list_members_on(found.reference),
    }
    print_facts(facts, output)


the_node = click.argument("node", shell_complete=complete_node)
the_reason = click.option("--reason", required=True, metavar="TEXT", help="Why; others read it.")


@command.command("cordon")
@the_node
@the_reason
@click.option("--until", default="", metavar="DATE",
              help="Until when, as 2026-01-31T12:00Z; else for good.")  # fmt: skip
@click.pass_obj
def cordon(door: Door, node: str, reason: str, until: str) -> None:
    """Have NODE take nothing new; what lives on it stays."""
    reference = door.person.find_node(node).reference
    door.person.cordon(reference, reason, until=until)
    click.echo(f"{reference} takes nothing new.")


@command.command("uncordon")
@the_node
@click.pass_obj
def uncordon(door: Door, node: str) -> None:
    """Have NODE take new instances again."""
    reference = door.person.find_node(node).reference
    door.person.uncordon(reference)
    click.echo(f"{reference} takes new instances.")


@command.command("drain")
@the_node
@the_reason
@click.option("--until", default="", metavar="DATE",
              help="By when it shall be empty, as 2026-01-31T12:00Z; else at once.")  # fmt: skip
@click.option("--move", is_flag=True, help="Then move what is still on it, without its data.")
@output_options
@click.pass_obj
def drain(
    door: Door, node: str, reason: str, until: str, move: bool, output: str | None
) -> None:
    """Want NODE empty; what is to move at once is listed: where it is now, or why it can't."""
    reference = door.person.find_node(node).reference
    left = door.person.drain(reference, reason, until=until, move=move)
    print_rows(left, ("instance", "node", "message"), output)


@command.command("token")
@click.option("--project", metavar="PROJECT", help="Where the node shall belong.")
@output_options
@click.pass_obj
def make_token(door: Door, project: str | None, output: str | None) -> None:
    """Print a one-time token by which a machine becomes a node, within a day."""
    token = door.person.make_node_token(project=door.project(project))
    if output:
        print_data({"token": token, "url": door.known.url}, output)
        return
    click.echo(token)
    click.echo(f"On the machine: {write_registration(door)}", err=True)


def write_registration(door: Door) -> str:
    """Write the command by which a machine becomes a node, with what it is to trust."""
    words = ["slapnode register TITLE", f"--master-url {door.known.url}"]
    if door.known.has_authority:
        words.append(f"--authority {door.contexts.folder(door.known.name) / AUTHORITY}")
    elif door.known.fingerprint:
        words.append(f"--fingerprint {door.known.fingerprint}")
    return " ".join([*words, "--token TOKEN"])
