"""The newest client leads an instance's whole life over TLS, with certificates, from tokens on."""

import pytest

from slapmaster.demo.environment import NEWEST
from tests.peers.life import Catalogue
from tests.peers.life import CompiledRelease
from tests.peers.life import FirstDays
from tests.peers.life import LastDays
from tests.peers.life import MiddleDays
from tests.peers.secure import Farewell
from tests.peers.secure import Introduction
from tests.peers.world import make_world

pytestmark = pytest.mark.peer


@pytest.fixture(scope="class")
def world(install, account, master):
    world = make_world(master, install(NEWEST), account)
    try:
        world.master.serve()
        yield world
    finally:
        world.end()


class TestLife(
    Farewell, CompiledRelease, LastDays, MiddleDays, Catalogue, FirstDays, Introduction
):
    """Stages run in the order of the classes, the last base first."""

    def announce(self, world):
        world.master.command("product", "add", "hello").require()
        world.master.command("product", "release", "hello", world.hello).require()
