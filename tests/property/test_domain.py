"""Whatever is done to a site, in whatever order: laws are kept, and asking twice writes nothing.

A machine does random things to a small site in a database; ``laws.py`` says what must hold.
"""

from collections.abc import Callable
from functools import partial

import transaction
from hypothesis import HealthCheck
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine
from hypothesis.stateful import initialize
from hypothesis.stateful import invariant
from hypothesis.stateful import precondition
from hypothesis.stateful import rule
from ZODB.DB import DB
from ZODB.MappingStorage import MappingStorage

from slapcore.errors import SlapError
from slapcore.states import InstanceState
from slapcore.states import ReleaseState
from slapmaster.domain.bang import bang_node
from slapmaster.domain.bang import bang_tree
from slapmaster.domain.departure import report_gone
from slapmaster.domain.installation import supply
from slapmaster.domain.node import AllocationScope
from slapmaster.domain.node import NodeFacts
from slapmaster.domain.publish import publish_connection
from slapmaster.domain.registration import change_offer
from slapmaster.domain.registration import change_scope
from slapmaster.domain.registration import format_node
from slapmaster.domain.registration import register_node
from slapmaster.domain.report import report_instance
from slapmaster.domain.request import rename
from slapmaster.domain.site import Site
from tests.factories import SECOND
from tests.factories import World
from tests.factories import specs
from tests.property.laws import draw
from tests.property.laws import follow_laws
from tests.property.laws import keep_laws

RELEASES = ("http://example.org/one.cfg", "http://example.org/two.cfg")
TITLES = ("a", "b", "c", "d", "e", "f")
GUESTS = ("x", "y", "z")
NODES = ("near", "far")
KINDS = {"capable": ("gpu",), "plain": ()}

kinds = st.sampled_from(("plain", "plain", "capable"))
numbers = st.integers(0, 1_000)
titles = st.sampled_from(TITLES)
releases = st.sampled_from((RELEASES[0], *RELEASES))
states = st.sampled_from((InstanceState.STARTED, *InstanceState))
demands = st.sampled_from(
    [
        *[{}] * 8,
        {"retention_delay": "7"},
        {"capability": "gpu"},
        {"region": "europe"},
        {"node": "COMP-1"},
    ]
)
categories = st.sampled_from([{}, {"region": "europe"}])
parameters = st.sampled_from([{}, {"colour": "red"}])
wishes = st.fixed_dictionaries(
    {"release_url": releases, "parameters": parameters, "demands": demands}
)


class SiteMachine(RuleBasedStateMachine):
    @initialize(any_release=st.booleans(), open_hosts=st.booleans())
    def begin(self, any_release, open_hosts):
        self.db = DB(MappingStorage())
        self.manager = transaction.TransactionManager()
        self.connection = self.db.open(transaction_manager=self.manager)
        self.site = self.connection.root()["site"] = Site()
        self.world = World.make(self.site)
        self.world.project.any_release = any_release
        self.world.project.open_hosts = open_hosts
        for title in NODES:
            self.world.node(title, partitions=1, release=RELEASES[0])
        self.manager.commit()
        self.picture = draw(self.site, frozenset())

    def teardown(self):
        if hasattr(self, "db"):
            self.manager.abort()
            self.connection.close()
            self.db.close()

    def do(self, operation: Callable[[], object], *, settles: bool = True) -> None:
        """Run an operation in a transaction of its own; the second time it must write nothing."""
        try:
            operation()
        except SlapError:
            self.manager.abort()
            return
        self.manager.commit()
        if settles:
            self.write_nothing(operation)

    def write_nothing(self, operation):
        try:
            operation()
        except SlapError:
            self.manager.abort()
            return
        assert self.connection._registered_objects == []
        self.manager.abort()

    def pick(self, found, number):
        found = list(found)
        return found[number % len(found)]

    def softwares(self):
        return [one for one in self.site.instances if not one.shared]

    @rule(title=st.sampled_from(NODES), count=st.integers(0, 2), kind=kinds)
    def format(self, title, count, kind):
        def operation():
            node = register_node(self.world.act(), self.world.project, title)
            format_node(self.world.act(), node, NodeFacts(), specs(count, KINDS[kind]))

        self.do(operation)

    @rule(number=numbers, url=releases, state=st.sampled_from(ReleaseState))
    def supply(self, number, url, state):
        node = self.pick(self.site.nodes, number)
        self.do(lambda: supply(self.world.act(), node, url, state))

    @rule(number=numbers, is_open=st.booleans(), categories=categories)
    def change_node(self, number, is_open, categories):
        node = self.pick(self.site.nodes, number)
        scope = AllocationScope.OPEN if is_open else AllocationScope.OUTDATED
        self.do(lambda: change_scope(self.world.act(), node, scope))
        self.do(lambda: change_offer(self.world.act(), node, network="", categories=categories))

    @rule(title=titles, wish=wishes, state=states)
    def request(self, title, wish, state):
        self.do(lambda: self.world.request(title, **wish, state=state))

    @rule(title=st.sampled_from(GUESTS), wish=wishes, state=states)
    def request_shared(self, title, wish, state):
        self.do(lambda: self.world.request(title, **wish, shared=True, state=state))

    @precondition(lambda self: self.softwares())
    @rule(number=numbers, title=st.sampled_from(GUESTS), wish=wishes, state=states)
    def request_shared_child(self, number, title, wish, state):
        requester = self.pick(self.softwares(), number)
        self.do(
            lambda: self.world.request_child(requester, title, **wish, shared=True, state=state)
        )

    @precondition(lambda self: self.softwares())
    @rule(number=numbers, title=titles, wish=wishes, state=states)
    def request_child(self, number, title, wish, state):
        requester = self.pick(self.softwares(), number)
        self.do(lambda: self.world.request_child(requester, title, **wish, state=state))

    @precondition(lambda self: len(self.site.instances))
    @rule(number=numbers, title=st.sampled_from(TITLES + GUESTS))
    def rename(self, number, title):
        instance = self.pick(self.site.instances, number)
        self.do(lambda: rename(self.world.act(), instance, title))

    @precondition(lambda self: len(self.site.instances))
    @rule(number=numbers, url=st.sampled_from(["http://[::1]/", "http://[::2]/"]))
    def publish(self, number, url):
        instance = self.pick(self.site.instances, number)
        self.do(lambda: publish_connection(self.world.act(), instance, {"url": url}))

    @precondition(lambda self: len(self.site.instances))
    @rule(number=numbers, text=st.sampled_from(["#access fine", "#access good", "#error"]))
    def report(self, number, text):
        instance = self.pick(self.site.instances, number)
        self.do(lambda: report_instance(self.world.act(), instance, text, text))

    def destroy(self, instance):
        wish = {
            "release_url": instance.release_url,
            "shared": instance.shared,
            "state": InstanceState.DESTROYED,
        }
        if instance.is_root:
            self.do(lambda: self.world.request(instance.title, **wish))
        else:
            self.do(lambda: self.world.request_child(instance.requester, instance.title, **wish))

    @precondition(lambda self: len(self.site.instances))
    @rule(number=numbers)
    def destroy_some(self, number):
        self.destroy(self.pick(self.site.instances, number))

    @precondition(lambda self: self.softwares())
    @rule(number=numbers)
    def report_gone(self, number):
        instance = self.pick(self.softwares(), number)
        self.do(lambda: report_gone(self.world.act(), instance), settles=False)

    @precondition(lambda self: self.softwares())
    @rule(number=numbers)
    def destroy_and_clear_away(self, number):
        self.destroy(self.pick(self.softwares(), number))
        for instance in self.softwares():
            if instance.state is InstanceState.DESTROYED:
                self.do(partial(report_gone, self.world.act(), instance), settles=False)
                self.it_keeps_the_laws()

    @precondition(lambda self: len(self.site.instances))
    @rule(number=numbers)
    def bang(self, number):
        self.world.act.clock.now -= 100 * SECOND  # somebody has put the clock back
        node = self.pick(self.site.nodes, number)
        self.do(lambda: bang_node(self.world.act(), node), settles=False)
        instance = self.pick(self.site.instances, number)
        self.do(lambda: bang_tree(self.world.act(), instance), settles=False)

    @invariant()
    def it_keeps_the_laws(self):
        if hasattr(self, "site"):
            before, self.picture = self.picture, draw(self.site, self.picture.ended)
            keep_laws(self.site)
            follow_laws(self.site, before, self.picture)


TestSite = SiteMachine.TestCase
TestSite.settings = settings(
    max_examples=80,
    stateful_step_count=50,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
