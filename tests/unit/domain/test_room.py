"""Room lists who can take what; a start by chance gives each its turn."""

from collections import Counter

import pytest
from BTrees.OOBTree import OOTreeSet

from slapcore.states import ReleaseState
from slapmaster.domain.installation import supply
from slapmaster.domain.node import NodeFacts
from slapmaster.domain.registration import format_node
from slapmaster.domain.room import ANY
from slapmaster.domain.room import pick_any
from slapmaster.domain.room import rotated
from tests.factories import RELEASE
from tests.factories import World
from tests.factories import specs


@pytest.mark.parametrize("count", [1, 5, 40, 10_000])
def test_whatever_the_start_each_is_walked_once(count):
    members = OOTreeSet(f"COMP-{number}" for number in range(count))
    for _ in range(5):
        assert sorted(rotated(members)) == list(members)


def test_nothing_is_walked_where_nothing_is():
    assert list(rotated(None)) == []
    assert list(rotated(OOTreeSet())) == []


def test_each_is_picked_now_and_then():
    members = OOTreeSet(f"COMP-{number}" for number in range(100))
    picked = Counter(pick_any(members) for _ in range(5_000))
    assert set(picked) == set(members)


def test_a_node_is_listed_while_it_has_room_for_what_it_is_supplied():
    world = World.make()
    node = world.node(partitions=0)
    room, key, any_release = world.site.room, ("PROJ-1", RELEASE), ("PROJ-1", ANY)
    assert list(room.nodes.get(key, ())) == []
    format_node(world.act(), node, NodeFacts(), specs(1))
    assert list(room.nodes.get(key, ())) == ["COMP-1"]
    supply(world.act(), node, RELEASE, ReleaseState.DESTROYED)
    assert list(room.nodes.get(key, ())) == []
    assert list(room.nodes.get(any_release, ())) == ["COMP-1"]
    supply(world.act(), node, RELEASE, ReleaseState.AVAILABLE)
    assert list(room.nodes.get(key, ())) == ["COMP-1"]
    world.request()
    assert list(room.nodes.get(key, ())) == []
    assert list(room.nodes.get(any_release, ())) == []
    assert list(room.supplied[key]) == ["COMP-1"]


def test_nobody_waits_in_a_line_that_was_left():
    world = World.make()
    web = world.request()
    queue = world.site.room.queues[web.turn.key]
    assert list(queue.lines) == [()]
    assert queue.arrivals() == 1
    world.node()
    assert list(queue.lines) == []
    assert queue.arrivals() == 1
