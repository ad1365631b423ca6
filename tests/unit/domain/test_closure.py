"""Nodes that are cordoned, drained, silent or lost."""

import pytest

from slapcore.errors import Conflict
from slapcore.errors import InvalidValue
from slapcore.states import InstanceState
from slapmaster.domain.check import find_problems
from slapmaster.domain.closure import cordon
from slapmaster.domain.closure import declare_lost
from slapmaster.domain.closure import drain
from slapmaster.domain.closure import heard_again
from slapmaster.domain.closure import needs_tending
from slapmaster.domain.closure import tend_nodes
from slapmaster.domain.closure import uncordon
from slapmaster.domain.node import AllocationScope
from slapmaster.domain.node import ClosureKind
from tests.factories import SECOND
from tests.factories import World

HOUR = 3_600 * SECOND


@pytest.fixture
def world():
    made = World.make()
    yield made
    assert list(find_problems(made.site)) == []


def node_of(instance):
    return instance.partition.node if instance.partition is not None else None


def tend(world, silent=()):
    act = world.act()
    if not needs_tending(world.site, silent, act.now):
        return False
    tend_nodes(act, silent, 60)
    return True


def last_event(world):
    *_, (_, event) = world.project.feed.after(0, 10**18)
    return event


def test_a_cordoned_node_takes_nothing_new_and_says_why_and_who(world):
    node = world.node()
    assert cordon(world.act(), node, "a new disk")
    assert world.request().partition is None
    assert (node.closure.reason, node.closure.by) == ("a new disk", "PERS-1")
    assert (node.scope, node.closure.kind) == (
        AllocationScope.NO_ALLOCATION, ClosureKind.CORDONED,
    )  # fmt: skip


def test_what_waits_is_placed_when_the_node_is_opened_again(world):
    node = world.node()
    cordon(world.act(), node, "a new disk")
    web = world.request()
    assert uncordon(world.act(), node)
    assert not uncordon(world.act(), node)
    assert node_of(web) is node
    assert node.closure is None


def test_a_cordoned_node_opens_when_its_time_is_over(world):
    node = world.node()
    cordon(world.act(), node, "tonight", world.act.clock.now + HOUR)
    assert not tend(world)
    world.act.clock.now += 2 * HOUR
    assert tend(world)
    assert node.is_open
    assert last_event(world).kind == "node opened"
    assert not tend(world)


@pytest.mark.parametrize(("reason", "until"), [("", 0), (" ", 0), ("x", 1)])
def test_a_closure_without_reason_or_with_a_time_that_is_over_is_refused(world, reason, until):
    node = world.node()
    with pytest.raises(InvalidValue):
        cordon(world.act(), node, reason, until)
    assert node.is_open


def test_what_lives_on_a_drained_node_moves_when_that_is_asked_for(world):
    old = world.node("old", partitions=2)
    web, mail = world.request("web"), world.request("mail")
    world.request("mail", state=InstanceState.DESTROYED)
    new = world.node("new")
    (left,) = drain(world.act(), old, "it is slow", moves=True)
    assert (left.reference, left.node, left.why) == (web.reference, new.reference, "")
    assert node_of(web) is new
    assert node_of(mail) is old


def test_what_finds_no_room_stays_and_it_is_said_why(world):
    old = world.node("old")
    web = world.request("web")
    (left,) = drain(world.act(), old, "it is slow", moves=True)
    assert "no other place" in left.why
    assert node_of(web) is old


def test_a_node_that_is_drained_by_a_time_is_emptied_then(world):
    old = world.node("old")
    web = world.request("web")
    new = world.node("new")
    until = world.act.clock.now + HOUR
    assert drain(world.act(), old, "it goes", until, moves=True) == []
    assert node_of(web) is old
    world.act.clock.now += 2 * HOUR
    assert tend(world)
    assert node_of(web) is new
    assert not old.is_open
    assert not tend(world)


def test_a_node_that_is_only_drained_keeps_what_it_has(world):
    old = world.node("old")
    web = world.request("web")
    world.node("new")
    assert drain(world.act(), old, "it goes", world.act.clock.now + HOUR) == []
    world.act.clock.now += 2 * HOUR
    assert tend(world)
    assert node_of(web) is old


def test_a_silent_node_is_outdated_until_it_is_heard_again(world):
    node = world.node()
    assert tend(world, [node.reference, "COMP-77"])
    assert (node.scope, last_event(world).kind) == (AllocationScope.OUTDATED, "node outdated")
    assert world.request().partition is None
    assert not tend(world, [node.reference])
    heard_again(world.act(), node)
    assert node.is_open
    heard_again(world.act(), node)


def test_a_node_that_is_back_is_told_of(world):
    node = world.node(partitions=0)
    tend(world, [node.reference])
    heard_again(world.act(), node)
    assert last_event(world).kind == "node back"


def test_hearing_a_cordoned_node_does_not_open_it(world):
    node = world.node()
    cordon(world.act(), node, "a new disk")
    heard_again(world.act(), node)
    assert not node.is_open


def test_what_lived_on_a_lost_node_is_placed_elsewhere_or_forgotten(world):
    lost = world.node("lost", partitions=4)
    web, mail = world.request("web"), world.request("mail")
    share = world.request("share", shared=True)
    world.request("mail", state=InstanceState.DESTROYED)
    old = web.certificates
    new = world.node("new")
    left = {one.reference: one for one in declare_lost(world.act(), lost, "fire")}
    assert node_of(web) is new
    assert node_of(share) is new
    assert mail.reference not in world.site.instances
    assert (left[web.reference].node, left[mail.reference].why) == (new.reference, "gone")
    assert not set(web.certificates) & set(old)
    assert lost.closure.kind is ClosureKind.LOST
    assert len(lost.free) == 4


def test_what_finds_no_room_after_a_loss_waits(world):
    lost = world.node("lost")
    web = world.request("web")
    (left,) = declare_lost(world.act(), lost, "fire")
    assert (left.node, web.partition) == ("", None)
    assert left.why == web.waiting_for != ""
    assert node_of(web) is None
    new = world.node("new")
    assert node_of(web) is new


def test_a_lost_node_is_not_cordoned(world):
    node = world.node()
    declare_lost(world.act(), node, "fire")
    with pytest.raises(Conflict, match="lost"):
        cordon(world.act(), node, "x")
