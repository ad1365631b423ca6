"""Two at once whose places depend on one another, or on what an operator is just changing."""

import pytest

from slapcore.states import InstanceState
from slapmaster.domain.departure import report_gone
from slapmaster.domain.provision import Offer
from slapmaster.domain.provision import remove_allocation_supply
from slapmaster.domain.provision import set_allocation_supply
from slapmaster.domain.registration import change_capacity

APART = {"mode": "unique_by_node"}


def begin(*partitions):
    def change(world):
        for number, count in enumerate(partitions):
            world.node(f"node{number}", partitions=count)
        world.request("root")

    return change


def child(title, **values):
    return lambda world: world.request_child(world.instance("root"), title, **values)


def clear_away(title):
    def change(world):
        instance = world.instance(title)
        if instance.state is not InstanceState.DESTROYED:
            world.request_child(world.instance("root"), title, state=InstanceState.DESTROYED)
        report_gone(world.act(), instance)

    return change


def allow(world):
    set_allocation_supply(world.act(), world.project, "public", Offer(nodes=("every",)))


def allow_nothing(world):
    set_allocation_supply(world.act(), world.project, "public", Offer())


def take_back(world):
    supply = world.site.allocation_supplies.find_by("title", (world.project.reference, "public"))
    remove_allocation_supply(world.act(), supply)


def node_of(world):
    return world.site.nodes.find_by("title", (world.project.reference, "node0"))


def nodes(world):
    return {
        one.title: one.partition.node.reference if one.partition is not None else None
        for one in world.site.instances
        if "where" not in one.title
    }


def test_two_who_keep_apart_are_not_put_together(arena):
    arena.change(begin(9, 9, 9))
    assert arena.race(child("one", demands=APART), child("two", demands=APART)) == [1, 2]
    found = arena.read(nodes)
    assert len({found["one"], found["two"], found["root"]}) == 3


@pytest.mark.parametrize("near_first", [True, False])
def test_who_wants_to_be_near_does_not_miss_it(arena, near_first):
    arena.change(begin(9, 9, 9))
    changes = [child("near", demands={"affinity": "db"}), child("db")]
    arena.race(*(changes if near_first else reversed(changes)))
    found = arena.read(nodes)
    assert found["near"] == found["db"] is not None


@pytest.mark.parametrize("waits_first", [True, False])
def test_who_waits_for_one_to_go_does_not_miss_it(arena, waits_first):
    arena.change(begin(9, 9))
    arena.change(child("one", demands=APART))
    changes = [child("two", demands=APART), clear_away("one")]
    arena.race(*(changes if waits_first else reversed(changes)))
    assert arena.read(nodes)["two"] is not None


@pytest.mark.parametrize("waits_first", [True, False])
@pytest.mark.parametrize("waited_before", [True, False])
@pytest.mark.parametrize("opening", [allow, take_back])
def test_who_waits_to_be_allowed_does_not_miss_it(arena, opening, waits_first, waited_before):
    arena.change(begin(5))
    arena.change(allow_nothing)
    if waited_before:
        arena.change(lambda world: world.request("early"))
    changes = [lambda world: world.request("web"), opening]
    arena.race(*(changes if waits_first else reversed(changes)))
    assert arena.read(nodes)["web"] is not None


def test_two_who_fill_a_capacity_are_both_counted(arena):
    arena.change(begin(9))
    arena.change(lambda world: change_capacity(world.act(), node_of(world), 3))
    asks = [lambda world, title=title: world.request(title) for title in ("one", "two", "three")]
    arena.race(*asks)
    assert list(arena.read(nodes).values()).count(None) == 1
    assert arena.read(lambda world: node_of(world).standing.load) == 3
