"""Our agent in both roles: one builds a release and uploads it, another downloads, or refuses."""

import configparser
import json
import sys
import time
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.hazmat.primitives.serialization import NoEncryption
from cryptography.hazmat.primitives.serialization import PrivateFormat
from cryptography.hazmat.primitives.serialization import PublicFormat

from slapcore.protocol import shadir
from slapmaster.demo.account import find_ourselves
from slapmaster.demo.agent import AgentNode
from slapmaster.demo.environment import NEWEST
from slapmaster.demo.environment import is_executable
from slapmaster.demo.master import Proxy
from tests.peers.world import make_world
from tests.peers.world import served
from tests.shacache.world import Signer
from tests.shacache.world import make_cache
from tests.shacache.world import serving

pytestmark = pytest.mark.peer


@pytest.fixture(scope="class")
def world(install, account, directory):
    if not is_executable(Path(sys.executable), account):
        pytest.skip("the user that builds releases can't execute the Python of the agent")
    master = Proxy(directory / "master", find_ourselves())
    world = make_world(master, install(NEWEST), account, AgentNode)
    with served(world, master):
        yield world


@pytest.fixture(scope="class")
def alice(world):
    alice = Signer("alice")
    alice.write(world.directory)
    modern = alice.modern.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (world.directory / "alice.ed25519").write_bytes(modern)
    return alice


@pytest.fixture(scope="class")
def door(world, alice):
    cache = make_cache(world.directory / "cache")
    alice.register(cache)
    with serving(cache) as door:
        yield door


def public_of(signer):
    public = signer.modern.public_key()
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def use_cache(node, door, **more):
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


def empty_machine(world):
    """Have another machine in the place of the first: the same paths, and nothing on it."""
    software = world.node.software_root
    mode = software.stat()
    software.rename(software.with_name(f"soft-{time.time_ns()}"))
    software.mkdir()
    software.chmod(mode.st_mode)
    world.node.account.take(software)
    world.node.shared_root.rename(world.node.shared_root.with_name(f"shared-{time.time_ns()}"))
    world.node.shared_root.mkdir()
    world.node.account.take(world.node.shared_root)


def release_of(world):
    return world.node.software_root / shadir.release_key(world.hello)


class TestBothRoles:
    """Stages run in their order."""

    def test_what_is_built_is_uploaded_signed_and_stamped(self, world, door, alice):
        world.node.format().require()
        world.client.supply(world.hello, world.node.reference).require()
        upload = {
            "upload-binary-cache-url": door.contents,
            "upload-binary-dir-url": door.entries,
            "signature-private-key-file": str(world.directory / "alice.key"),
            "stamp-private-key-file": str(world.directory / "alice.ed25519"),
        }
        use_cache(world.node, door, **upload, **{"signature-certificate-list": public_of(alice)})
        output = world.node.software().require().output
        ((text, signature),) = door.look_up(shadir.release_key(world.hello))
        metadata = shadir.read_metadata(text)
        assert signature, output
        assert shadir.read_stamp(metadata) is not None
        assert metadata["report"]["node"] == world.node.reference
        assert metadata["software_url"] == metadata["report"]["url"] == world.hello

    def test_it_is_downloaded_elsewhere_and_not_built(self, world, door, alice):
        built = {str(path.relative_to(release_of(world))) for path in release_of(world).rglob("*")}
        owner = release_of(world).stat().st_uid
        log = world.node.instance_root / "var" / "log"
        (build_log,) = log.glob("software-*.log")
        build_log.unlink()
        empty_machine(world)
        use_cache(world.node, door, **{"signature-certificate-list": public_of(alice)})
        world.node.software().require()
        found = {str(path.relative_to(release_of(world))) for path in release_of(world).rglob("*")}
        assert found == built
        assert release_of(world).stat().st_uid == owner
        assert not build_log.exists()

    def test_an_instance_lives_on_what_was_downloaded(self, world, door):
        world.request("web").require(0, 2)
        world.node.settle()
        assert "url" in world.request_ready("web")
        world.destroy("web")
        world.report_until_gone()

    def test_what_does_not_verify_is_refused_and_built(self, world, door, alice):
        (each,) = door.cache.directory.records(shadir.release_key(world.hello))
        path = door.cache.settings.directory / "contents" / door.cache.store.path(each.sha512)
        good = path.read_bytes()
        path.write_bytes(good[:1000] + b"evil" + good[1004:])
        empty_machine(world)
        world.node.software().require()
        assert list((world.node.instance_root / "var" / "log").glob("software-*.log"))
        record = json.loads((release_of(world) / ".slapnode-build.json").read_text())
        assert record["began"] > each.received / 1_000_000
        path.write_bytes(good)

    def test_who_trusts_another_builds_it(self, world, door):
        empty_machine(world)
        began = time.time()
        use_cache(world.node, door, **{"signature-certificate-list": public_of(Signer("bob"))})
        world.node.software().require()
        record = json.loads((release_of(world) / ".slapnode-build.json").read_text())
        assert record["began"] >= began

    def test_what_may_only_be_downloaded_fails_when_it_is_revoked(self, world, door, alice):
        door.cache.signers.revoke("alice")
        empty_machine(world)
        use_cache(
            world.node,
            door,
            **{
                "signature-certificate-list": public_of(alice),
                "download-from-binary-cache-force-url-list": world.hello,
            },
        )
        outcome = world.node.software()
        assert outcome.code
        assert "only to come from the network cache" in outcome.output
        assert not release_of(world).exists()
