"""A site as large as one master is meant for: how long it takes to start, and what it weighs.

SlapProxy has no part in this: it would take hours to fill.  The store is filled by the domain's
own operations, without HTTP in between.
"""

import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from slapmaster.control.operation import Asked
from slapmaster.control.operation import make_act
from slapmaster.domain.act import Act
from slapmaster.domain.node import Address
from slapmaster.domain.node import NodeFacts
from slapmaster.domain.node import PartitionSpec
from slapmaster.domain.person import Person
from slapmaster.domain.project import Project
from slapmaster.domain.registration import format_node
from slapmaster.domain.registration import register_node
from slapmaster.domain.request import Wanted
from slapmaster.domain.request import request_service
from slapmaster.domain.site import Site
from slapmaster.master import Master
from slapmaster.proxy import opened_proxy
from slapmaster.proxy import read_proxy_settings
from tests.bench.content import RELEASE
from tests.bench.content import World
from tests.bench.content import parameters
from tests.bench.load import Caller
from tests.bench.load import Crowd
from tests.bench.measure import Comparison
from tests.bench.measure import Effort
from tests.bench.peers import Proxy
from tests.bench.peers import write_configuration
from tests.bench.report import Line
from tests.bench.rows import crowd_rows

#: Places per node, and how many of them have an instance.
PLACES = 30
TAKEN = 15
#: Nodes that are made in one transaction.
AT_ONCE = 50
#: One node of so many takes part in the rows.
EACH = 100


Placed = list[tuple[str, str]]


def fill(configuration: Path, nodes: int) -> Iterator[tuple[str, Placed]]:
    """Make so many nodes; give the reference of each, and its instances with their places."""
    with opened_proxy(read_proxy_settings(configuration)) as master:
        for first in range(0, nodes, AT_ONCE):
            numbers = range(first, min(nodes, first + AT_ONCE))
            yield from master.parts.store.change(partial(add_nodes, master, numbers))


def add_nodes(master: Master, numbers: range, site: Site) -> list[tuple[str, Placed]]:
    act = make_act(master, site, Asked(name="fill", arguments={}, by="bench"))
    return [add_node(act, number) for number in numbers]


def add_node(act: Act, number: int) -> tuple[str, Placed]:
    project = next(iter(act.site.projects))
    person = act.site.persons["PERS-1"]
    node = register_node(act, project, f"node {number}")
    format_node(act, node, NodeFacts(address="10.0.0.1"), [place(each) for each in range(PLACES)])
    placed = [
        add_instance(act, person, project, f"{node.reference}-{each}") for each in range(TAKEN)
    ]
    return node.reference, placed


def add_instance(act: Act, person: Person, project: Project, title: str) -> tuple[str, str]:
    demands = {"node": title.rpartition("-")[0]}
    wanted = Wanted(
        title=title,
        release_url=RELEASE,
        software_type="default",
        parameters=parameters("0"),
        demands=demands,
    )
    return title, request_service(act, person, project, wanted).partition.name


def place(number: int) -> PartitionSpec:
    addresses = (
        Address(f"slaptap{number}", f"10.0.0.{number + 1}", "255.255.255.255"),
        Address(f"slaptap{number}", f"2001:db8::{number + 1:x}", "ffff:ffff:ffff::"),
    )
    return PartitionSpec(f"slappart{number}", addresses, ())


def measure_large(
    crowd: Crowd, root: Path, effort: Effort, places: int
) -> tuple[list[Line], dict[str, str]]:
    """Fill, start, have every node ask, and measure what must not depend on the size."""
    peer = Proxy(root / "large")
    count = places // PLACES
    begin = time.monotonic()
    nodes = dict(fill(write_configuration(peer), count))
    notes = {"filled by the domain": f"{time.monotonic() - begin:.0f} s"}
    with peer:
        world = World(peer, placed=nodes)
        begin = time.monotonic()
        world.say(world.information(next(iter(nodes))))
        first = peer.started_in + time.monotonic() - begin
        notes["start to the first node's answer"] = f"{first:.2f} s"
        notes["memory after it"] = f"{peer.memory() / 1e6:.0f} MB"
        notes[f"all {count:,} nodes ask once"] = f"{poll(world):.1f} s"
        notes["memory after that"] = f"{peer.memory() / 1e6:.0f} MB"
        comparison = Comparison(crowd, [world], effort)
        some = list(nodes)[::EACH]
        most = len(some) * (PLACES - TAKEN) // (2 * effort.rounds)
        lines = [
            Line(row.name, row.clients, row.goal, comparison.measure(row), peer.name, "")
            for row in crowd_rows(some, count * TAKEN, most)
        ]
    return lines, {f"{places:,} places, {what}": value for what, value in notes.items()}


def poll(world: World) -> float:
    begin = time.monotonic()
    caller = Caller(world.peer.door, keep_alive=False)
    for node in world.placed:
        caller.call(world.information(node))
    return time.monotonic() - begin
