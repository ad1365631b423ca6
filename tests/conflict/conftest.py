"""A site in a FileStorage, for several connections."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
import transaction
from ZODB.DB import DB
from ZODB.FileStorage import FileStorage

from slapcore.states import InstanceState
from slapmaster.domain.departure import report_gone
from slapmaster.domain.journal import SHARDS
from slapmaster.domain.site import Site
from tests.conflict.race import Arena
from tests.factories import START
from tests.factories import World

#: So many numbers of each prefix are reserved beforehand, as a server's process does.
BLOCK = 1_000
ELSEWHERE = "http://example.org/elsewhere.cfg"
NOWHERE = "http://example.org/nowhere.cfg"
PREFIXES = ("PERS", "COMP", "SOFTINST", "HOSTSUBS", "SOFTINSTALL", "ALLOC")


def live(world: World) -> None:
    """Have things happen, so that no index is empty: first entries conflict for no reason."""
    world.node("elsewhere", partitions=4, release=ELSEWHERE)
    for number in range(4):
        world.request(f"elsewhere{number}", release_url=ELSEWHERE, software_type="elsewhere")
        world.request(f"nowhere{number}", release_url=NOWHERE)
    old = world.instance("elsewhere0")
    world.request("elsewhere0", release_url=ELSEWHERE, state=InstanceState.DESTROYED)
    report_gone(world.act(), old)
    for moment in range(SHARDS):
        world.site.journal.add(START + moment, ("", "", "", "", ""))


@pytest.fixture
def arena(tmp_path: Path) -> Iterator[Arena]:
    """A site with one project and one person."""
    db = DB(FileStorage(str(tmp_path / "site.fs")))
    manager = transaction.TransactionManager()
    connection = db.open(transaction_manager=manager)
    site = connection.root()["site"] = Site()
    world = World.make(site)
    numbers = {prefix: count(site.sequences.reserve(prefix, BLOCK).start) for prefix in PREFIXES}
    world.act.numbers = lambda prefix: next(numbers[prefix])
    live(world)
    manager.commit()
    yield Arena(db, world)
    manager.abort()
    connection.close()
    db.close()
