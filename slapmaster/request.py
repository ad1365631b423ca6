"""The master's request: what views and finders ask of it, each found once.

A class of our own, and not methods added to Pyramid's: those would have it make a new class for
every request.
"""

import transaction
from pyramid.decorator import reify
from pyramid.request import Request

from slapcore.errors import Unauthenticated
from slapmaster.auth.identity import Identity
from slapmaster.auth.narrowing import narrow
from slapmaster.domain.act import Act
from slapmaster.domain.site import Site


class MasterRequest(Request):
    """A request, with the site as its one transaction sees it and whoever asks."""

    @reify
    def tm(self) -> transaction.TransactionManager:
        """The transaction of this request, by the name that pyramid_tm knows it."""
        return transaction.TransactionManager(explicit=True)

    @reify
    def site(self) -> Site:
        """The site; its connection is closed when the request ends."""
        connection = self.registry.store.main.open(transaction_manager=self.tm)
        self.add_finished_callback(lambda _: connection.close())
        return connection.root()["site"]

    @reify
    def asker(self) -> Identity:
        """Who asks, narrowed as they claim; raises ``Unauthenticated`` when that is not proved."""
        identity = self.identity
        if identity is None:
            raise Unauthenticated("a client certificate is needed here, and none was shown")
        return narrow(self, identity)

    @reify
    def act(self) -> Act:
        """What operations are told: who acts, from where, and when."""
        registry = self.registry
        moments = registry.store.moments
        now = moments.begin()
        self.add_finished_callback(lambda _: moments.end(now))
        return Act(
            site=self.site,
            hook=registry.hook,
            by=self.asker.reference,
            origin=self.environ.get("REMOTE_ADDR", ""),
            now=now,
            next_number=registry.store.numbers.next,
            issuer=registry.issuer,
        )

    def take_turn(self) -> None:
        """Wait until no other thread is changing the site; to be called before ``site``.

        Writers of one process would only meet in the same buckets of the same trees, and all but
        one would have worked in vain.  Several processes may still meet: the loser runs again.
        """
        turn = self.registry.store.turn
        turn.acquire()
        self.add_finished_callback(lambda _: turn.release())
