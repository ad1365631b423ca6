"""The last column of the square: SlapProxy itself, with our agent and with the legacy node."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from slapmaster.demo.account import find_ourselves
from slapmaster.demo.agent import AgentNode
from slapmaster.demo.environment import NEWEST
from slapmaster.demo.master import Proxy
from slapmaster.demo.node import Node
from tests.peers.world import fetch
from tests.peers.world import make_world
from tests.peers.world import wait_until

pytestmark = pytest.mark.peer

SETTINGS = """[slapos]
computer_id = {node}
[slapproxy]
host = 127.0.0.1
port = {port}
database_uri = {database}
"""


@dataclass
class SlapProxy(Proxy):
    """The peer's own proxy."""

    slapos: Path = Path("slapos")

    def initialise(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        database = self.directory / "proxy.db"
        text = SETTINGS.format(node=self.node, port=self.port, database=database)
        self.configuration.write_text(text)

    def serve(self) -> None:
        self.start()

    def words(self, *words: str | Path) -> tuple[str | Path, ...]:
        return (self.slapos, "proxy", "start", "--cfg", self.configuration)


@pytest.fixture(scope="class")
def world(request, install, account, directory):
    environment = install(NEWEST)
    proxy = SlapProxy(directory / "master", find_ourselves(), slapos=environment.slapos)
    world = make_world(proxy, environment, account, request.cls.kind)
    try:
        proxy.serve()
        world.client.point_at(proxy.api_url)
        world.node.point_at(proxy.api_url, proxy.node)
        yield world
    finally:
        world.end()


class Life:
    """From the format to the last report; the stages run in their order."""

    def test_a_release_is_built(self, world):
        world.node.format().require()
        world.client.supply(world.hello, world.node.reference).require()
        world.node.software().require()
        assert list(world.node.software_root.glob("*/instance.cfg"))
        assert not world.node.has_worked(world.node.software().require())

    def test_an_instance_is_started_and_keeps_its_promises(self, world):
        asked = ("--parameters", "greeting=Welcome")
        world.request("web", *asked)
        world.node.settle()
        assert "<h1>Welcome</h1>" in fetch(world.request_ready("web", *asked)["url"])
        world.node.slapos("promise").require()

    def test_nothing_new_is_nothing_to_do(self, world):
        assert not world.node.has_worked(world.node.instance().require())

    def test_changed_parameters_reach_the_service(self, world):
        asked = ("--parameters", "greeting=Good morning")
        world.request("web", *asked).require()
        world.node.settle()
        url = world.request_ready("web", *asked)["url"]
        wait_until(lambda: "Good morning" in fetch(url))

    def test_what_is_destroyed_leaves_the_node(self, world):
        world.destroy("web")
        assert world.report_until_gone() > 0
        assert not list(world.node.instance_root.glob("slappart*/etc/service/*"))
        world.client.remove(world.hello, world.node.reference).require()
        world.node.software().require()
        assert not list(world.node.software_root.glob("*/instance.cfg"))


class TestOurAgent(Life):
    """Our agent, the peer's master."""

    kind = AgentNode


class TestTheLegacyNode(Life):
    """The peer with itself: what the stages want is not more than it does."""

    kind = Node
