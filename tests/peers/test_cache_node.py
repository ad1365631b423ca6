"""An unmodified node builds a release and uploads it; another downloads it, building nothing."""

import configparser

import pytest

from slapcore.cache.trust import read_public_key
from slapcore.protocol import shadir
from slapmaster.demo.account import find_ourselves
from slapmaster.demo.environment import NEWEST
from slapmaster.demo.master import Proxy
from slapmaster.demo.node import Node
from tests.peers.world import make_world
from tests.peers.world import served
from tests.shacache.world import Signer
from tests.shacache.world import make_cache
from tests.shacache.world import serving

pytestmark = pytest.mark.peer


@pytest.fixture(scope="class")
def world(install, account, directory):
    master = Proxy(directory / "master", find_ourselves())
    world = make_world(master, install(NEWEST), account)
    with served(world, master):
        yield world


@pytest.fixture(scope="class")
def alice(world):
    """The builder; its key is a file that the node's user can read."""
    alice = Signer("alice")
    world.node.account.take(*alice.write(world.directory))
    return alice


@pytest.fixture(scope="class")
def door(world, alice):
    cache = make_cache(world.directory / "cache")
    public, _ = read_public_key(alice.certificate())
    cache.signers.add("alice", public)
    with serving(cache) as door:
        yield door


def use_cache(node: Node, door, **more: str) -> None:
    """Have a node look into the cache before it builds."""
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(node.configuration)
    parser["networkcache"] = {
        "download-binary-cache-url": door.contents,
        "download-binary-dir-url": door.entries,
        **more,
    }
    with node.configuration.open("w") as file:
        parser.write(file)


def certificates(world) -> dict[str, str]:
    lines = (world.directory / "alice.crt").read_text().strip()
    return {"signature-certificate-list": lines}


def make_node(world, name: str) -> Node:
    """Make another machine for the same node: nothing of the first one's is on it."""
    node = Node(world.node.environment, world.directory / name, world.node.account)
    node.prepare()
    node.point_at(world.master.api_url, world.master.node)
    return node


def found_in(node: Node) -> set[str]:
    (software,) = [each for each in node.software_root.iterdir() if each.is_dir()]
    return {str(path.relative_to(software)) for path in software.rglob("*")}


class TestTwoMachines:
    """Stages run in their order."""

    def test_what_is_built_is_uploaded(self, world, door):
        world.node.format().require()
        world.client.supply(world.hello, world.node.reference).require()
        upload = {
            "upload-binary-cache-url": door.contents,
            "upload-binary-dir-url": door.entries,
            "signature-private-key-file": str(world.directory / "alice.key"),
        }
        use_cache(world.node, door, **upload, **certificates(world))
        output = world.node.software().require().output
        assert "Trying to upload archive of software release" in output
        ((text, signature),) = door.look_up(shadir.release_key(world.hello))
        assert shadir.read_metadata(text)["software_url"] == world.hello
        assert signature

    def test_it_is_downloaded_elsewhere_and_not_built(self, world, door):
        node = make_node(world, "n2")
        use_cache(node, door, **certificates(world))
        output = node.software().require().output
        assert "Extracting archive of cached software release" in output
        assert "Installing server" not in output
        assert found_in(node) >= found_in(world.node) - {".completed"}

    def test_who_trusts_another_builds_it(self, world, door):
        Signer("bob").write(world.directory)
        node = make_node(world, "n3")
        lines = (world.directory / "bob.crt").read_text().strip()
        use_cache(node, door, **{"signature-certificate-list": lines})
        output = node.software().require().output
        assert "Extracting archive" not in output
        assert "Installing server" in output

    def test_what_is_revoked_is_built_again(self, world, door):
        door.cache.signers.revoke("alice")
        node = make_node(world, "n4")
        use_cache(node, door, **certificates(world))
        output = node.software().require().output
        assert "Extracting archive" not in output
        assert "Installing server" in output
