"""``slapmaster proxy``: a master for one person on one machine, without certificates."""

from pathlib import Path

import click

from slapcore import log
from slapcore.errors import Forbidden
from slapmaster import daemon
from slapmaster.cli.serve import refuse_second
from slapmaster.proxy import opened_proxy
from slapmaster.proxy import read_proxy_settings

FALLBACK = Path("/etc/opt/slapos/slapos.cfg")


@click.command("proxy")
@click.option("--config", "--cfg", "config", envvar="SLAPOS_CONFIGURATION", metavar="FILE",
              type=click.Path(path_type=Path),
              help="The node's slapos.cfg; also by SLAPOS_CONFIGURATION.")  # fmt: skip
@click.option("--database-uri", "--database", "-u", metavar="PATH",
              help="Instead of 'database_uri'; our data lies beside it.")  # fmt: skip
@click.option("--host", help="Instead of 'host'.")
@click.option("--port", help="Instead of 'port'.")
@click.option("--allow-remote", is_flag=True,
              help="Listen where other machines can do anything here.")  # fmt: skip
@click.option("--log-level", default="INFO", show_default=True)
def command(
    config: Path | None,
    database_uri: str | None,
    host: str | None,
    port: str | None,
    allow_remote: bool,
    log_level: str,
) -> None:
    """Run a master for one person on one machine, over plain HTTP and without certificates.

    Prints one line with the address once it listens.
    """
    log.configure(log_level)
    if config is None and FALLBACK.exists():
        config = FALLBACK
    wanted = read_proxy_settings(config, database_uri=database_uri, host=host, port=port)
    for sentence in wanted.ignored:
        click.echo(sentence, err=True)
    if not (wanted.is_local or allow_remote):
        raise Forbidden(
            f"{wanted.address} can be reached from other machines, which could do anything here: "
            "choose a loopback address, or say --allow-remote"
        )
    refuse_second(wanted.master.control_socket)
    with opened_proxy(wanted) as master:
        daemon.run(master, click.echo)
