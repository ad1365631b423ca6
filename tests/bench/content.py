"""What both servers are filled with, through the door by which nodes and persons come."""

import json
from dataclasses import dataclass
from dataclasses import field

from tests.bench import wire
from tests.bench.load import Caller
from tests.bench.load import Crowd
from tests.bench.load import Job
from tests.bench.load import Sample
from tests.bench.load import Script
from tests.bench.peers import Peer

RELEASE = "http://example.com/bench/software.cfg"
#: Seconds that a server may take to swallow a node with all its partitions.
PATIENCE = 600.0
NO_STATE = "<marshal><none/></marshal>"


class Refused(Exception):
    """A server answered something else than 200 while it was filled."""


@dataclass
class World:
    """One server and what was put into it so far."""

    peer: Peer
    #: node -> the (title, partition) pairs of its instances, in the order of the requests
    placed: dict[str, list[tuple[str, str]]] = field(default_factory=dict)

    search_link: str = ""

    @property
    def host(self) -> str:
        return self.peer.door.name

    def say(self, request: bytes) -> bytes:
        caller = Caller(self.peer.door, keep_alive=False, patience=PATIENCE)
        status, _, body = caller.call(request, keep=True)
        if status != 200:
            raise Refused(f"{self.peer.name}: {status} for {request[:200]!r}: {body[:300]!r}")
        return body

    def format(self, node: str, partitions: int) -> None:
        document = wire.marshalled(description(node, partitions))
        self.say(wire.post(self.host, "/loadComputerConfigurationFromXML", {"xml": document}))
        supply = {"url": RELEASE, "computer_id": node, "state": "available"}
        self.say(wire.post(self.host, "/supplySupply", supply))
        self.placed[node] = []

    def fill(self, node: str, instances: int) -> None:
        """Request so many instances, one after the other."""
        known = len(self.placed[node])
        for number in range(known, known + instances):
            title = f"{node}-{number}"
            answer = self.say(self.request(node, title))
            place = wire.fields_of(answer)["slap_computer_partition_id"]
            self.placed[node].append((title, place))

    def request(self, node: str, title: str, value: str = "0", shared: bool = False) -> bytes:
        """A person's request, as ``slapos request --node computer_guid=…`` sends it."""
        fields = {
            "software_release": RELEASE,
            "partition_reference": title,
            "partition_parameter_xml": wire.marshalled(parameters(value)),
            "filter_xml": wire.marshalled({"computer_guid": node}),
            "software_type": "default",
            "state": NO_STATE,
            "shared_xml": wire.marshalled(shared),
        }
        return wire.post(self.host, "/requestComputerPartition", fields)

    def information(self, node: str) -> bytes:
        return wire.get(self.host, "/getFullComputerInformation", computer_id=node)

    def search(self, query: str) -> bytes:
        """A search as the command line sends it, by the link in the first document."""
        if not self.search_link:
            first = json.loads(self.say(wire.get(self.host, self.peer.rest)))
            self.search_link = first["_links"]["raw_search"]["href"]
        wanted = {"query": [query], "select_list": ["title", "url_string"], "limit": ["40"]}
        return wire.get(self.host, wire.expand(self.search_link, wanted))


def parameters(value: str) -> dict[str, str]:
    """Ten parameters, the value of each with ``value`` in it."""
    return {f"parameter-{i}": f"value {value} of parameter {i}" for i in range(10)}


def description(node: str, partitions: int) -> dict[str, object]:
    """What ``slapos node format`` reports of a node."""
    return {
        "reference": node,
        "address": "10.0.0.1",
        "netmask": "255.255.0.0",
        "os_type": "('6.1.0', '#1 SMP', 'x86_64')",
        "public_ipv4_address": None,
        "slapos_version": "1.26.1",
        "partition_list": [partition(number) for number in range(partitions)],
    }


def partition(number: int) -> dict[str, object]:
    high, low = divmod(number, 250)
    return {
        "reference": f"slappart{number}",
        "address_list": [
            {"addr": f"10.0.{high}.{low + 1}", "netmask": "255.255.255.255"},
            {"addr": f"2001:db8::{number + 1:x}", "netmask": "ffff:ffff:ffff::"},
        ],
        "tap": {"name": f"slaptap{number}"},
    }


def send_all(crowd: Crowd, world: World, lists: list[list[bytes]]) -> Sample:
    """Let one client per list send its requests once, all clients at the same time."""
    jobs = [
        Job(world.peer.door, Script(tuple(each)), 600.0, len(each), keep_answers=True)
        for each in lists
    ]
    return crowd.measure(jobs)
