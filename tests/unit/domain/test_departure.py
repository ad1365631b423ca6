"""Destroyed is the end: whatever was asked for goes too, and the node says when it is gone."""

import pytest

from slapcore.errors import Conflict
from slapcore.states import InstanceState
from slapmaster.domain.check import find_problems
from slapmaster.domain.departure import report_gone
from tests.factories import World

DESTROYED = InstanceState.DESTROYED


@pytest.fixture
def world():
    made = World.make()
    made.node(partitions=4)
    yield made
    assert list(find_problems(made.site)) == []


@pytest.fixture
def web(world):
    return world.request("web")


def test_the_node_is_told_and_the_place_kept_until_it_is_gone(world, web):
    place, before = web.partition, web.partition.timestamp
    world.request("web", state=DESTROYED)
    assert web.state is DESTROYED
    assert web.partition is place
    assert place.timestamp > before
    report_gone(world.act(), web)
    assert web.partition is None
    assert place.instance is None
    assert place.name in place.node.free
    assert web.reference not in world.site.instances


def test_its_certificates_are_revoked(world, web):
    serial = web.certificates[0].serial
    world.request("web", state=DESTROYED)
    assert serial not in world.site.revocations
    report_gone(world.act(), web)
    assert world.site.revocations[serial].reason == "instance destroyed"


def test_what_nobody_wants_destroyed_is_not_gone(world, web):
    with pytest.raises(Conflict, match="nobody asked to destroy 'web'"):
        report_gone(world.act(), web)
    assert web.partition is not None


def test_a_title_can_be_used_again_at_once(world, web):
    world.request("web", state=DESTROYED)
    again = world.request("web")
    assert again is not web
    assert again.partition is not web.partition


def test_whatever_it_asked_for_goes_with_it(world, web):
    child = world.request_child(web, "child")
    leaf = world.request_child(child, "leaf")
    share = world.request_child(child, "share", shared=True)
    beside = world.request_child(web, "beside")
    world.request_child(web, "child", state=DESTROYED)
    assert [one.state for one in (child, leaf)] == [DESTROYED, DESTROYED]
    assert share.reference not in world.site.instances
    assert beside.state is InstanceState.STARTED
    assert list(web.tree.instances) == ["beside", "web"]
    assert sorted(one.title for one in web.tree.everything()) == ["beside", "child", "leaf", "web"]


def test_a_service_goes_with_all_that_is_in_it(world, web):
    child = world.request_child(web, "child")
    world.request("web", state=DESTROYED)
    assert child.state is DESTROYED
    assert len(world.site.trees) == 0
    for instance in (web, child):
        report_gone(world.act(), instance)
    assert len(world.site.instances) == 0


def test_a_long_chain_goes_at_once(world, web):
    last = web
    for number in range(1_100):
        last = world.request_child(last, f"link{number}", software_type="rare")
    world.request("web", state=DESTROYED)
    assert {instance.state for instance in world.site.instances} == {DESTROYED}


def test_what_has_no_place_goes_at_once(world):
    waiting = world.request("waiting", release_url="http://example.org/nowhere.cfg")
    world.request("waiting", state=DESTROYED)
    assert waiting.reference not in world.site.instances
    assert waiting.turn is None


def test_a_share_goes_at_once_and_its_host_is_told(world, web):
    share = world.request("share", shared=True)
    before = web.partition.timestamp
    world.request("share", shared=True, state=DESTROYED)
    assert share.reference not in world.site.instances
    assert list(web.partition.shared_instances()) == []
    assert web.partition.timestamp > before
