"""An instance moves to another node; its old place is freed by the node's report."""

import pytest

from slapcore.errors import Conflict
from slapcore.states import InstanceState
from slapmaster.domain.check import find_problems
from slapmaster.domain.closure import drain
from slapmaster.domain.departure import report_gone
from slapmaster.domain.move import move
from slapmaster.domain.move import plan_move
from tests.factories import World


@pytest.fixture
def world():
    made = World.make()
    yield made
    assert list(find_problems(made.site)) == []


def test_it_lives_on_another_node_and_its_old_place_is_freed_by_the_report(world):
    old = world.node("old")
    web = world.request("web", parameters={"a": "b"})
    new = world.node("new")
    before, place = set(web.certificates), web.partition
    assert move(world.act(), web) is web.partition
    assert web.partition.node is new
    assert (web.reference, dict(web.parameters)) == ("SOFTINST-1", {"a": "b"})
    assert web.certificates and not set(web.certificates) & before
    remnant = place.instance
    assert remnant.wanted_state is InstanceState.DESTROYED
    assert list(old.free) == []
    report_gone(world.act(), remnant)
    assert list(old.free) == [place.name]
    assert len(world.site.instances) == 1


def test_those_who_share_it_go_with_it(world):
    world.node("old")
    host = world.request("host")
    share = world.request("share", shared=True)
    new = world.node("new")
    old = host.partition
    move(world.act(), host)
    assert share.host is host
    assert share.partition.node is new
    report_gone(world.act(), old.instance)
    assert share.host is host


def test_children_keep_their_requester(world):
    world.node("old", partitions=2)
    web = world.request("web")
    child = world.request_child(web, "child")
    world.node("new", partitions=2)
    timestamp = web.partition.timestamp
    move(world.act(), child)
    assert child.requester is web
    assert web.partition.timestamp > timestamp
    old = next(one for one in web.tree.departing.values())
    move(world.act(), web)
    assert list(web.children.values()) == [child]
    report_gone(world.act(), old)


def test_a_share_moves_to_another_host(world):
    world.node("one")
    first = world.request("first")
    share = world.request("share", shared=True)
    world.node("two")
    second = world.request("second")
    assert share.host is first
    move(world.act(), share)
    assert share.host is second


def test_the_plan_says_where_and_moves_nothing(world):
    world.node("old")
    web = world.request("web")
    new = world.node("new")
    plan = plan_move(world.act(), web)
    assert (plan.node, plan.partition) == (new.reference, "slappart0")
    assert "its data would not" in plan.text
    assert web.partition.node is not new


def test_without_another_place_it_stays_and_it_is_said_why(world):
    node = world.node("old", partitions=3)
    world.node("other", release="")
    web = world.request("web")
    assert "release not supplied" in plan_move(world.act(), web).text
    with pytest.raises(Conflict, match="can't move: there is no other place"):
        move(world.act(), web)
    assert web.partition.node is node


def test_what_is_to_go_or_waits_does_not_move(world):
    web = world.request("web")
    with pytest.raises(Conflict, match="has no place yet"):
        move(world.act(), web)
    world.node()
    world.request("web", state=InstanceState.DESTROYED)
    with pytest.raises(Conflict, match="being destroyed"):
        plan_move(world.act(), web)


def test_the_move_is_told(world):
    world.node("old")
    web = world.request("web")
    world.node("new")
    move(world.act(), web)
    kinds = [str(event.kind) for _, event in world.project.feed.after(0, 10**18)]
    assert kinds[-2:] == ["placed", "moved"]


def test_the_service_is_destroyed_while_its_remnant_is_still_there(world):
    world.node("old")
    web = world.request("web")
    world.node("new")
    move(world.act(), web)
    (remnant,) = web.tree.departing.values()
    world.request("web", state=InstanceState.DESTROYED)
    for gone in (remnant, web):
        report_gone(world.act(), gone)
    assert len(world.site.instances) == 0


def test_what_lives_on_a_remote_node_stays_there(world):
    node = world.node("old")
    web = world.request("web")
    world.node("new")
    node.remote = "another master"
    with pytest.raises(Conflict, match="lives on a remote node"):
        move(world.act(), web)
    (left,) = drain(world.act(), node, "it is slow", moves=True)
    assert (left.node, left.why) == (node.reference, "a remote node keeps what it has")
    node.remote = None
