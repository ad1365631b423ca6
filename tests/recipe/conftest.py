"""A buildout for each test, and a master for those that speak to one."""

import subprocess
import sys
from pathlib import Path

import pytest

from slapcore.protocol import marshal
from tests.recipe.world import Buildout
from tests.served import RELEASE
from tests.served import Served


@pytest.fixture(scope="session")
def runner():
    """Give a process that runs buildouts."""
    program = str(Path(__file__).with_name("warm.py"))
    command = [sys.executable, program]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        yield process


@pytest.fixture
def buildout(tmp_path, runner):
    folder = tmp_path / "build"
    folder.mkdir()
    return Buildout(folder, runner)


class Site:
    """An instance of a test's own on a master that other tests use too."""

    def __init__(self, served, number):
        self.served = served
        self.title = f"web {number}"
        self.make_room()
        answer = self.request()
        self.partition = answer.attributes["slap_computer_partition_id"]

    def make_room(self):
        """Add a partition; nothing else has room."""
        self.served.partitions += 1
        self.served.format(self.served.partitions)

    def request(self, **parameters):
        return self.served.request(self.title, **parameters)

    def share(self, name, /, **parameters):
        """Ask for a share in the instance."""
        title = f"{name} of {self.title}"
        filters = {"instance_guid": self.see().attributes["_instance_guid"]}
        return self.served.request(title, shared=True, filters=filters, **parameters)

    def status(self):
        """Give what was last said of the instance."""
        fields = {"computer_id": self.served.node, "computer_partition_id": self.partition}
        code, body = self.served.call("GET", "getComputerPartitionStatus", fields)
        assert code == 200
        return marshal.decode(body)["text"]

    def see(self):
        return self.served.partition(self.partition)

    @property
    def newest_name(self):
        """Give the partition that was added last."""
        return f"slappart{self.served.partitions - 1}"

    def newest(self):
        return self.served.partition(self.newest_name)

    def published(self):
        """Give what the instance has published."""
        return self.see().attributes["_connection_dict"]

    def publish(self, partition, values):
        """Publish for another instance."""
        fields = {
            "computer_id": self.served.node,
            "computer_partition_id": partition,
            "connection_xml": marshal.encode(values).decode(),
        }
        assert self.served.call("POST", "setComputerPartitionConnectionXml", fields)[0] == 200


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """Give a master that instances can be at the door of."""
    served = Served(tmp_path_factory.mktemp("master"))
    served.partitions = 0
    served.start()
    supply = {"url": RELEASE, "computer_id": served.node, "state": "available"}
    served.call("POST", "supplySupply", supply)
    try:
        yield served
    finally:
        served.stop()


@pytest.fixture
def site(served):
    return Site(served, served.partitions)


@pytest.fixture
def connected(buildout, site):
    """Give a buildout that is the instance of the site."""
    buildout.connection = f"""
[slap-connection]
computer-id = {site.served.node}
partition-id = {site.partition}
server-url = http://127.0.0.1:{site.served.port}/
software-release-url = {RELEASE}
key-file =
cert-file =
requested-state = started
"""
    return buildout
