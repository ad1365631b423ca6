"""Whatever decides where instances may live, changed in any order, between closing and opening.

The machine of ``test_domain.py`` on a database in a file, with all that placing looks at besides:
who lives near whom, networks, allocation supplies, hosts, capacities, weights and faults.
"""

import shutil
import tempfile
from pathlib import Path

import transaction
from hypothesis import HealthCheck
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize
from hypothesis.stateful import precondition
from hypothesis.stateful import rule
from ZODB.DB import DB
from ZODB.FileStorage import FileStorage

from slapcore.states import ReleaseState
from slapmaster.domain.departure import report_gone
from slapmaster.domain.installation import supply
from slapmaster.domain.instance import is_host
from slapmaster.domain.network import Network
from slapmaster.domain.node import AllocationScope
from slapmaster.domain.offering import make_product
from slapmaster.domain.offering import publish_release
from slapmaster.domain.project import Role
from slapmaster.domain.provision import Offer
from slapmaster.domain.provision import choose_policy
from slapmaster.domain.provision import offer_host
from slapmaster.domain.provision import read_cells
from slapmaster.domain.provision import remove_allocation_supply
from slapmaster.domain.provision import set_allocation_supply
from slapmaster.domain.provision import weigh
from slapmaster.domain.provision import withdraw_host
from slapmaster.domain.registration import change_capacity
from slapmaster.domain.registration import change_offer
from slapmaster.domain.registration import change_scope
from slapmaster.domain.report import report_node
from slapmaster.domain.site import Site
from tests.factories import World
from tests.property.laws import draw
from tests.property.test_domain import NODES
from tests.property.test_domain import RELEASES
from tests.property.test_domain import SiteMachine
from tests.property.test_domain import numbers
from tests.property.test_domain import parameters
from tests.property.test_domain import releases
from tests.property.test_domain import states
from tests.property.test_domain import titles

NETWORKS = ("", "NET-1", "NET-2")
TYPES = ("default", "big")

relative = st.sampled_from(
    [
        {},
        {},
        {"mode": "unique_by_node"},
        {"mode": "unique_by_network"},
        {"affinity": "a"},
        {"affinity": "b"},
        {"anti_affinity": "a"},
        {"mode": "unique_by_node", "anti_affinity": "b"},
        {"region": "asia", "policy": "pack"},
    ]
)
relatives = st.fixed_dictionaries({"demands": relative})
wishes = st.fixed_dictionaries(
    {
        "release_url": releases,
        "parameters": parameters,
        "demands": relative,
        "software_type": st.sampled_from(TYPES),
    }
)
cells = st.lists(
    st.sampled_from(
        [("SOFTPROD-1", "", ""), ("", "big", ""), ("", "", RELEASES[0]), ("", "default", "")]
    ),
    max_size=2,
)


class PlacingMachine(SiteMachine):
    @initialize(any_release=st.booleans(), open_hosts=st.booleans())
    def begin(self, any_release, open_hosts):
        self.folder = Path(tempfile.mkdtemp(prefix="placing-"))
        self.manager = transaction.TransactionManager()
        self.open()
        site = self.connection.root()["site"] = Site()
        self.site, self.world = site, World.make(site)
        self.world.project.any_release = any_release
        self.world.project.open_hosts = open_hosts
        self.world.project.give_role(self.world.person, Role.MANAGER)
        for network in NETWORKS[1:]:
            site.networks.add(Network(network, network, "PROJ-1"))
        site.sequences.reserve("NET", len(NETWORKS))
        for title in (*NODES, "middle"):
            self.world.node(title, partitions=2, release=RELEASES[0])
        product = make_product(self.world.act(), self.world.project, "hello")
        publish_release(self.world.act(), product, RELEASES[0])
        self.manager.commit()
        self.picture = draw(self.site, frozenset())

    def open(self):
        self.db = DB(FileStorage(str(self.folder / "site.fs")))
        self.connection = self.db.open(transaction_manager=self.manager)

    def teardown(self):
        if hasattr(self, "folder"):
            super().teardown()
            shutil.rmtree(self.folder)

    @rule()
    def close_and_open(self):
        self.manager.abort()
        self.connection.close()
        self.db.close()
        self.open()
        self.site = self.connection.root()["site"]
        self.world = self.world.seen_in(self.site)

    @rule(title=titles, wish=wishes, state=states)
    def request_beside_others(self, title, wish, state):
        self.do(lambda: self.world.request(title, **wish, state=state))

    @precondition(lambda self: self.softwares())
    @rule(number=numbers, title=titles, wish=wishes, state=states, shared=st.booleans())
    def request_child_beside_others(self, number, title, wish, state, shared):
        requester = self.pick(self.softwares(), number)
        self.do(
            lambda: self.world.request_child(requester, title, **wish, state=state, shared=shared)
        )

    @rule(wish=relatives)
    def request_a_crowd(self, wish):
        """Ask for so many, with the same demand, that some have to wait."""
        wish = {"release_url": RELEASES[0], **wish}
        self.do(lambda: self.world.request("a", release_url=RELEASES[0]))
        root = next((one for one in self.softwares() if one.title == "a" and one.is_root), None)
        for title in ("b", "c", "d") if root is not None else ():
            self.do(lambda title=title: self.world.request_child(root, title, **wish))

    @precondition(lambda self: any(not one.is_root for one in self.softwares()))
    @rule(number=numbers)
    def clear_a_child_away(self, number):
        child = self.pick((one for one in self.softwares() if not one.is_root), number)
        self.destroy(child)
        if child.reference in self.site.instances:  # what has no place has gone already
            self.do(lambda: report_gone(self.world.act(), child), settles=False)

    @rule(number=numbers, network=st.sampled_from(NETWORKS), region=st.sampled_from(["", "asia"]))
    def describe(self, number, network, region):
        node = self.pick(self.site.nodes, number)
        said = {"region": region} if region else {}
        self.do(lambda: change_offer(self.world.act(), node, network=network, categories=said))

    @rule(number=numbers, capacity=st.integers(0, 4))
    def limit(self, number, capacity):
        node = self.pick(self.site.nodes, number)
        self.do(lambda: change_capacity(self.world.act(), node, capacity))

    @rule(number=numbers, text=st.sampled_from(["#access fine", "#error burns"]))
    def say_how_it_is(self, number, text):
        node = self.pick(self.site.nodes, number)
        self.do(lambda: report_node(self.world.act(), node, text))

    @rule(number=numbers)
    def drain(self, number):
        node = self.pick(self.site.nodes, number)
        self.do(lambda: change_scope(self.world.act(), node, AllocationScope.TERMINATION))
        self.do(lambda: change_scope(self.world.act(), node, AllocationScope.OPEN))

    @rule(weight=st.integers(1, 3))
    def weigh_big_ones(self, weight):
        self.do(lambda: weigh(self.world.act(), self.world.project, ("SOFTPROD-1", "big", weight)))

    @rule(policy=st.sampled_from(["", "pack", "pinned", "random"]))
    def choose_policy(self, policy):
        self.do(lambda: choose_policy(self.world.act(), self.world.project, policy))

    @rule(
        title=st.sampled_from(["one", "two"]),
        picked=st.lists(numbers, max_size=2),
        cells=cells,
        same_tree=st.booleans(),
        hosts=st.booleans(),
    )
    def allow(self, title, picked, cells, same_tree, hosts):
        nodes = {self.pick(self.site.nodes, number).reference for number in picked}
        offered = tuple(node.reference for node in self.site.instance_nodes) if hosts else ()
        offer = Offer(
            nodes=tuple(sorted(nodes)) or ("every",),
            cells=read_cells(cells),
            same_tree=same_tree,
            hosts=offered,
        )
        self.do(lambda: set_allocation_supply(self.world.act(), self.world.project, title, offer))

    @precondition(lambda self: len(self.site.allocation_supplies))
    @rule(number=numbers)
    def allow_no_longer(self, number):
        found = self.pick(self.site.allocation_supplies, number)
        self.do(lambda: remove_allocation_supply(self.world.act(), found), settles=False)

    @precondition(lambda self: any(map(is_host, self.softwares())))
    @rule(number=numbers)
    def offer(self, number):
        host = self.pick(filter(is_host, self.softwares()), number)
        self.do(lambda: offer_host(self.world.act(), self.world.project, host.reference, host))

    @precondition(lambda self: len(self.site.instance_nodes))
    @rule(number=numbers)
    def offer_no_longer(self, number):
        found = self.pick(self.site.instance_nodes, number)
        self.do(lambda: withdraw_host(self.world.act(), found), settles=False)

    @rule(number=numbers)
    def supply_both(self, number):
        node = self.pick(self.site.nodes, number)
        for url in RELEASES:
            self.do(lambda url=url: supply(self.world.act(), node, url, ReleaseState.AVAILABLE))


TestPlacing = PlacingMachine.TestCase
TestPlacing.settings = settings(
    max_examples=60,
    stateful_step_count=50,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
