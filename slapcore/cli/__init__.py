"""The command ``slapctl``: a table of its commands; a module is imported when it is run."""

import os
from pathlib import Path

import click

from slapcore.cli.door import Door
from slapcore.cli.table import PersonTable

COMMANDS = {
    "login": "Get to know a master, and be known to it.",
    "context": "The masters that you know, and which one is meant.",
    "whoami": "Whose certificate is used, and where.",
    "request": "Ask for a service, or change one.",
    "plan": "Where an instance would go, or why nowhere.",
    "service": "Services: what you asked for.",
    "supply": "Have a software release on a node, or no longer.",
    "software": "The catalogue: products and their releases; releases on nodes.",
    "computer": "Nodes: what they are, tokens for new ones, whether they take instances.",
    "events": "What happened in a project.",
    "apply": "Bring services and supplies in line with a file.",
    "call": "Call one method of the master by JSON-RPC or XML-RPC.",
    "completion": "Print what makes a shell complete these commands.",
}


@click.group(cls=PersonTable, commands_by_name=COMMANDS)
@click.option("--context", metavar="NAME", envvar="SLAPCTL_CONTEXT",
              help="Which of the masters that you know; also by SLAPCTL_CONTEXT.")  # fmt: skip
@click.option("--home", type=click.Path(path_type=Path), metavar="DIR", envvar="SLAPCTL_HOME",
              help="Where masters and certificates are kept; also by SLAPCTL_HOME.")  # fmt: skip
@click.option("--debug", is_flag=True, help="Show a traceback with an error.")
@click.version_option(package_name="slapmaster", prog_name="slapctl")
@click.pass_context
def main(
    click_context: click.Context, context: str | None, home: Path | None, debug: bool
) -> None:
    """Ask a SlapOS Master for services, and see what became of them.

    \b
    Exit codes: 0 done; 1 something else went wrong; 2 not a command line; 3 the master can't be
    reached, or can't prove who it is; 4 you are not known there, or may not do this; 5 there is no
    such thing; 6 refused: a wrong value, or it contradicts what is there; 7 accepted, and waiting.
    """
    os.umask(0o077)  # keys are nobody else's business
    click_context.obj = Door(home, context)
