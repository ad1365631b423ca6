"""Step 1: a database from before allocation supplies gets its containers and lists."""

import transaction
from ZODB.DB import DB
from ZODB.FileStorage import FileStorage

from slapmaster import evolve
from slapmaster.domain.check import find_problems
from slapmaster.domain.site import Site
from tests.factories import DAY
from tests.factories import Acting
from tests.factories import World


def make_old(site):
    """Make a site as it was: without what the step adds."""
    world = World.make(site)
    world.node(partitions=2)
    world.request("web")
    for name in ("networks", "allocation_supplies", "instance_nodes"):
        delattr(site, name)
    for name in ("states", "traits"):
        delattr(site.room, name)
    for node in site.nodes:
        node.categories = (("region", "europe/france"),)
        del node.standing.availability
    site.version = 0


def test_an_old_database_is_brought_up_and_used(tmp_path):
    db = DB(FileStorage(str(tmp_path / "site.fs")))
    connection = db.open(transaction.TransactionManager())
    site = connection.root()["site"] = Site()
    make_old(site)
    connection.transaction_manager.commit()
    connection.cacheMinimize()
    assert evolve.run_next_step(site) == 1
    connection.transaction_manager.commit()
    assert list(find_problems(site)) == []
    world = World(Acting(site), next(iter(site.projects)), next(iter(site.persons)))
    world.act.clock.now += DAY
    assert world.request("mail", demands={"region": "europe"}).partition is not None
    connection.transaction_manager.abort()
    connection.close()
    db.close()
