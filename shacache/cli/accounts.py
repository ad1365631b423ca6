"""``shacache accounts``: who may put, under which keys, and how much."""

from pathlib import Path

import click
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from shacache.cli.place import Place
from shacache.cli.place import json_option
from shacache.cli.place import opened_cache
from shacache.cli.place import print_rows
from shacache.settings import read_size
from shacache.upload import Account
from shacache.upload import fingerprint_of
from slapcore.errors import InvalidValue


class Size(click.ParamType):
    """A number of bytes, perhaps with a unit."""

    name = "size"

    def convert(
        self, value: object, param: click.Parameter | None, context: click.Context | None
    ) -> int:
        if isinstance(value, int):
            return value
        try:
            return read_size(str(value))
        except ValueError as error:
            self.fail(str(error), param, context)


@click.group()
def accounts() -> None:
    """Who may put, and how much; who may read what is not public."""


@accounts.command("add")
@click.argument("name")
@click.option("--certificate", type=click.Path(path_type=Path, exists=True),
              help="The client certificate that it shows; else a token is made.")  # fmt: skip
@click.option("--prefix", "prefixes", multiple=True,
              help="How keys, or the URLs they stand for, begin; default: all.")  # fmt: skip
@click.option("--max-size", type=Size(), default=0, help="Bytes of one content.")
@click.option("--bytes-per-day", type=Size(), default=0)
@click.option("--puts-per-minute", type=int, default=0)
@click.option("--read-only", is_flag=True)
@click.pass_obj
def add(
    place: Place,
    name: str,
    certificate: Path | None,
    prefixes: tuple[str, ...],
    max_size: int,
    bytes_per_day: int,
    puts_per_minute: int,
    read_only: bool,
) -> None:
    """Register an account, and print its token."""
    account = Account(
        name=name,
        may_put=not read_only,
        prefixes=prefixes or ("",),
        max_size=max_size,
        bytes_per_day=bytes_per_day,
        puts_per_minute=puts_per_minute,
    )
    fingerprint = read_fingerprint(certificate) if certificate is not None else ""
    with opened_cache(place) as cache:
        token = cache.gate.add(account, fingerprint=fingerprint)
    if token:
        click.echo(token)


def read_fingerprint(path: Path) -> str:
    try:
        certificate = x509.load_pem_x509_certificate(path.read_bytes())
    except ValueError as error:
        raise InvalidValue(f"{path} is no certificate: {error}") from error
    return fingerprint_of(certificate.public_bytes(Encoding.DER))


@accounts.command("list")
@json_option
@click.pass_obj
def list_accounts(place: Place, as_json: bool) -> None:
    """List the accounts."""
    shown = ("may_put", "prefixes", "max_size", "bytes_per_day", "puts_per_minute")
    with opened_cache(place) as cache:
        rows = [
            {
                "name": name,
                "by": "certificate" if each["fingerprint"] else "token",
                **{member: each[member] for member in shown},
            }
            for name, each in cache.gate.accounts().items()
        ]
    print_rows(rows, as_json=as_json)


@accounts.command("remove")
@click.argument("name")
@click.pass_obj
def remove(place: Place, name: str) -> None:
    """Remove an account: it may do nothing from the next request on."""
    with opened_cache(place) as cache:
        cache.gate.remove(name)


COMMANDS = {"accounts": accounts}
