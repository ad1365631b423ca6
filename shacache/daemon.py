"""A cache that serves: its listeners, and what it does every so often.

Signals: SIGTERM and SIGINT end it, requests in progress are finished; SIGHUP reads the
listener's certificate again.
"""

import logging
import signal
import time
from collections.abc import Callable
from collections.abc import Iterable

from shacache.app import make_app
from shacache.cache import Cache
from shacache.check import Gone
from shacache.check import make_room
from shacache.settings import Settings
from slapcore.server.address import Address
from slapcore.server.listeners import Limits
from slapcore.server.listeners import Listener
from slapcore.server.listeners import Server
from slapcore.server.signals import kept_signals

log = logging.getLogger(__name__)

ENDING = (signal.SIGTERM, signal.SIGINT)
SIGNALS = (*ENDING, signal.SIGHUP)

#: how often room is made when there is too much, and how often all is counted, in seconds
ROUND_SECONDS = 2.0
COUNT_SECONDS = 600.0


def run(cache: Cache, say: Callable[[str], None]) -> None:
    """Serve until a signal ends it; ``say`` is told the addresses once it listens."""
    with kept_signals(SIGNALS):
        serve(cache, say)


def serve(cache: Cache, say: Callable[[str], None]) -> None:
    cache.store.claim()
    server = make_server(cache)
    server.start()
    try:
        say(f"listening on {' '.join(urls_of(cache.settings, server))}")
        wait(cache, server)
    finally:
        server.stop()


def make_server(cache: Cache) -> Server:
    settings = cache.settings
    listeners = [Listener(address=Address(*each)) for each in settings.listen]
    listeners += [
        Listener(address=Address(*each), certificate=settings.certificate, key=settings.key)
        for each in settings.listen_tls
    ]
    limits = Limits(max_connections=settings.max_connections, max_body=settings.max_entry)
    return Server(make_app(cache), listeners=listeners, threads=settings.threads, limits=limits)


def wait(cache: Cache, server: Server) -> None:
    """Do what is to be done every so often, until a signal ends it."""
    house = House(cache)
    while True:
        house.keep()
        found = signal.sigtimedwait(SIGNALS, ROUND_SECONDS)
        if found is None:
            continue
        if found.si_signo in ENDING:
            log.info("ended by signal %d", found.si_signo)
            return
        else:
            server.reload()
            log.info("the listener's certificate was read again")


class House:
    """What is done for a cache every so often."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache
        self._counted = 0.0

    def keep(self) -> None:
        """Count from time to time, and make room; when the disk fails, serving goes on."""
        try:
            if not self._counted or time.monotonic() - self._counted > COUNT_SECONDS:
                self._counted = time.monotonic()
                self._cache.measure()
            log_gone(make_room(self._cache))
        except OSError:
            log.exception("%s can't be looked through", self._cache.settings.directory)


def log_gone(removed: Iterable[Gone]) -> None:
    for gone in removed:
        log.info("removed %s: %s", gone.what, gone.why)


def urls_of(settings: Settings, server: Server) -> list[str]:
    addresses = [each for each in server.addresses if isinstance(each, Address)]
    schemes = ["http"] * len(settings.listen) + ["https"] * len(settings.listen_tls)
    return [f"{scheme}://{address}" for scheme, address in zip(schemes, addresses, strict=True)]
