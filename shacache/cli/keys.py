"""``shacache keys``: make, register, list and revoke the keys of signers."""

import os
import time
from datetime import UTC
from datetime import datetime
from datetime import timedelta
from pathlib import Path

import click
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.hazmat.primitives.serialization import NoEncryption
from cryptography.hazmat.primitives.serialization import PrivateFormat
from cryptography.hazmat.primitives.serialization import PublicFormat
from cryptography.x509.oid import NameOID

from shacache.cli.place import Place
from shacache.cli.place import json_option
from shacache.cli.place import opened_cache
from shacache.cli.place import print_rows
from slapcore.cache.trust import read_public_key

DAYS = 3650


@click.group()
def keys() -> None:
    """Signers and their keys."""


@keys.command("new")
@click.argument("name")
@click.option("--to", "folder", type=click.Path(path_type=Path), required=True,
              help="The directory for the files.")  # fmt: skip
@click.option("--days", default=DAYS, show_default=True)
def make(name: str, folder: Path, days: int) -> None:
    """Make both key pairs of a signer, as files.

    NAME.key and NAME.crt are for the legacy signature and for nodes' signature-certificate-list,
    NAME.ed25519 and NAME.ed25519.pub for the stamp.
    """
    folder.mkdir(parents=True, exist_ok=True)
    private = rsa.generate_private_key(public_exponent=65537, key_size=3072)
    # What legacy clients sign with is read by "openssl rsa".
    legacy = private.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    write(folder / f"{name}.key", legacy, secret=True)
    write(folder / f"{name}.crt", certify(private, name, days))
    modern = Ed25519PrivateKey.generate()
    pem = modern.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    write(folder / f"{name}.ed25519", pem, secret=True)
    public = modern.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    write(folder / f"{name}.ed25519.pub", public)


def certify(private: rsa.RSAPrivateKey, name: str, days: int) -> bytes:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(subject, subject, private.public_key())
    builder = builder.serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(now).not_valid_after(now + timedelta(days=days))
    return builder.sign(private, hashes.SHA256()).public_bytes(Encoding.PEM)


def write(path: Path, data: bytes, *, secret: bool = False) -> None:
    mode = 0o600 if secret else 0o644
    with open(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode), "wb") as file:
        file.write(data)
    click.echo(path)


@keys.command("add")
@click.argument("name")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True))
@click.option("--days", type=int, help="When it ends; else when its certificate does, or never.")
@click.pass_obj
def add(place: Place, name: str, files: tuple[Path, ...], days: int | None) -> None:
    """Register the certificates or public keys of a signer: what they sign counts from now on."""
    found = [read_public_key(path.read_bytes()) for path in files]
    with opened_cache(place) as cache:
        for public, until in found:
            end = until if days is None else time.time() + days * 86400
            click.echo(cache.signers.add(name, public, end))


@keys.command("list")
@json_option
@click.pass_obj
def list_keys(place: Place, as_json: bool) -> None:
    """List the signers' keys."""
    with opened_cache(place) as cache:
        rows = [
            {
                "signer": key.signer,
                "kind": key.kind,
                "key": identity if as_json else identity[:16],
                "until": day_of(key.until),
                "revoked": day_of(key.revoked),
            }
            for identity, key in cache.signers.keys.items()
        ]
    print_rows(rows, as_json=as_json)


@keys.command("revoke")
@click.argument("word", metavar="NAME|KEY")
@click.pass_obj
def revoke(place: Place, word: str) -> None:
    """Revoke a signer's keys, or one: what they have signed is hidden from the next lookup on."""
    with opened_cache(place) as cache:
        for identity in cache.signers.revoke(word):
            click.echo(identity)


def day_of(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).date().isoformat() if moment else ""


COMMANDS = {"keys": keys}
