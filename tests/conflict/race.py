"""Several changes begin from the same state and end one after the other."""

from collections.abc import Callable
from dataclasses import dataclass

import transaction
from ZODB.Connection import Connection
from ZODB.DB import DB
from ZODB.POSException import ConflictError

from slapmaster.domain.check import find_problems
from slapmaster.domain.site import Site
from tests.factories import World

#: How often a change is tried until something is wrong with the test.
TRIES = 5

Change = Callable[[World], object]


@dataclass
class Arena:
    """A database, and the world in it as it was when it was made.

    ``world`` keeps clock, numbers and issuer for all: each number is given once.
    """

    db: DB
    world: World

    def race(self, *changes: Change) -> list[int]:
        """Run ``changes`` on the same state, commit them in order; give how often each ran.

        What meets another's change is run again, on what is there by then.  The site is
        checked afterwards: whoever ran once must not have missed anything.
        """
        first = [Runner(self.db) for _ in changes]
        for runner, change in zip(first, changes, strict=True):
            runner.run(self.world, change)
        tries = [
            self._finish(runner, change)
            for runner, change in zip(first, changes, strict=True)
        ]
        with_problems = Runner(self.db)
        problems = list(find_problems(with_problems.site))
        with_problems.end()
        assert problems == []
        return tries

    def _finish(self, runner: "Runner", change: Change) -> int:
        for tries in range(1, TRIES + 1):
            if runner.commit():
                return tries
            runner = Runner(self.db)
            runner.run(self.world, change)
        raise AssertionError("it conflicts with itself")

    def change(self, change: Change) -> None:
        """Run ``change`` alone."""
        assert self.race(change) == [1]

    def read(self, question: Callable[[World], object]) -> object:
        """Answer ``question`` by what is there now."""
        runner = Runner(self.db)
        answer = question(self.world.seen_in(runner.site))
        runner.end()
        return answer


class Runner:
    """One connection with one transaction."""

    def __init__(self, db: DB) -> None:
        self._manager = transaction.TransactionManager()
        self._connection: Connection = db.open(transaction_manager=self._manager)
        self.site: Site = self._connection.root()["site"]

    def run(self, world: World, change: Change) -> None:
        change(world.seen_in(self.site))

    def commit(self) -> bool:
        """End the transaction; tell whether it met no other."""
        try:
            self._manager.commit()
        except ConflictError:
            return False
        finally:
            self.end()
        return True

    def end(self) -> None:
        self._manager.abort()
        self._connection.close()
