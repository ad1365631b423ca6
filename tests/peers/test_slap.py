"""Our client library against the peer's own master, which says less and says it otherwise."""

import time
from contextlib import suppress
from dataclasses import dataclass

import pytest

from slapcore import errors
from slapcore.protocol.description import Address
from slapcore.protocol.description import NodeDescription
from slapcore.protocol.description import PartitionDescription
from slapcore.slap.connection import Target
from slapcore.slap.master import Master
from slapcore.slap.wish import Wish
from slapcore.states import InstanceState
from slapcore.states import ReleaseState
from slapmaster.demo.environment import NEWEST
from slapmaster.demo.master import find_port
from slapmaster.demo.process import end
from slapmaster.demo.process import make_environment
from slapmaster.demo.process import start

pytestmark = pytest.mark.peer

NODE = "computer"
RELEASE = "http://example.com/software.cfg"
PATIENCE = 60


@dataclass(frozen=True)
class Peer:
    """The peer's master, and ourselves as its node."""

    master: Master

    @property
    def node(self):
        return self.master.as_node(NODE)

    def told(self, title):
        found = (place.instance for place in self.node.see().partitions)
        return next(one for one in found if one is not None and one.title == title)


@pytest.fixture(scope="module")
def peer(install, account, module_directory):
    environment = install(NEWEST)
    folder = module_directory
    port = find_port()
    (folder / "slapos.cfg").write_text(
        f"[slapos]\ncomputer_id = {NODE}\nmaster_url = http://127.0.0.1:{port}/\n"
        f"[slapproxy]\nhost = 127.0.0.1\nport = {port}\ndatabase_uri = {folder}/proxy.db\n"
    )
    account.take_tree(folder)
    words = (environment.slapos, "proxy", "start", "--cfg", folder / "slapos.cfg")
    process = start(words, account, make_environment(folder), folder / "log")
    try:
        with Master(Target(url=f"http://127.0.0.1:{port}")) as master:
            wait_for(master, folder / "log")
            yield Peer(master)
    finally:
        end(process.pid)
        process.wait()


def wait_for(master, log):
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            master.connection.call("slapos.get.v0.hateoas_url", {})
            return
        except errors.Unavailable:
            time.sleep(0.1)
    raise AssertionError(log.read_text())


@pytest.fixture(scope="module")
def node(peer):
    places = tuple(
        PartitionDescription(f"slappart{number}", (Address(f"tap{number}", "127.0.0.1", "32"),))
        for number in range(3)
    )
    node = peer.node
    node.describe(NodeDescription(reference=NODE, address="127.0.0.1", partitions=places))
    peer.master.as_person().supply(RELEASE, NODE)
    return node


def request(peer, title, **more):
    return peer.master.as_person().ask(Wish(title=title, release_url=RELEASE, **more))


def test_what_the_node_is_told_is_read(peer, node):
    asked = request(peer, "web", parameters={"a": "b"})
    seen = peer.told("web")
    assert (seen.parameters, seen.state, seen.ip_list[0][1]) == ({"a": "b"}, "started", "127.0.0.1")
    assert abs(seen.timestamp - time.time() * 1_000_000) < 60_000_000
    assert seen.timestamp >= asked.timestamp > 0
    (release,) = node.see().releases
    assert (release.url, release.state) == (RELEASE, ReleaseState.AVAILABLE)


def test_a_shared_instance_is_seen_by_its_host(peer, node):
    request(peer, "web", parameters={"a": "b"})
    request(peer, "share", parameters={"x": "y"}, shared=True)
    (shared,) = peer.told("web").shared_instances
    assert shared.parameters == {"x": "y"}


def test_an_instance_asks_publishes_and_is_renamed(peer, node):
    place = request(peer, "web", parameters={"a": "b"}).partition_id
    speaker = peer.master.as_instance(NODE, place)
    child = speaker.request(Wish(title="child", release_url=RELEASE))
    grown_up = peer.master.as_instance(NODE, child.partition_id)
    grown_up.publish({"url": "http://x"})
    assert speaker.request(Wish(title="child", release_url=RELEASE)).connection == {
        "url": "http://x"
    }
    grown_up.rename("adult")
    assert peer.told("adult").connection == {"url": "http://x"}
    grown_up.bang("look")


def test_every_report_of_a_node_is_taken(peer, node):
    place = request(peer, "web", parameters={"a": "b"}).partition_id
    node.building(RELEASE)
    node.release_failed(RELEASE, "no disk")
    node.available(RELEASE)
    node.started(place)
    node.failed(place, "it broke")
    node.bang(place, "look")
    node.bang_all("look")
    node.stopped(place)
    assert node.fetch_credentials(place) is None


def test_no_room_is_no_end(peer, node):
    with pytest.raises(errors.NotReady, match="No free computer partition"):
        for number in range(4):
            request(peer, f"more{number}")


def test_what_is_destroyed_leaves_the_node(peer, node):
    for place in node.see().partitions:
        if place.instance is not None and place.instance.title == place.instance.root_title:
            request(peer, place.instance.title, state=InstanceState.DESTROYED)
    for _ in range(3):
        for place in node.see().partitions:
            if place.instance is not None and place.state is InstanceState.DESTROYED:
                with suppress(errors.Conflict):  # its children have to go first
                    node.destroyed(place.partition_id)
    assert not [place for place in node.see().partitions if place.instance is not None]
    peer.master.as_person().supply(RELEASE, NODE, ReleaseState.DESTROYED)
    node.release_destroyed(RELEASE)
