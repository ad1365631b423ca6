"""``slapmaster serve``: run the master."""

from pathlib import Path

import click

from slapcore import log
from slapcore.errors import Conflict
from slapmaster import daemon
from slapmaster import directory
from slapmaster.cli.door import Door
from slapmaster.control.client import is_running
from slapmaster.master import opened_master


@click.command("serve")
@click.option("--listen", metavar="ADDRESSES", help="Instead of 'listen' of the settings.")
@click.option("--listen-plain", metavar="ADDRESSES",
              help="Instead of 'listen_plain' of the settings.")  # fmt: skip
@click.pass_obj
def command(door: Door, listen: str | None, listen_plain: str | None) -> None:
    """Run the master until it is told to end (SIGTERM, SIGINT).

    Prints one line with the addresses once it listens.  SIGHUP has the server's certificate
    read again.
    """
    for key, value in (("listen", listen), ("listen_plain", listen_plain)):
        if value is not None:
            door.override(key, value)
    log.configure(door.settings.log_level)
    refuse_second(door.settings.control_socket)
    directory.refuse_alone(door.settings)
    with opened_master(door.settings) as master:
        daemon.run(master, click.echo)


def refuse_second(socket: Path) -> None:
    if is_running(socket):
        raise Conflict(f"a server works in {socket.parent} already")
