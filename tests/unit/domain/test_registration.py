"""A node is registered once per title, formatted, opened and closed."""

import pytest

from slapcore.errors import InvalidValue
from slapmaster.domain.node import AllocationScope
from slapmaster.domain.node import NodeFacts
from slapmaster.domain.registration import change_offer
from slapmaster.domain.registration import change_scope
from slapmaster.domain.registration import format_node
from slapmaster.domain.registration import register_node
from tests.factories import World
from tests.factories import specs


@pytest.fixture
def world():
    return World.make()


def events(world):
    return [event for _, (_, _, event, _, _) in world.site.journal.since(0)]


def test_a_title_is_one_node(world):
    node = register_node(world.act(), world.project, "rack 3")
    assert register_node(world.act(), world.project, "rack 3") is node
    assert (node.reference, node.title, node.project) == ("COMP-1", "rack 3", "PROJ-1")
    assert events(world) == ["node registered"]


def test_a_bad_title_is_refused(world):
    with pytest.raises(InvalidValue, match="the node's title is empty"):
        register_node(world.act(), world.project, "")


def test_a_description_that_says_nothing_new_is_not_noted(world):
    node = world.node(release="")
    assert not format_node(world.act(), node, node.facts, specs(1))
    assert events(world).count("node formatted") == 1


def test_what_waits_is_placed_on_what_a_description_brings(world):
    node = world.node(partitions=0)
    web = world.request()
    assert format_node(world.act(), node, NodeFacts(), specs(1))
    assert web.partition is node["slappart0"]


def test_a_closed_node_takes_nothing_until_it_is_opened(world):
    node = world.node()
    assert change_scope(world.act(), node, AllocationScope.MAINTENANCE)
    assert not change_scope(world.act(), node, AllocationScope.MAINTENANCE)
    assert node.scope is AllocationScope.MAINTENANCE
    web = world.request()
    assert web.partition is None
    assert web.waiting_for.endswith("are full or closed")
    assert change_scope(world.act(), node, AllocationScope.OPEN)
    assert web.partition is not None


def test_an_offer_that_meets_a_demand_places_what_waited(world):
    node = world.node()
    web = world.request(demands={"region": "europe", "network": "NET-1"})
    assert web.partition is None
    assert change_offer(world.act(), node, network="NET-1", categories={"region": "europe"})
    assert not change_offer(world.act(), node, network="NET-1", categories={"region": "europe"})
    assert web.partition is not None


def test_an_offer_reaches_those_who_wait_to_share(world):
    node = world.node()
    host = world.request("host")
    share = world.request("share", shared=True, demands={"region": "europe"})
    change_offer(world.act(), node, network="", categories={"region": "europe"})
    assert share.host is host


def test_an_unknown_category_is_named(world):
    with pytest.raises(InvalidValue, match="category 'colour'"):
        change_offer(world.act(), world.node(), network="", categories={"colour": "red"})
