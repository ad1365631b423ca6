"""Built releases: taken from a cache, verified and unpacked; and put there, signed.

What is wrong with one entry is no reason to refuse the next; nothing is unpacked that is not,
byte by byte, what somebody trusted has signed for this very release.
"""

import logging
import os
import tempfile
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from slapcore.cache import archive
from slapcore.cache.client import Client
from slapcore.cache.machine import fits
from slapcore.cache.machine import own_machine
from slapcore.cache.signing import Signing
from slapcore.cache.trust import Memory
from slapcore.cache.trust import Trust
from slapcore.errors import NotFound
from slapcore.errors import ProtocolError
from slapcore.protocol import shadir
from slapcore.protocol.shadir import Metadata

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Source:
    """A cache, and what of it is taken: ``memory`` knows what is older than what was taken."""

    client: Client
    trust: Trust
    memory: Memory | None = None
    #: unpacks an open archive to a directory
    unpack: Callable[[BinaryIO, Path], None] = archive.unpack

    def candidates(self, key: str) -> Iterator[Metadata]:
        """Give the metadata of what may be taken, in the cache's order; it fits this machine."""
        for entry in self.client.look_up(key):
            if not self.trust.covers(key, entry):
                log.info("an entry for %s is not taken: nobody trusted has signed it", key)
                continue
            metadata = shadir.read_metadata(entry.text)
            mark = shadir.read_stamp(metadata)
            if self.memory is not None and self.memory.refuses(key, mark, self.trust):
                log.warning("an entry for %s is not taken: a newer one was here already", key)
            elif fits(metadata):
                yield metadata


@dataclass(frozen=True, kw_only=True)
class Target:
    """A cache that releases are put into, and the keys that they are signed with."""

    client: Client
    signing: Signing
    #: packs a directory into an open file
    pack: Callable[[Path, BinaryIO], None] = archive.pack


def fetch_release(
    source: Source, url: str, directory: Path, advance: archive.Advance = archive.unwatched
) -> Metadata | None:
    """Put a built release into ``directory``; what is known of it, or ``None`` if there is none.

    ``directory`` must not be there.  Raises what the cache fails with, when it can't be asked.
    """
    key = shadir.release_key(url)
    for metadata in source.candidates(key):
        # A release has its own path in many of its files.
        if metadata.get("software_root", str(directory.parent)) != str(directory.parent):
            continue
        try:
            _fetch(source, metadata["sha512"], directory, advance)
        except (NotFound, ProtocolError) as error:
            log.warning("%s of %s is not taken: %s", metadata["sha512"][:16], url, error)
            continue
        if source.memory is not None:
            source.memory.note(key, shadir.read_stamp(metadata))
        return metadata
    return None


def offer_release(
    target: Target, url: str, directory: Path, more: Mapping[str, object] | None = None
) -> str:
    """Put a built release into a cache, signed; its sha512.

    ``more`` becomes part of the metadata: the versions used, the build's report.
    """
    key = shadir.release_key(url)
    with tempfile.TemporaryFile(dir=directory.parent) as file:
        target.pack(directory, file)
        sha512 = target.client.put(file, archive.unwatched)
    metadata: Metadata = {**(more or {}), **describe_release(url, directory), "sha512": sha512}
    target.client.put_entry(key, target.signing.make_entry(key, metadata))
    return sha512


def describe_release(url: str, directory: Path) -> Metadata:
    """Say of a release what every client of a cache wants to know of it."""
    architecture, system = own_machine()
    return {
        "software_url": url,
        "software_root": str(directory.resolve().parent),
        "multiarch": architecture,
        "os": list(system),
    }


def _fetch(source: Source, sha512: str, directory: Path, advance: archive.Advance) -> None:
    with tempfile.TemporaryFile(dir=directory.parent) as file:
        source.client.get(sha512, file, advance)
        file.seek(0, os.SEEK_SET)
        source.unpack(file, directory)
