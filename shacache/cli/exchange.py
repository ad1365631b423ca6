"""``shacache upload``, ``download`` and ``lookup``: a cache used from elsewhere."""

import os
import tempfile
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any
from typing import BinaryIO

import click

from shacache.cli.place import json_option
from shacache.cli.place import print_rows
from shacache.cli.place import progress_bar
from slapcore.cache import archive
from slapcore.cache import release
from slapcore.cache.client import Client
from slapcore.cache.client import Proof
from slapcore.cache.machine import fits
from slapcore.cache.signing import Signing
from slapcore.cache.trust import Trust
from slapcore.errors import InvalidValue
from slapcore.errors import NotFound
from slapcore.protocol import shadir
from slapcore.protocol.shadir import Entry
from slapcore.protocol.shadir import Metadata

FILE = click.Path(path_type=Path, exists=True, dir_okay=False)

Command = Callable[..., Any]


@dataclass(frozen=True)
class Subject:
    """What is put or asked for: by its key, or by the URL that the key stands for."""

    given: str | None
    file_url: str | None
    release_url: str | None

    @property
    def key(self) -> str | None:
        if self.given:
            return self.given
        if self.file_url and self.release_url:
            raise click.UsageError("--url and --release-url exclude one another")
        if self.file_url:
            return shadir.file_key(self.file_url)
        return shadir.release_key(self.release_url) if self.release_url else None

    @property
    def wanted_key(self) -> str:
        if self.key is None:
            raise click.UsageError("--key, --url or --release-url is wanted")
        return self.key


def reaching(command: Command) -> Command:
    """Give a command a ``client``, made of the options that say where the cache is."""

    @wraps(command)
    def reached(**given: Any) -> object:  # noqa: ANN401
        proof = Proof(
            token=given.pop("token"),
            certificate=given.pop("certificate"),
            key=given.pop("certificate_key"),
            authority=given.pop("authority"),
        )
        return command(client=Client.at(given.pop("cache"), proof), **given)

    options = (
        click.option("--cache", required=True, envvar="SHACACHE_URL", metavar="URL",
                     help="Where the cache is, without /shacache."),
        click.option("--token", default="", envvar="SHACACHE_TOKEN"),
        click.option("--certificate", type=FILE, help="The client's, for https."),
        click.option("--certificate-key", type=FILE),
        click.option("--authority", type=FILE, help="Who has signed the server's certificate."),
    )  # fmt: skip
    return with_options(reached, options)


def naming(command: Command) -> Command:
    """Give a command its ``subject``, made of the options that say what is meant."""

    @wraps(command)
    def named(**given: Any) -> object:  # noqa: ANN401
        subject = Subject(given.pop("key"), given.pop("url"), given.pop("release_url"))
        return command(subject=subject, **given)

    options = (
        click.option("--key", help="The key itself."),
        click.option("--url", help="The URL that a file is from."),
        click.option("--release-url", help="The URL of the software release that was built."),
    )
    return with_options(named, options)


def with_options(command: Command, options: Sequence[Callable[[Command], Command]]) -> Command:
    for option in reversed(options):
        command = option(command)
    return command


def read_trusted(context: click.Context, param: click.Parameter, paths: Sequence[Path]) -> Trust:
    return Trust.of(path.read_bytes() for path in paths)


trusting = click.option(
    "--trust", "trusted", type=FILE, multiple=True, callback=read_trusted,
    help="A certificate or public key whose signature counts.",
)  # fmt: skip


@click.command()
@click.argument("path", type=click.Path(path_type=Path, exists=True))
@click.argument("members", metavar="[NAME=VALUE]...", nargs=-1)
@naming
@reaching
@click.option("--signature-key", type=FILE, help="The RSA key for the legacy signature.")
@click.option("--stamp-key", type=FILE, help="The Ed25519 key for the stamp.")
def upload(
    path: Path,
    members: tuple[str, ...],
    subject: Subject,
    client: Client,
    signature_key: Path | None,
    stamp_key: Path | None,
) -> None:
    """Put a file or a directory, and an entry for it if it is said for what; print its sha512.

    A directory is packed as slapos does it.  NAME=VALUE are more members of the metadata.
    """
    key = subject.key
    about = describe(path, subject, members)
    signing = Signing.read(signature_key, stamp_key)
    with packed(path) as file, progress_bar("upload", file.seek(0, os.SEEK_END)) as advance:
        sha512 = client.put(file, advance)
    if key is not None:
        client.put_entry(key, signing.make_entry(key, {**about, "sha512": sha512}))
    click.echo(sha512)


@click.command()
@naming
@reaching
@trusting
@click.option("--unsigned", is_flag=True, help="Take what nobody trusted has signed.")
@click.option("--output", type=click.Path(path_type=Path), required=True)
@click.option("--unpack", "unpacking", is_flag=True, help="Make the directory that was packed.")
def download(
    subject: Subject,
    client: Client,
    trusted: Trust,
    unsigned: bool,
    output: Path,
    unpacking: bool,
) -> None:
    """Get the newest content of a key that is signed by somebody trusted and fits this machine."""
    key = subject.wanted_key
    if not trusted.keys and not unsigned:
        raise click.UsageError("--trust or --unsigned is wanted")
    if unpacking and output.exists():
        raise click.UsageError(f"{output} is there already")
    metadata = choose_entry(key, client.look_up(key), trusted, unsigned=unsigned)
    place = unpacked(output) if unpacking else replacing(output)
    with place as file, progress_bar("download", None) as advance:
        client.get(metadata["sha512"], file, advance)
    click.echo(metadata["sha512"])


@click.command()
@naming
@reaching
@trusting
@json_option
def lookup(subject: Subject, client: Client, trusted: Trust, as_json: bool) -> None:
    """List the entries of a key, and whether somebody trusted has signed them."""
    key = subject.wanted_key
    rows = [row_of(key, entry, trusted, as_json) for entry in client.look_up(key)]
    print_rows(rows, as_json=as_json)
    if not rows:
        raise NotFound(f"no entry is there for {key}")


def row_of(key: str, entry: Entry, trusted: Trust, whole: bool) -> dict[str, object]:
    metadata = shadir.read_metadata(entry.text)
    machine = shadir.read_machine(metadata)
    row: dict[str, object] = {
        "sha512": metadata["sha512"] if whole else metadata["sha512"][:16],
        "architecture": machine.architecture,
        "system": " ".join(machine.system),
        "trusted": "yes" if trusted.covers(key, entry) else "no",
    }
    return {**row, "metadata": metadata} if whole else row


def describe(path: Path, subject: Subject, members: Sequence[str]) -> Metadata:
    """Make the metadata, all but the sha512."""
    found: Metadata = {}
    if subject.release_url:
        found |= release.describe_release(subject.release_url, path)
    if subject.file_url:
        found["url"] = subject.file_url
    for member in members:
        name, equals, value = member.partition("=")
        if not equals or name == "sha512":
            raise InvalidValue(f"{member!r} is no NAME=VALUE")
        found[name] = value
    return found


def choose_entry(key: str, entries: Sequence[Entry], trusted: Trust, *, unsigned: bool) -> Metadata:
    for entry in entries:
        if unsigned or trusted.covers(key, entry):
            metadata = shadir.read_metadata(entry.text)
            if fits(metadata):
                return metadata
    raise NotFound(f"none of {len(entries)} entries of {key} is trusted and fits this machine")


@contextmanager
def packed(path: Path) -> Iterator[BinaryIO]:
    """Open a file, or a directory packed: the same content gives the same bytes."""
    if path.is_file():
        with path.open("rb") as file:
            yield file
        return
    path = path.resolve()
    with tempfile.TemporaryFile(dir=path.parent) as file:
        with progress_bar("packing", None) as advance:
            archive.pack(path, file, advance)
        yield file


@contextmanager
def unpacked(path: Path) -> Iterator[BinaryIO]:
    """Write an archive, and make the directory that it holds."""
    with tempfile.TemporaryFile(dir=path.parent) as file:
        yield file
        file.seek(0)
        archive.unpack(file, path)


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Write a file that is there only when all of it is."""
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    try:
        with open(descriptor, "wb") as file:
            yield file
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise


COMMANDS = {"upload": upload, "download": download, "lookup": lookup}
