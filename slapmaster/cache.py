"""The binary cache as a part of the master: who may put into it, and what has to stay.

- Nodes, and people who run the nodes of a project, put with their certificates; what they put
  counts for the project.  The cache's own accounts and signers are what they are without us.
- What is supplied to any node stays, however long nobody asks for it.
"""

import logging
import threading
from collections.abc import Iterator
from collections.abc import Mapping
from contextlib import contextmanager
from datetime import UTC
from datetime import datetime
from typing import Any

from ZODB.POSException import POSError

from shacache.cache import Cache
from shacache.daemon import ROUND_SECONDS
from shacache.daemon import House
from shacache.settings import read_settings
from shacache.upload import Account
from slapcore.errors import SlapError
from slapcore.errors import Unauthenticated
from slapcore.protocol.shadir import release_key
from slapmaster.auth.certificate import holder_of
from slapmaster.auth.certificate import shown_certificate
from slapmaster.auth.identity import Identity
from slapmaster.auth.permissions import Subject
from slapmaster.auth.permissions import find_workplace
from slapmaster.auth.permissions import is_allowed
from slapmaster.domain.site import Site
from slapmaster.master import Master
from slapmaster.storage import opened

log = logging.getLogger(__name__)


@contextmanager
def opened_cache(master: Master) -> Iterator[Cache | None]:
    """Open the cache that is a part of the master, and keep house in it; ``None`` without one."""
    path = master.settings.cache
    if path is None:
        yield None
        return
    cache = Cache(read_settings(path, {}), Doorkeeper(master))
    try:
        cache.store.claim()
        keeper = Housekeeper(master, cache)
        keeper.start()
        try:
            yield cache
        finally:
            keeper.stop()
    finally:
        cache.close()


class Doorkeeper:
    """Knows those who ask the cache by the certificates that the master has issued."""

    def __init__(self, master: Master) -> None:
        self._parts = master.parts
        self._settings = master.settings

    def __call__(self, environ: Mapping[str, Any]) -> Account | None:
        issuer = self._parts.issuer
        if issuer is None:
            return None
        try:
            der = shown_certificate(environ, self._parts.trusted_proxies)
            if der is None:
                return None
            shown = issuer.authority.verify(der, datetime.now(UTC))
            with opened(self._parts.store.main) as connection:
                site = connection.root()["site"]
                return self._account(holder_of(site, shown), site)
        except Unauthenticated as error:
            # It may still have an account of the cache's own.
            log.info("a certificate is not the master's: %s", error)
            return None

    def _account(self, identity: Identity, site: Site) -> Account | None:
        subject = Subject(site=site)
        if not is_allowed(identity, "cache.read", subject):
            return None
        node = identity.node
        project = find_workplace(identity, site) if node is None else node.project
        return Account(
            name=identity.reference,
            may_put=is_allowed(identity, "cache.put", subject),
            bytes_per_day=self._settings.cache_bytes_per_day,
            puts_per_minute=self._settings.cache_puts_per_minute,
            purse=project or "",
        )


class Housekeeper:
    """A thread that pins what is supplied, and has room made."""

    def __init__(self, master: Master, cache: Cache) -> None:
        self._master = master
        self._cache = cache
        self._house = House(cache)
        self._seen: object = None
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="cache", daemon=True)

    def start(self) -> None:
        """Begin, with the pins as they have to be."""
        self.pin_supplied()
        self._thread.start()

    def stop(self) -> None:
        self._ending.set()
        self._thread.join()

    def pin_supplied(self) -> None:
        """Pin the releases that are supplied to any node, if anything was written since."""
        store = self._master.parts.store
        written = store.main.lastTransaction()
        if written == self._seen:
            return
        with opened(store.main) as connection:
            keys = supplied_keys(connection.root()["site"])
        if self._cache.supplied.replace(keys):
            log.info("%d supplied releases are pinned in the cache", len(keys))
        self._seen = written

    def _run(self) -> None:
        while not self._ending.wait(ROUND_SECONDS):
            try:
                # Before room is made: nothing goes that was supplied meanwhile.
                self.pin_supplied()
            except (POSError, OSError, SlapError):
                log.exception("what is supplied could not be pinned in the cache")
                continue
            self._house.keep()


def supplied_keys(site: Site) -> set[str]:
    """Give the keys of the releases that are supplied to some node."""
    return {release_key(url) for (_, url), nodes in site.room.supplied.items() if nodes}
