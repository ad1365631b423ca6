"""The newest client leads the whole life against the proxy: one person, plain HTTP, no tokens."""

import pytest

from slapmaster.demo.account import find_ourselves
from slapmaster.demo.environment import NEWEST
from slapmaster.demo.master import Proxy
from tests.peers.life import Catalogue
from tests.peers.life import CompiledRelease
from tests.peers.life import FirstDays
from tests.peers.life import LastDays
from tests.peers.life import MiddleDays
from tests.peers.world import make_world
from tests.peers.world import served

pytestmark = pytest.mark.peer


@pytest.fixture(scope="class")
def world(install, account, directory):
    master = Proxy(directory / "master", find_ourselves())
    world = make_world(master, install(NEWEST), account)
    with served(world, master):
        yield world


class TestLife(CompiledRelease, LastDays, MiddleDays, Catalogue, FirstDays):
    """Stages run in the order of the classes, the last base first."""
