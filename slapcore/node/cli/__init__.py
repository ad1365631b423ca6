"""The command ``slapnode``: a table of its commands; a module is imported when it is run."""

import os
from pathlib import Path

import click

from slapcore.node.cli.table import CommandTable

CONFIG = "/etc/opt/slapos/slapos.cfg"

COMMANDS = {
    "register": "Make this machine a node of a master, by a one-time token.",
    "run": "Run as a daemon: orders, instances, promises, use, each in its time.",
    "format": "Make users, directories and addresses, and tell the master.",
    "software": "Build and remove software releases, as ordered.",
    "instance": "Bring instances to their wanted states, as ordered.",
    "promise": "Look at promises now, or at the quota of bangs.",
    "report": "Have destroyed instances gone, and report what was used.",
    "bang": "Have everything on this node processed again.",
    "boot": "After a boot: format, and have everything processed again.",
    "status": "Show what runs, and what was ordered.",
    "start": "Start programs of a partition.",
    "stop": "Stop programs of a partition.",
    "restart": "Stop and start programs of a partition.",
    "tail": "Show the last output of a program.",
    "freeze": "Write a profile that pins what a release was built of.",
    "doctor": "Say what is wrong with this machine, and how to mend it.",
    "collect": "Look once at what the machine and its instances use.",
    "top": "Show what the machine and its instances use.",
    "unit": "Print the systemd unit that runs the daemon.",
    "prune": "Remove shared parts and releases that nobody uses.",
}


@click.group(cls=CommandTable, commands_by_name=COMMANDS)
@click.option("--config", "--cfg", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              envvar=("SLAPNODE_CONFIG", "SLAPOS_CONFIGURATION"), default=CONFIG,
              show_default=True, help="The slapos.cfg of the node.")  # fmt: skip
@click.option("--debug", is_flag=True, help="Say more, and show a traceback with an error.")
@click.version_option(package_name="slapmaster")
@click.pass_context
def main(context: click.Context, config: Path, debug: bool) -> None:
    """The agent of a SlapOS node: does on this machine what the master orders."""
    os.umask(0o022)
    context.obj = Door(config, debug)


class Door:
    """Where the commands get the configuration from, once it is needed."""

    def __init__(self, path: Path, debug: bool) -> None:
        self.path = path
        self.debug = debug
