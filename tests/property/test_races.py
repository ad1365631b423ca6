"""Whichever two things are done to a site at once: the laws are kept, and nobody is missed.

Both begin from the same state and end one after the other.  If they do not meet, what comes of
it must be as sound as if one had been done after the other.
"""

from itertools import count

import transaction
from hypothesis import HealthCheck
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st
from ZODB.DB import DB
from ZODB.DemoStorage import DemoStorage
from ZODB.POSException import ConflictError

from slapcore.errors import SlapError
from slapcore.states import InstanceState
from slapcore.states import ReleaseState
from slapmaster.domain.bang import bang_tree
from slapmaster.domain.departure import report_gone
from slapmaster.domain.installation import supply
from slapmaster.domain.node import AllocationScope
from slapmaster.domain.node import NodeFacts
from slapmaster.domain.publish import publish_connection
from slapmaster.domain.registration import change_offer
from slapmaster.domain.registration import change_scope
from slapmaster.domain.registration import format_node
from slapmaster.domain.report import report_instance
from slapmaster.domain.request import rename
from slapmaster.domain.site import Site
from tests.factories import RELEASE
from tests.factories import World
from tests.factories import specs
from tests.property.laws import draw
from tests.property.laws import follow_laws
from tests.property.laws import keep_laws

TITLES = ("a", "b", "c")
PREFIXES = ("COMP", "SOFTINST", "HOSTSUBS", "SOFTINSTALL")

numbers = st.integers(0, 100)
states = st.sampled_from((InstanceState.STARTED, *InstanceState))
demands = st.sampled_from([{}, {}, {}, {"capability": "gpu"}, {"region": "europe"}])
wishes = st.fixed_dictionaries({"demands": demands, "shared": st.booleans(), "state": states})


def pick(found, number):
    found = list(found)
    if not found:
        raise SlapError("there is none")
    return found[number % len(found)]


def node_of(world, number):
    return pick(world.site.nodes, number)


def instance_of(world, number):
    return pick(world.site.instances, number)


def software_of(world, number):
    return pick([one for one in world.site.instances if not one.shared], number)


def request(title, wish):
    return lambda world: world.request(title, **wish)


def ask(number, title, wish):
    return lambda world: world.request_child(software_of(world, number), title, **wish)


def destroy(number):
    def change(world):
        instance = instance_of(world, number)
        wish = {"shared": instance.shared, "state": InstanceState.DESTROYED}
        if instance.is_root:
            world.request(instance.title, **wish)
        else:
            world.request_child(instance.requester, instance.title, **wish)

    return change


def clear_away(number):
    def change(world):
        told = [one for one in world.site.instances if one.state is InstanceState.DESTROYED]
        report_gone(world.act(), pick(told, number))

    return change


def describe(number, partitions, capabilities):
    return lambda world: format_node(
        world.act(), node_of(world, number), NodeFacts(), specs(partitions, capabilities)
    )


def change_supply(number, state):
    return lambda world: supply(world.act(), node_of(world, number), RELEASE, state)


def open_or_close(number, scope):
    return lambda world: change_scope(world.act(), node_of(world, number), scope)


def offer(number, categories):
    return lambda world: change_offer(
        world.act(), node_of(world, number), network="", categories=categories
    )


def give_title(number, title):
    return lambda world: rename(world.act(), instance_of(world, number), title)


def publish(number, url):
    return lambda world: publish_connection(world.act(), instance_of(world, number), {"url": url})


def report(number, text):
    return lambda world: report_instance(world.act(), instance_of(world, number), text)


def bang(number):
    return lambda world: bang_tree(world.act(), instance_of(world, number))


titles = st.sampled_from(TITLES)
changes = st.one_of(
    st.builds(request, titles, wishes),
    st.builds(ask, numbers, titles, wishes),
    st.builds(destroy, numbers),
    st.builds(clear_away, numbers),
    st.builds(describe, numbers, st.integers(0, 2), st.sampled_from([(), (), ("gpu",)])),
    st.builds(change_supply, numbers, st.sampled_from(ReleaseState)),
    st.builds(
        open_or_close, numbers, st.sampled_from([AllocationScope.OPEN, AllocationScope.FOREVER])
    ),
    st.builds(offer, numbers, st.sampled_from([{}, {"region": "europe"}])),
    st.builds(give_title, numbers, st.sampled_from((*TITLES, "d"))),
    st.builds(publish, numbers, st.sampled_from(["http://[::1]/", "http://[::2]/"])),
    st.builds(report, numbers, st.sampled_from(["#access fine", "#error"])),
    st.builds(bang, numbers),
)


class Track:
    """A small site in a database, and the pictures of it that were compared."""

    def __init__(self):
        self.db = DB(DemoStorage())
        self.manager = transaction.TransactionManager()
        self.connection = self.db.open(self.manager)
        site = self.connection.root()["site"] = Site()
        self.world = World.make(site)
        numbers = {
            prefix: count(site.sequences.reserve(prefix, 1_000).start) for prefix in PREFIXES
        }
        self.world.act.numbers = lambda prefix: next(numbers[prefix])
        self.world.node("near")
        self.world.node("far")
        self.manager.commit()
        self.picture = draw(site, frozenset())

    def close(self):
        self.manager.abort()
        self.connection.close()
        self.db.close()

    def look(self):
        """Compare what is there now with what was there when it was looked at before."""
        self.manager.begin()
        site = self.connection.root()["site"]
        before, self.picture = self.picture, draw(site, self.picture.ended)
        keep_laws(site)
        follow_laws(site, before, self.picture)

    def begin(self, change):
        manager = transaction.TransactionManager()
        connection = self.db.open(manager)
        refused = False
        try:
            change(self.world.seen_in(connection.root()["site"]))
        except SlapError:
            refused = True
        return manager, connection, refused

    def end(self, begun):
        """End what has begun; tell whether it met nobody."""
        manager, connection, refused = begun
        try:
            if not refused:
                manager.commit()
        except ConflictError:
            return False
        finally:
            manager.abort()
            connection.close()
        return True

    def run(self, *racing):
        for change, begun in [(change, self.begin(change)) for change in racing]:
            if not self.end(begun):
                assert self.end(self.begin(change))
            self.look()


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(before=st.lists(changes, max_size=12), racing=st.tuples(changes, changes))
def test_two_at_once_are_as_sound_as_one_after_the_other(before, racing):
    track = Track()
    try:
        for change in before:
            track.run(change)
        track.run(*racing)
    finally:
        track.close()
