"""``slapnode unit``: the systemd unit of the daemon."""

import sys
from pathlib import Path

import click

from slapcore.node.cli import Door

UNIT = """[Unit]
Description=SlapOS node agent
After=network-online.target
Wants=network-online.target

[Service]
Type=exec
ExecStartPre=-{program} --config {config} boot --patience 30
ExecStart={program} --config {config} run
# What the agent has started under supervisord goes on without it.
KillMode=process
Restart=on-failure
RestartSec=10
Delegate=yes

[Install]
WantedBy=multi-user.target
"""


@click.command()
@click.pass_obj
def command(door: Door) -> None:
    """Print the unit; put it into /etc/systemd/system/slapnode.service."""
    program = Path(sys.executable).with_name("slapnode")
    click.echo(UNIT.format(program=program, config=door.path.absolute()), nl=False)
