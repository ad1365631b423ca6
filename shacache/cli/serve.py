"""``shacache serve``: run the cache."""

import click

from shacache import daemon
from shacache.cli.place import Place
from shacache.cli.place import opened_cache
from slapcore import log


@click.command()
@click.option("--listen", metavar="ADDRESSES", help="Instead of 'listen' of the settings.")
@click.option("--listen-tls", metavar="ADDRESSES", help="Instead of 'listen_tls'.")
@click.option("--open-networks", metavar="NETWORKS", help="Instead of 'open_networks'.")
@click.option("--log-level", default="INFO", show_default=True)
@click.pass_obj
def serve(
    place: Place,
    listen: str | None,
    listen_tls: str | None,
    open_networks: str | None,
    log_level: str,
) -> None:
    """Run the cache until it is told to end (SIGTERM, SIGINT).

    Prints one line with the addresses once it listens.  SIGHUP has the listener's certificate
    read again.
    """
    path, given = place
    said = {"listen": listen, "listen_tls": listen_tls, "open_networks": open_networks}
    given = {**given, **{name: text for name, text in said.items() if text is not None}}
    log.configure(log_level)
    with opened_cache((path, given)) as cache:
        daemon.run(cache, click.echo)


COMMANDS = {"serve": serve}
