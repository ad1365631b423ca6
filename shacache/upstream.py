"""Other caches that are asked for what is not here, in their order.

- What an upstream says is believed as little as what anybody puts: entries by the same rules,
  contents by their sum, and nothing of a content is shown before all of it is here.
- Only contents that a verified entry has named are fetched, each once however many wait.
- An upstream that fails is left alone for a while, and so is a key that none of them knows.
"""

import http.client
import logging
import threading
import time
from collections.abc import Callable
from collections.abc import Sequence
from concurrent.futures import Future
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooSlow
from dataclasses import dataclass
from typing import TypeVar

from slapcore.cache.client import Client
from slapcore.cache.client import Patience
from slapcore.errors import NotFound
from slapcore.errors import NotReady
from slapcore.errors import SlapError
from slapcore.protocol.shadir import Entry

log = logging.getLogger(__name__)

#: seconds for an upstream to answer
CONNECT_TIMEOUT = 5.0
ANSWER_TIMEOUT = 20.0
#: seconds for which an upstream that failed, and a key that is unknown, are not asked for again
FAILED_SECONDS = 30.0
UNKNOWN_SECONDS = 300.0
#: seconds for which an upstream's word that it has a content is good
OFFER_SECONDS = 3600.0
#: a legacy reader gives up after sixty
WAIT_SECONDS = 50.0
FETCHED_AT_ONCE = 4
#: how many may wait for contents, or for lookups: the other threads go on serving what is here
WAITING_AT_MOST = 3
REMEMBERED_AT_MOST = 100_000

Value = TypeVar("Value")

#: fetches a content from an upstream, and keeps it or raises
Fetch = Callable[[Client, str], None]


@dataclass
class Upstream:
    """One other cache; ``resting`` is when it may be asked again, by the monotonic clock."""

    contents: str
    entries: str
    resting: float = 0.0

    def client(self) -> Client:
        return Client(
            self.contents,
            self.entries,
            patience=Patience(connect=CONNECT_TIMEOUT, answer=ANSWER_TIMEOUT),
        )


class Upstreams:
    """All of them, and what they are known to have and not to have."""

    def __init__(self, places: Sequence[tuple[str, str]]) -> None:
        self._all = [Upstream(contents, entries) for contents, entries in places]
        self._offers: dict[str, tuple[float, Upstream]] = {}
        self._unknown: dict[str, float] = {}
        self._fetches: dict[str, Future[None]] = {}
        self._lock = threading.Lock()
        self._waiting = threading.BoundedSemaphore(WAITING_AT_MOST)
        self._pool = ThreadPoolExecutor(FETCHED_AT_ONCE, "upstream")

    def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)

    def look_up(self, key: str) -> tuple[Upstream | None, Sequence[Entry]]:
        """Give what the first upstream says that knows the key; nobody has verified it."""
        now = time.monotonic()
        if not self._all or self._unknown.get(key, 0.0) > now:
            return None, ()
        if not self._waiting.acquire(blocking=False):
            return None, ()
        try:
            for upstream in self._all:
                entries = self._ask(upstream, key)
                if entries:
                    return upstream, entries
        finally:
            self._waiting.release()
        with self._lock:
            _remember(self._unknown, key, now + UNKNOWN_SECONDS)
        return None, ()

    def offer(self, sha512: str, upstream: Upstream) -> None:
        """Note that an upstream has a content that a verified entry names."""
        with self._lock:
            _remember(self._offers, sha512, (time.monotonic() + OFFER_SECONDS, upstream))

    def has(self, sha512: str) -> bool:
        found = self._offers.get(sha512)
        return found is not None and found[0] > time.monotonic()

    def fetch(self, sha512: str, fetch: Fetch) -> None:
        """Have a content here when this returns.

        Raises ``NotReady`` when that takes longer than a reader waits; it goes on meanwhile.
        """
        if not self._waiting.acquire(blocking=False):
            raise NotReady("too many wait for contents of other caches; ask again")
        try:
            self._begin(sha512, fetch).result(WAIT_SECONDS)
        except TooSlow as error:
            raise NotReady("the content is still on its way from another cache") from error
        finally:
            self._waiting.release()

    def _begin(self, sha512: str, fetch: Fetch) -> "Future[None]":
        with self._lock:
            running = self._fetches.get(sha512)
            if running is not None:
                return running
            running = self._fetches[sha512] = self._pool.submit(self._run, sha512, fetch)
        running.add_done_callback(lambda _: self._fetches.pop(sha512, None))
        return running

    def _run(self, sha512: str, fetch: Fetch) -> None:
        found = self._offers.get(sha512)
        if found is None:
            raise NotFound("no such content is here")
        upstream = found[1]
        try:
            fetch(upstream.client(), sha512)
        except (SlapError, OSError, http.client.HTTPException) as error:
            self._offers.pop(sha512, None)
            self._rest(upstream, error)
            raise NotFound("another cache had the content, and could not give it") from error

    def _ask(self, upstream: Upstream, key: str) -> Sequence[Entry]:
        if upstream.resting > time.monotonic():
            return ()
        try:
            return upstream.client().look_up(key)
        except (SlapError, OSError, http.client.HTTPException) as error:
            self._rest(upstream, error)
            return ()

    def _rest(self, upstream: Upstream, error: Exception) -> None:
        log.warning("%s is left alone for a while: %s", upstream.entries, error)
        upstream.resting = time.monotonic() + FAILED_SECONDS


def _remember(memory: dict[str, Value], key: str, value: Value) -> None:
    """Remember one thing more, and forget the oldest when there are too many."""
    memory.pop(key, None)
    memory[key] = value
    while len(memory) > REMEMBERED_AT_MOST:
        del memory[next(iter(memory))]
