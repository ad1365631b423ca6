"""Our own agent leads the whole life of an instance, against a master with certificates and none.

The customer is the newest real client; the stages are those that the legacy node goes through.
"""

import pytest

from slapmaster.demo.account import find_ourselves
from slapmaster.demo.agent import AgentNode
from slapmaster.demo.environment import NEWEST
from slapmaster.demo.master import Proxy
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
def world(request, install, account, master, directory):
    """Set up what the class asks for: a master with certificates, or a proxy."""
    if request.cls.secure:
        world = make_world(master, install(NEWEST), account, AgentNode)
        try:
            world.master.serve()
            yield world
        finally:
            world.end()
        return
    proxy = Proxy(directory / "master", find_ourselves())
    world = make_world(proxy, install(NEWEST), account, AgentNode)
    proxy.products = {"hello": world.hello}
    proxy.initialise()
    try:
        proxy.serve()
        world.client.point_at(proxy.api_url)
        world.node.point_at(proxy.api_url, proxy.node)
        yield world
    finally:
        world.end()


class TestLifeWithAMaster(
    Farewell, CompiledRelease, LastDays, MiddleDays, Catalogue, FirstDays, Introduction
):
    """Stages run in the order of the classes, the last base first."""

    secure = True

    def announce(self, world):
        world.master.command("product", "add", "hello").require()
        world.master.command("product", "release", "hello", world.hello).require()


class TestLifeWithAProxy(CompiledRelease, LastDays, MiddleDays, Catalogue, FirstDays):
    """The same without certificates and tokens."""

    secure = False
