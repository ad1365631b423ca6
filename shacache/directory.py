"""Entries by key, trusted signers' and newest first; one document per key, put in place whole.

- An entry takes the place of the one that the same signer has put for the same machine (and,
  where it is not a built release, with the same metadata); no other is lost.
- An entry that another has taken the place of can't be put again.
- The documents are all there is: several processes may read and write, none has an index to lose.
"""

import hashlib
import json
import os
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from shacache.ledger import locked
from shacache.ledger import make_directory
from shacache.ledger import replace_file
from slapcore.errors import Conflict
from slapcore.protocol.shadir import STAMP
from slapcore.protocol.shadir import Entry
from slapcore.protocol.shadir import Metadata
from slapcore.protocol.shadir import read_machine
from slapcore.protocol.shadir import read_metadata

#: entries of one key; the oldest go
ENTRIES_AT_MOST = 200
#: how many entries of one key are remembered that others have taken the place of
REPLACED_AT_MOST = 200


#: the signer of an entry whose signature is of no registered key
FOREIGN = "?"


@dataclass(frozen=True, kw_only=True)
class Record:
    """An entry, and what was known when it came: times in microseconds since 1970.

    ``signer`` is empty for an unsigned entry and ``FOREIGN`` for one of an unknown key;
    ``key_id`` is empty for both.
    """

    text: str
    signature: str
    sha512: str
    signer: str
    key_id: str
    received: int
    stamped: int
    uploader: str
    address: str

    @property
    def entry(self) -> Entry:
        return Entry(self.text, self.signature)

    @property
    def metadata(self) -> Metadata:
        return read_metadata(self.text)

    @property
    def digest(self) -> str:
        """What tells this entry from any other."""
        return hashlib.sha256(f"{self.text}\0{self.signature}".encode()).hexdigest()

    @property
    def is_trusted(self) -> bool:
        return self.signer not in ("", FOREIGN)

    @property
    def slot(self) -> str:
        """What an entry has to share with another to take its place."""
        if self.signer == FOREIGN:
            return self.digest
        metadata = self.metadata
        if "software_url" in metadata:
            machine = read_machine(metadata)
            return json.dumps([self.signer, machine.architecture, machine.system])
        rest = {name: metadata[name] for name in metadata if name not in ("sha512", STAMP)}
        return json.dumps([self.signer, rest], sort_keys=True)


class Shelf(Protocol):
    """Keeps a document for each key."""

    def read(self, key: str) -> bytes | None: ...

    def change(self, key: str, edit: "Edit") -> None:
        """Have ``edit`` make the new document, alone and durably; it may be called again."""

    def __iter__(self) -> Iterator[str]: ...


#: makes a document from the old one: empty for none, ``None`` to leave all as it is
Edit = Callable[[bytes | None], bytes | None]


class Files:
    """Documents in files below one directory, named by the hash of the key."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        make_directory(directory)

    def read(self, key: str) -> bytes | None:
        try:
            with self._path(key).open("rb", buffering=0) as file:
                return file.read()
        except FileNotFoundError:
            return None

    def change(self, key: str, edit: Edit) -> None:
        path = self._path(key)
        make_directory(path.parent)
        with locked(path.parent / "lock"):
            data = edit(self.read(key))
            if data:
                replace_file(path, data)
            elif data is not None:
                path.unlink(missing_ok=True)

    def __iter__(self) -> Iterator[str]:
        """List the keys, in the order of their files."""
        for folder in sorted(self._directory.iterdir()):
            for name in sorted(os.listdir(folder)):
                if name.endswith(".json"):
                    # It may be gone since it was listed.
                    with suppress(FileNotFoundError):
                        yield json.loads((folder / name).read_bytes())["key"]

    def _path(self, key: str) -> Path:
        name = hashlib.sha256(key.encode()).hexdigest()
        return self._directory / name[:2] / f"{name[2:42]}.json"


class Directory:
    """All entries on one shelf."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    def records(self, key: str) -> tuple[Record, ...]:
        """What is kept for a key, trusted signers' first, newest first; nothing if unknown."""
        return _read(self._shelf.read(key))[0]

    def add(self, key: str, record: Record) -> bool:
        """Add an entry durably; tell whether it was new.

        Raises ``Conflict`` for one that is older than what it would take the place of.
        """
        added = False

        def edit(data: bytes | None) -> bytes | None:
            nonlocal added
            found = _insert(*_read(data), record)
            added = found is not None
            return None if found is None else _write(key, *found)

        self._shelf.change(key, edit)
        return added

    def drop(self, key: str, unwanted: Callable[[Record], bool]) -> int:
        """Drop the entries of a key that are ``unwanted``; how many there were."""
        gone = 0

        def edit(data: bytes | None) -> bytes | None:
            nonlocal gone
            records, replaced = _read(data)
            stay = [each for each in records if not unwanted(each)]
            gone = len(records) - len(stay)
            if not gone:
                return None
            return _write(key, stay, replaced) if stay or replaced else b""

        self._shelf.change(key, edit)
        return gone

    def __iter__(self) -> Iterator[str]:
        """List the keys."""
        return iter(self._shelf)


def _insert(
    records: Sequence[Record], replaced: list[str], record: Record
) -> tuple[list[Record], list[str]] | None:
    """Put a record in the place of those it replaces; ``None`` when it is there already."""
    if any(each.digest == record.digest for each in records):
        return None
    if record.digest in replaced:
        raise Conflict("a newer entry has taken the place of this one")
    slot = record.slot
    gone = [each for each in records if each.slot == slot]
    if any(each.stamped > 0 and each.stamped >= record.stamped for each in gone):
        raise Conflict("the entry is older than the one in its place")
    stay = [each for each in records if each.slot != slot]
    return [record, *stay], [each.digest for each in gone] + replaced


def _read(data: bytes | None) -> tuple[tuple[Record, ...], list[str]]:
    if data is None:
        return (), []
    content = json.loads(data)
    return tuple(Record(**each) for each in content["entries"]), content["replaced"]


def _write(key: str, records: Sequence[Record], replaced: list[str]) -> bytes:
    # Whatever strangers put, it drives no trusted entry out.
    ordered = sorted(records, key=lambda each: not each.is_trusted)
    content = {
        "key": key,
        "entries": [asdict(each) for each in ordered[:ENTRIES_AT_MOST]],
        "replaced": replaced[:REPLACED_AT_MOST],
    }
    return json.dumps(content).encode()
