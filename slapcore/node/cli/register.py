"""``slapnode register``: a one-time token becomes a certificate and a configuration."""

import configparser
import shutil
from pathlib import Path

import click

from slapcore.errors import Conflict
from slapcore.node.cli import Door
from slapcore.node.supervisor import replace_text
from slapcore.slap.connection import Connection
from slapcore.slap.connection import Target
from slapcore.slap.enrolment import NewNode
from slapcore.slap.enrolment import register_node


@click.command()
@click.argument("title")
@click.option("--master-url", required=True, metavar="URL", help="Where the master is.")
@click.option("--master-url-web", metavar="URL", help="Where it takes tokens, if elsewhere.")
@click.option("--token", required=True, envvar="SLAPNODE_TOKEN", metavar="TOKEN",
              help="Given by the master; also by SLAPNODE_TOKEN.")  # fmt: skip
@click.option("--authority", type=click.Path(path_type=Path, exists=True, dir_okay=False),
              metavar="FILE", help="The certificate of the master's authority.")  # fmt: skip
@click.option("--fingerprint", default="", metavar="HEX",
              help="Or the SHA-256 of the master's own certificate.")  # fmt: skip
@click.option("--partition-number", "partitions", default=10, show_default=True,
              help="How many instances the node has room for.")  # fmt: skip
@click.option("--interface-name", "interface", default="lo", show_default=True,
              help="The network interface of the node.")  # fmt: skip
@click.option("--ipv4-local-network", "ipv4", default="10.0.0.0/16", show_default=True,
              help="Where partitions get their IPv4 addresses from.")  # fmt: skip
@click.pass_obj
def command(
    door: Door, title: str, master_url: str, master_url_web: str | None, token: str,
    authority: Path | None, fingerprint: str, partitions: int, interface: str, ipv4: str,
) -> None:  # fmt: skip
    """Register this machine as a node called TITLE, and write its configuration."""
    if door.path.exists():
        raise Conflict(f"{door.path} is there already: this machine is a node")
    target = Target(
        url=master_url_web or master_url, authority=authority, fingerprint=fingerprint
    )
    with Connection(target) as connection:
        found = register_node(connection, token, title)
    secrets = keep_credentials(door.path.parent / "ssl", found, authority)
    own = {
        "computer_id": found.reference, "master_url": master_url, **secrets,
        "software_root": "/opt/slapgrid", "instance_root": "/srv/slapgrid",
        "shared_part_list": "/opt/slapgrid/shared",
        **({"master_fingerprint": fingerprint} if fingerprint else {}),
    }  # fmt: skip
    shape = {
        "partition_amount": str(partitions), "interface_name": interface,
        "ipv4_local_network": ipv4, "create_tap": "false", "partition_base_name": "slappart",
        "user_base_name": "slapuser", "tap_base_name": "slaptap",
        "computer_xml": "/opt/slapos/slapos.xml",
    }  # fmt: skip
    write_configuration(door.path, {"slapos": own, "slapformat": shape})
    click.echo(f"This machine is configured as {found.reference} by {door.path}.")


def keep_credentials(folder: Path, found: NewNode, authority: Path | None) -> dict[str, str]:
    """Keep what proves who we are, and who the master is, and give where as settings."""
    repository = folder / "partition_pki"
    repository.mkdir(parents=True, exist_ok=True)
    # The users of partitions pass through, and read nothing but their own.
    for path in (folder, repository):
        path.chmod(0o711)
    key, certificate = folder / "key", folder / "certificate"
    replace_text(key, found.credentials.key, 0o400)
    replace_text(certificate, found.credentials.certificate, 0o644)
    kept = {
        "key_file": str(key),
        "cert_file": str(certificate),
        "certificate_repository_path": str(repository),
    }
    if authority is not None:
        own = shutil.copyfile(authority, folder / "master-ca.crt")
        kept["master_ca_file"] = str(own)
    return kept


def write_configuration(path: Path, sections: dict[str, dict[str, str]]) -> None:
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_dict(sections)
    with path.open("x") as file:
        parser.write(file)
