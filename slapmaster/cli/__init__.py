"""The command ``slapmaster``: a table of its commands; a module is imported when it is run."""

import os
from pathlib import Path

import click

from slapmaster.cli.door import Door
from slapmaster.cli.group import CommandTable

COMMANDS = {
    "init": "Make a master in an empty directory.",
    "serve": "Run the master.",
    "proxy": "Run a master for one person on one machine, instead of 'slapos proxy start'.",
    "person": "Persons and their certificates.",
    "project": "Projects and their members.",
    "token": "Give a one-time token, for a node or for a person's client.",
    "node": "Nodes: what they are, whether they take instances, their certificates.",
    "remote": "Nodes that another project or another master stands for.",
    "network": "Networks of nodes, which requests may name.",
    "quota": "How much persons and projects may have.",
    "supply": "Have a software release on a node, or no longer.",
    "product": "The catalogue: software products and their releases.",
    "allocation": "Allocation supplies: which nodes take what, for whom.",
    "host": "Instances offered as hosts for shared ones.",
    "plan": "Say where a request would lead, or why there is no place.",
    "service": "Services: what persons asked for.",
    "instance": "Instances: where they live, or what they wait for.",
    "events": "What happened in a project.",
    "journal": "Who changed what, when, from where.",
    "check": "Look for broken indexes and invariants in the database.",
    "backup": "Back the database up, while the master runs.",
    "restore": "Bring a backup back into an empty directory.",
    "pack": "Drop old revisions of objects from the database.",
    "evolve": "Bring the stored objects up to this version of the program.",
}


@click.group(cls=CommandTable, commands_by_name=COMMANDS)
@click.option("--config", type=click.Path(path_type=Path), metavar="FILE",
              help="The settings; also by SLAPMASTER_CONFIG.")  # fmt: skip
@click.option("--directory", type=click.Path(path_type=Path), metavar="DIR",
              help="The data directory, whatever the settings say.")  # fmt: skip
@click.option("--debug", is_flag=True, help="Show a traceback with an error.")
@click.version_option(package_name="slapmaster")
@click.pass_context
def main(
    context: click.Context, config: Path | None, directory: Path | None, debug: bool
) -> None:
    """The SlapOS Master: places instances of software on small and edge nodes."""
    os.umask(0o077)  # what lies in a data directory is nobody else's business
    context.obj = Door(config, directory)
