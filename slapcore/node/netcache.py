"""The network cache: releases that others have built, verified; and ours, offered.

- Only what somebody trusted has signed is taken: without certificates nothing is.
- What the cache can't or won't do is logged, and no reason to fail: the release is built.
- Archives are packed and unpacked as the builder, whose directory it is.
"""

import http.client
import logging
import subprocess
import sys
from collections.abc import Mapping
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from slapcore.cache.client import Client
from slapcore.cache.client import Patience
from slapcore.cache.client import Proof
from slapcore.cache.release import Source
from slapcore.cache.release import Target
from slapcore.cache.release import fetch_release
from slapcore.cache.release import offer_release
from slapcore.cache.signing import Signing
from slapcore.cache.trust import Memory
from slapcore.cache.trust import Trust
from slapcore.errors import ProtocolError
from slapcore.errors import SlapError
from slapcore.node.host import Host
from slapcore.node.host import ReleasePlace
from slapcore.node.process import Account
from slapcore.node.process import clean_environment

log = logging.getLogger(__name__)

#: seconds for the cache to answer when something is looked up and fetched
PATIENCE = Patience(connect=30.0, answer=300.0)

FAILURES = (SlapError, OSError, http.client.HTTPException)


class NetworkCache:
    """The cache as the configuration names it."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._config = host.config.cache

    def is_forced(self, url: str) -> bool:
        """Tell whether a release may only come from here."""
        return url.startswith(self._config.only_downloaded)

    def fetch(self, place: ReleasePlace) -> bool:
        """Put a built release into its directory; tell whether there was one."""
        config = self._config
        if not (config.contents_url and config.entries_url):
            return False
        if place.url.startswith(config.never_downloaded):
            return False
        try:
            found = fetch_release(self._source(place), place.url, place.directory)
        except FAILURES as error:
            log.warning("%s is not looked for in the network cache: %s", place.url, error)
            return False
        if found is None:
            return False
        place.completed.unlink(missing_ok=True)
        log.info("%s comes from the network cache: %s", place.url, found["sha512"][:16])
        return True

    def offer(self, place: ReleasePlace, report: Mapping[str, object]) -> None:
        """Put what was built into the cache, with the report of the build."""
        config = self._config
        if not (config.upload_contents_url and config.upload_entries_url):
            return
        if place.url.startswith(config.never_uploaded):
            return
        more = {"report": {**report, "node": self._host.config.reference}}
        try:
            sha512 = offer_release(self._target(place), place.url, place.directory, more)
        except FAILURES as error:
            log.warning("%s is not put into the network cache: %s", place.url, error)
        else:
            log.info("%s is in the network cache: %s", place.url, sha512[:16])

    def _source(self, place: ReleasePlace) -> Source:
        config = self._config
        client = self._client(config.contents_url, config.entries_url, PATIENCE)
        shared = (*self._host.config.shared_parts, *self._host.config.build_time_parts)

        def unpack(file: BinaryIO, directory: Path) -> None:
            words = ("unpack", str(directory), *map(str, shared))
            run_archiver(words, place.account, source=file)

        return Source(
            client=client,
            trust=Trust.of(text.encode() for text in config.certificates),
            memory=Memory(self._host.state / "stamps"),
            unpack=unpack,
        )

    def _target(self, place: ReleasePlace) -> Target:
        config = self._config

        def pack(directory: Path, file: BinaryIO) -> None:
            run_archiver(("pack", str(directory)), place.account, target=file)

        return Target(
            client=self._client(config.upload_contents_url, config.upload_entries_url),
            signing=Signing.read(config.private_key, config.stamp_key),
            pack=pack,
        )

    def _client(
        self, contents_url: str, entries_url: str, patience: Patience | None = None
    ) -> Client:
        """Speak to a cache: as the node itself where that is a part of the Master."""
        config, node = self._config, self._host.config
        token = config.upload_token_file.read_text().strip() if config.upload_token_file else ""
        ours = Proof(
            token=token, certificate=node.certificate, key=node.key, authority=node.authority
        )
        of_contents = Proof(
            token=token,
            certificate=config.contents_certificate,
            key=config.contents_key,
            authority=config.contents_authority,
        )
        of_entries = Proof(
            token=token,
            certificate=config.entries_certificate,
            key=config.entries_key,
            authority=config.entries_authority,
        )
        master = f"{node.master_url.rstrip('/')}/"
        return Client(
            contents_url,
            entries_url,
            ours if contents_url.startswith(master) else of_contents,
            entries_proof=ours if entries_url.startswith(master) else of_entries,
            patience=patience,
        )


def run_archiver(
    words: Sequence[str],
    account: Account,
    *,
    source: BinaryIO | None = None,
    target: BinaryIO | None = None,
) -> None:
    """Pack into, or unpack from, an open file as ``account``."""
    other = not account.is_ours
    done = subprocess.run(
        [sys.executable, "-I", "-m", "slapcore.cache", *words],
        stdin=subprocess.DEVNULL if source is None else source,
        stdout=subprocess.DEVNULL if target is None else target,
        stderr=subprocess.PIPE,
        cwd="/",
        env=clean_environment(Path("/")),
        user=account.uid if other else None,
        group=account.gid if other else None,
        extra_groups=list(account.groups) if other else None,
        check=False,
    )
    if done.returncode:
        lines = done.stderr.decode(errors="replace").strip().splitlines()
        raise ProtocolError(lines[-1] if lines else f"exit code {done.returncode}")
