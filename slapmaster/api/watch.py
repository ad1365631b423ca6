"""Those who wait for news hear of it, and no thread and no transaction waits with them.

One thread looks, a few times a second and on behalf of all, whether anything was stored; only
then it asks who of those who wait may have news.  So what another process has stored is noticed
too.
"""

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable
from collections.abc import Iterator
from typing import Protocol

from ZODB.POSException import POSError

from slapcore.errors import TooMany
from slapmaster.domain.site import Site
from slapmaster.storage import Store
from slapmaster.storage import opened

log = logging.getLogger(__name__)

#: How often it is looked, in seconds: news are that old at most when they are told.
TICK = 0.2
#: How many may wait in the name of one asker.
PER_ASKER = 16


class Tale(Protocol):
    """What somebody waits for."""

    #: what a peer is told, after so many seconds of silence, for it to know that we are there
    beat: bytes
    silence: float

    def has_news(self, site: Site) -> bool:
        """Tell whether there may be something to tell."""

    def tell(self, site: Site, settled: int) -> bytes:
        """Give what there is to tell, or nothing; what happened until ``settled`` is known."""

    def is_over(self) -> bool:
        """Tell whether nothing more is to come."""

    def last_words(self) -> bytes:
        """Give what is said when the time is over."""


class Watch:
    """Looks for news; the thread that does lives as long as somebody waits."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._waiting: set[AwaitedNews] = set()
        self._askers: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._looking = False

    def add(self, news: "AwaitedNews") -> None:
        """Look on behalf of ``news``; raises ``TooMany`` when its asker waits enough already."""
        with self._lock:
            if self._askers[news.asker] >= PER_ASKER:
                raise TooMany(f"{news.asker} waits {PER_ASKER} times already: end one first")
            self._askers[news.asker] += 1
            self._waiting.add(news)
            if not self._looking:
                self._looking = True
                threading.Thread(target=self._look, name="watch", daemon=True).start()

    def remove(self, news: "AwaitedNews") -> None:
        with self._lock:
            if news in self._waiting:
                self._waiting.remove(news)
                self._askers[news.asker] -= 1
                if not self._askers[news.asker]:
                    del self._askers[news.asker]

    def _look(self) -> None:
        seen: tuple[bytes, bool] | None = None
        while self._goes_on():
            now = (self.store.main.lastTransaction(), self.store.moments.is_quiet())
            if now == seen and now[1]:
                continue
            seen = now
            try:
                self._wake_all()
            except (POSError, OSError):
                log.exception("it could not be looked for news")

    def _wake_all(self) -> None:
        with self._lock:
            waiting = list(self._waiting)
        with opened(self.store.main) as connection:
            site = connection.root()["site"]
            for news in waiting:
                if news.has_news(site):
                    news.wake()

    def _goes_on(self) -> bool:
        time.sleep(TICK)
        with self._lock:
            self._looking = bool(self._waiting)
            return self._looking


class AwaitedNews:
    """The body of an answer that comes when there is something to tell.

    It is over after so many seconds, whatever happens.  Our own server waits without a thread
    (``slapcore.server.answer.AwaitedBody``); any other one gets what there is, and the end.
    """

    def __init__(self, watch: Watch, asker: str, tale: Tale, seconds: float) -> None:
        self.asker = asker
        self._watch = watch
        self._tale = tale
        self._end = time.monotonic() + seconds
        self._spoke = time.monotonic()
        self._over = False
        self._wake: Callable[[], None] | None = None
        watch.add(self)

    @property
    def deadline(self) -> float:
        return min(self._end, self._spoke + self._tale.silence)

    def attend(self, wake: Callable[[], None]) -> None:
        self._wake = wake

    def wake(self) -> None:
        if self._wake is not None:
            self._wake()

    def has_news(self, site: Site) -> bool:
        return self._tale.has_news(site)

    def finish(self) -> None:
        self._end = 0.0

    def close(self) -> None:
        self._watch.remove(self)

    def __iter__(self) -> Iterator[bytes]:
        while not self._over:
            piece = self._next_piece()
            if not piece and self._wake is None:
                self.finish()
            elif piece or not self._over:
                yield piece

    def _next_piece(self) -> bytes:
        settled = self._watch.store.moments.settled()
        with opened(self._watch.store.main) as connection:
            piece = self._tale.tell(connection.root()["site"], settled)
        self._over = self._tale.is_over()
        if not (piece or self._over) and time.monotonic() >= self._end:
            self._over = True
            piece = self._tale.last_words()
        elif not piece and time.monotonic() >= self.deadline:
            piece = self._tale.beat
        if piece:
            self._spoke = time.monotonic()
        return piece
