"""A master as it lies in its data directory, opened: its store, its keys and its plugins."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import zc.lockfile

from slapcore.errors import ConfigurationError
from slapmaster import directory
from slapmaster.app import Parts
from slapmaster.evolve import refuse_older
from slapmaster.settings import Settings
from slapmaster.storage import BLOCK
from slapmaster.storage import Store
from slapmaster.storage import opened

#: How long to wait for another command that has the database open, in seconds.
PATIENCE = 10.0


class InUse(ConfigurationError):
    """Another process has the database open."""


@dataclass(frozen=True, kw_only=True)
class Master:
    """What operations work on."""

    settings: Settings
    parts: Parts


@contextmanager
def opened_master(
    settings: Settings, *, alone: bool = False, patience: float = PATIENCE, block: int = BLOCK
) -> Iterator[Master]:
    """Open the master of ``settings``; one that is ``alone`` has no keys, and is made if need be.

    ``block`` is how many numbers it reserves at a time: what is left of them is lost.  Raises
    ``InUse`` when another process keeps the database for longer than ``patience``.
    """
    if alone:
        directory.make_alone(settings)
    issuer = directory.open_issuer(settings)
    store = _open_store(settings, patience)
    store.numbers.block = block
    store.main.setCacheSize(settings.object_cache)
    try:
        parts = Parts(
            store=store,
            issuer=issuer,
            alone=directory.is_alone(settings),
            public_url=settings.public_url if settings.has_public_url else "",
            document_cache=settings.document_cache,
            trusted_proxies=settings.trusted_proxies,
        )
        yield Master(settings=settings, parts=parts)
    finally:
        store.close()


def refuse_old(master: Master) -> None:
    """Raise ``ConfigurationError`` when the database waits for steps of a new version."""
    with opened(master.parts.store.main) as connection:
        refuse_older(connection.root()["site"])


def _open_store(settings: Settings, patience: float) -> Store:
    deadline = time.monotonic() + patience
    while True:
        try:
            return Store.open(settings.database, settings.pulse_database)
        except zc.lockfile.LockError as error:
            if time.monotonic() >= deadline:
                raise InUse(
                    f"the database in {settings.data_directory} is in use by another process"
                ) from error
        time.sleep(0.05)
