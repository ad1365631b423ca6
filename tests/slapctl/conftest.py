"""A master over TLS, a node that is ours to speak for, and a person at the command line."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from slapcore.protocol.description import NodeDescription
from slapcore.protocol.description import PartitionDescription
from slapcore.slap.as_node import AsNode
from slapcore.slap.connection import Connection
from slapcore.slap.connection import Target
from slapcore.slap.enrolment import register_node
from slapcore.slap.master import Master
from tests.commands import Server
from tests.commands import Slapctl
from tests.commands import Slapmaster

RELEASE = "https://example.com/web/software.cfg"


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Slapmaster:
    made = Slapmaster(tmp_path_factory.mktemp("site") / "data")
    made.init()
    return made


@pytest.fixture(scope="module")
def server(site) -> Iterator[Server]:
    with site.serving() as serving:
        yield serving


@pytest.fixture(scope="module")
def authority(site) -> Path:
    return site.directory / "authority.crt"


@pytest.fixture(scope="module")
def target(server, authority) -> Target:
    return Target(url=server.url, authority=authority)


@pytest.fixture
def token(site) -> str:
    return site.run("token", "client").strip()


@pytest.fixture(scope="module")
def alice(site, server, authority, tmp_path_factory) -> Slapctl:
    """A person who is logged in."""
    ctl = Slapctl(tmp_path_factory.mktemp("alice") / "slapctl")
    token = site.run("token", "client").strip()
    ctl.run("login", server.url, "--authority", authority, "--token", token)
    return ctl


@pytest.fixture(scope="module")
def node(alice, target, tmp_path_factory) -> Iterator[AsNode]:
    """A node with forty partitions and a release, made known by a token of ``slapctl``."""
    folder = tmp_path_factory.mktemp("node")
    token = alice.read("computer", "token")["token"]
    with Connection(target) as connection:
        new = register_node(connection, token, "shelf")
    (folder / "pem").write_text(new.credentials.certificate + new.credentials.key)
    with Master(replace(target, certificate=folder / "pem")) as master:
        node = master.as_node(new.reference)
        places = tuple(PartitionDescription(f"slappart{number}") for number in range(40))
        node.describe(NodeDescription(reference=new.reference, partitions=places))
        alice.run("supply", RELEASE, new.reference)
        yield node
