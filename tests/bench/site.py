"""A generator of sites: so many nodes of 30 partitions, as mixed as a real one is.

One node in twenty is closed, one in ten lacks the release; nodes are in regions and networks, and
have memory.  Three partitions of each open one are taken.  The domain's own operations fill it.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from slapcore.states import ReleaseState
from slapmaster.control.operation import Asked
from slapmaster.control.operation import make_act
from slapmaster.domain.act import Act
from slapmaster.domain.container import Container
from slapmaster.domain.installation import supply
from slapmaster.domain.network import Network
from slapmaster.domain.node import AllocationScope
from slapmaster.domain.node import NodeFacts
from slapmaster.domain.registration import change_offer
from slapmaster.domain.registration import change_scope
from slapmaster.domain.registration import format_node
from slapmaster.domain.registration import register_node
from slapmaster.domain.request import Wanted
from slapmaster.domain.request import request_service
from slapmaster.domain.site import Site
from slapmaster.master import Master
from slapmaster.proxy import opened_proxy
from slapmaster.proxy import read_proxy_settings
from tests.bench.content import RELEASE
from tests.bench.content import parameters
from tests.bench.large import place
from tests.bench.peers import Proxy
from tests.bench.peers import write_configuration

PLACES = 30
TAKEN = 3
#: Nodes that are made in one transaction, and that are in one network.
AT_ONCE = 50
REGIONS = tuple(f"{zone}/land{number}" for zone in ("europe", "asia") for number in range(10))
MEMORIES = ("8", "16", "32", "64")


class MadeSite(Proxy):
    """Our server on a site that was made before, or is about to be."""

    def __init__(self, root: Path) -> None:
        root.mkdir(parents=True, exist_ok=True)
        if not (root / self.name.replace(" ", "-")).exists():
            super().__init__(root)
            return
        made = root / self.name.replace(" ", "-")
        made.rename(root / "made")
        super().__init__(root)
        self.root.rmdir()
        (root / "made").rename(self.root)

    @property
    def database(self) -> Path:
        return self.root / "proxy.db.slapmaster" / "Data.fs"


def build(root: Path, nodes: int) -> Iterator[int]:
    """Make a site below ``root``; says how many nodes there are already."""
    with opened_proxy(read_proxy_settings(write_configuration(MadeSite(root)))) as master:
        master.parts.store.change(prepare)
        for first in range(0, nodes, AT_ONCE):
            numbers = range(first, min(nodes, first + AT_ONCE))
            master.parts.store.change(partial(add_nodes, master, numbers))
            yield numbers.stop
        master.parts.store.pack(0)


def prepare(site: Site) -> None:
    """Have the rules of several people: a node takes what was supplied to it."""
    next(iter(site.projects)).any_release = False


def act_on(master: Master, site: Site) -> Act:
    return make_act(master, site, Asked(name="bench", arguments={}, by="bench"))


def add_nodes(master: Master, numbers: range, site: Site) -> None:
    act = act_on(master, site)
    project = next(iter(site.projects))
    network = Network(act.new_reference("NET"), f"network {numbers.start}", project.reference)
    added: Container[Network] = site.networks
    added.add(network)
    for number in numbers:
        add_node(act, number, network.reference)


def add_node(act: Act, number: int, network: str) -> None:
    project = next(iter(act.site.projects))
    node = register_node(act, project, f"node {number}")
    categories = {
        "region": REGIONS[number % len(REGIONS)],
        "memory_size": MEMORIES[number % len(MEMORIES)],
    }
    change_offer(act, node, network=network, categories=categories)
    format_node(act, node, NodeFacts(address="10.0.0.1"), [place(each) for each in range(PLACES)])
    if number % 10 != 3:
        supply(act, node, RELEASE, ReleaseState.AVAILABLE)
        for each in range(TAKEN):
            ask(act, f"{node.reference}-{each}", {"node": node.reference})
    if number % 20 == 7:
        change_scope(act, node, AllocationScope.MAINTENANCE)


def ask(act: Act, title: str, demands: dict[str, str]) -> None:
    request_service(
        act, act.site.persons["PERS-1"], next(iter(act.site.projects)), wish(title, demands)
    )


def wish(title: str, demands: dict[str, str]) -> Wanted:
    return Wanted(
        title=title,
        release_url=RELEASE,
        software_type="default",
        parameters=parameters("0"),
        demands=demands,
    )
