"""Entries by key, trusted signers' and newest first; one file per key, put in place whole.

- An entry takes the place of the one that the same signer has put for the same machine (and,
  where it is not a built release, with the same metadata); no other is lost.
- An entry that another has taken the place of can't be put again.
- The files are all there is: several processes may read and write, none has an index to lose.
"""

import hashlib
import json
import os
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import AbstractContextManager
from contextlib import suppress
from dataclasses import asdict
from dataclasses import dataclass
from pathlib import Path

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


class Directory:
    """All entries below one directory."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        make_directory(directory)

    def records(self, key: str) -> tuple[Record, ...]:
        """What is kept for a key, trusted signers' first, newest first; nothing if unknown."""
        return self._read(self._path(key))[0]

    def add(self, key: str, record: Record) -> bool:
        """Add an entry durably; tell whether it was new.

        Raises ``Conflict`` for one that is older than what it would take the place of.
        """
        path = self._path(key)
        with self._changing(path):
            records, replaced = self._read(path)
            if any(each.digest == record.digest for each in records):
                return False
            if record.digest in replaced:
                raise Conflict("a newer entry has taken the place of this one")
            slot = record.slot
            gone = [each for each in records if each.slot == slot]
            if any(each.stamped > 0 and each.stamped >= record.stamped for each in gone):
                raise Conflict("the entry is older than the one in its place")
            stay = [each for each in records if each.slot != slot]
            replaced = [each.digest for each in gone] + replaced
            self._write(path, key, [record, *stay], replaced)
            return True

    def drop(self, key: str, unwanted: Callable[[Record], bool]) -> int:
        """Drop the entries of a key that are ``unwanted``; how many there were."""
        path = self._path(key)
        with self._changing(path):
            records, replaced = self._read(path)
            stay = [each for each in records if not unwanted(each)]
            gone = len(records) - len(stay)
            if gone and (stay or replaced):
                self._write(path, key, stay, replaced)
            elif gone:
                path.unlink(missing_ok=True)
            return gone

    def __iter__(self) -> Iterator[str]:
        """List the keys, in the order of their files."""
        for folder in sorted(self._directory.iterdir()):
            for name in sorted(os.listdir(folder)):
                if name.endswith(".json"):
                    # It may be gone since it was listed.
                    with suppress(FileNotFoundError):
                        yield json.loads((folder / name).read_bytes())["key"]

    def _changing(self, path: Path) -> AbstractContextManager[None]:
        make_directory(path.parent)
        return locked(path.parent / "lock")

    def _path(self, key: str) -> Path:
        name = hashlib.sha256(key.encode()).hexdigest()
        return self._directory / name[:2] / f"{name[2:42]}.json"

    def _read(self, path: Path) -> tuple[tuple[Record, ...], list[str]]:
        try:
            with path.open("rb", buffering=0) as file:
                content = json.loads(file.read())
        except FileNotFoundError:
            return (), []
        return tuple(Record(**each) for each in content["entries"]), content["replaced"]

    def _write(self, path: Path, key: str, records: list[Record], replaced: list[str]) -> None:
        # Whatever strangers put, it drives no trusted entry out.
        ordered = sorted(records, key=lambda each: not each.is_trusted)
        content = {
            "key": key,
            "entries": [asdict(each) for each in ordered[:ENTRIES_AT_MOST]],
            "replaced": replaced[:REPLACED_AT_MOST],
        }
        replace_file(path, json.dumps(content).encode())
