"""``shacache export`` and ``import``: from one cache to another without a network.

The file is a tar archive: ``entries.jsonl`` first, then the contents by their sha512.
"""

import io
import json
import tarfile
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence
from pathlib import Path

import click

from shacache.cache import Cache
from shacache.cli.place import Place
from shacache.cli.place import opened_cache
from shacache.cli.place import progress_bar
from shacache.store import BLOCK
from shacache.upload import Account
from slapcore.errors import Conflict
from slapcore.errors import ProtocolError
from slapcore.errors import SlapError
from slapcore.protocol import shadir
from slapcore.protocol.shadir import SHA512
from slapcore.protocol.shadir import Entry

ENTRIES = "entries.jsonl"
#: of the entries of an archive
ENTRIES_AT_MOST = 1 << 30
IMPORTER = Account(name="import")

Advance = Callable[[int], None]


@click.command("export")
@click.argument("path", type=click.Path(path_type=Path, dir_okay=False))
@click.argument("keys", nargs=-1)
@click.pass_obj
def export(place: Place, path: Path, keys: tuple[str, ...]) -> None:
    """Write the entries that readers see of KEYS (default: all), and their contents."""
    with opened_cache(place) as cache, path.open("xb") as file:
        found = [(key, entry) for key in keys or cache.directory for entry in shown(cache, key)]
        sums = sorted({shadir.read_metadata(entry.text)["sha512"] for _, entry in found})
        total = sum(cache.store.look(sha512).size for sha512 in sums)
        with (
            tarfile.open(fileobj=file, mode="w|") as archive,
            progress_bar("export", total) as advance,
        ):
            write_archive(cache, archive, found, sums, advance)
    click.echo(f"{len(found)} entries, {len(sums)} contents")


def shown(cache: Cache, key: str) -> list[Entry]:
    records = [each for each in cache.directory.records(key) if cache.shows(each)]
    # What was put first is first taken in, so that the order stays.
    return [each.entry for each in sorted(records, key=lambda each: each.received)]


def write_archive(
    cache: Cache,
    archive: tarfile.TarFile,
    found: Sequence[tuple[str, Entry]],
    sums: Sequence[str],
    advance: Advance,
) -> None:
    lines = [json.dumps([key, entry.text, entry.signature]) for key, entry in found]
    text = "".join(f"{line}\n" for line in lines).encode()
    member = tarfile.TarInfo(ENTRIES)
    member.size = len(text)
    archive.addfile(member, io.BytesIO(text))
    for sha512 in sums:
        with cache.store.open(sha512) as content:
            member = tarfile.TarInfo(sha512)
            member.size = content.size
            archive.addfile(member, Reading(iter(content)))
            advance(content.size)


class Reading(io.RawIOBase):
    """Pieces of bytes, read as a file."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = b""

    def read(self, size: int = -1) -> bytes:
        while len(self._rest) < size:
            piece = next(self._pieces, b"")
            if not piece:
                break
            self._rest += piece
        data, self._rest = self._rest[:size], self._rest[size:]
        return data


@click.command("import")
@click.argument("path", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.pass_obj
def take_in(place: Place, path: Path) -> None:
    """Take in what another cache has exported: hashed, and signed by somebody registered here."""
    with opened_cache(place) as cache, path.open("rb") as file:
        try:
            with (
                tarfile.open(fileobj=file, mode="r|") as archive,
                progress_bar("import", path.stat().st_size) as advance,
            ):
                entries, contents = read_archive(cache, archive, advance)
        except tarfile.TarError as error:
            raise ProtocolError(f"{path} is no archive of a cache: {error}") from error
        taken = sum(take_entry(cache, line) for line in entries)
    click.echo(f"{taken} entries, {contents} contents")
    if taken < len(entries):
        raise Conflict(f"{len(entries) - taken} entries were not taken in")


def read_archive(
    cache: Cache, archive: tarfile.TarFile, advance: Advance
) -> tuple[list[bytes], int]:
    """Take in the contents; the lines with the entries, and how many contents there were."""
    lines: list[bytes] = []
    contents = 0
    for member in archive:
        file = archive.extractfile(member)
        if file is None:
            raise ProtocolError(f"{member.name} is no file")
        if member.name == ENTRIES and member.size <= ENTRIES_AT_MOST:
            lines = file.read().splitlines()
        elif SHA512.fullmatch(member.name):
            receipt = cache.store.receive(cache.settings.max_content)
            while data := file.read(BLOCK):
                advance(receipt.write(data))
            cache.keep(receipt, member.name)
            contents += 1
        else:
            raise ProtocolError(f"{member.name} is nothing that a cache exports")
    return lines, contents


def take_entry(cache: Cache, line: bytes) -> bool:
    """Take one entry in, by the same rules as if it were put; tell whether that was possible."""
    try:
        key, text, signature = json.loads(line)
        data = shadir.write_entry(Entry(text, signature))
        cache.put_entry(key, data, IMPORTER)
    except (SlapError, ValueError, TypeError) as error:
        click.echo(f"refused: {error}", err=True)
        return False
    return True


COMMANDS = {"export": export, "import": take_in}
