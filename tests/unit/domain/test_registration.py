"""A node is registered once per title, formatted, opened and closed."""

import re

import pytest

from slapcore.errors import InvalidValue
from slapmaster.domain.network import Network
from slapmaster.domain.node import AllocationScope
from slapmaster.domain.node import NodeFacts
from slapmaster.domain.registration import change_capacity
from slapmaster.domain.registration import change_offer
from slapmaster.domain.registration import change_scope
from slapmaster.domain.registration import format_node
from slapmaster.domain.registration import register_node
from slapmaster.domain.report import report_node
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
    assert web.waiting_for == "no place on 1 nodes: 1: closed (as COMP-1)"
    assert change_scope(world.act(), node, AllocationScope.OPEN)
    assert web.partition is not None


def test_an_offer_that_meets_a_demand_places_what_waited(world):
    node = world.node()
    world.site.networks.add(Network("NET-1", "lan", "PROJ-1"))
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


@pytest.mark.parametrize(
    ("categories", "why"),
    [
        ({"regoin": "europe"}, "category 'regoin'; did you mean 'region'?"),
        ({"cpu_core": "5"}, "nothing is known of the cpu_core '5'"),
        ({"region": "europe//france"}, "'europe//france' can't be a region: it is a path"),
        ({"region": ""}, "'' can't be a region"),
    ],
)
def test_a_category_that_can_not_be_is_refused(world, categories, why):
    node = world.node()
    with pytest.raises(InvalidValue, match=re.escape(why)):
        change_offer(world.act(), node, network="", categories=categories)
    assert node.categories == ()


def test_a_project_may_declare_what_nobody_knows(world):
    world.project.categories = (("cpu_core", "5"),)
    node = world.node()
    change_offer(world.act(), node, network="", categories={"cpu_core": "5"})
    assert world.request(demands={"cpu_core": "5"}).partition is not None


def test_a_node_carries_no_more_than_its_capacity(world):
    node = world.node(partitions=3)
    world.request("first")
    assert change_capacity(world.act(), node, 2)
    assert not change_capacity(world.act(), node, 2)
    world.request("second")
    third = world.request("third")
    assert third.waiting_for == "no place on 1 nodes: 1: at its capacity (as COMP-1)"
    assert change_capacity(world.act(), node, 3)
    assert third.partition is not None
    with pytest.raises(InvalidValue, match="can't be -1"):
        change_capacity(world.act(), node, -1)


def test_a_node_with_an_error_takes_nothing_new_until_it_is_well(world):
    node = world.node()
    report_node(world.act(), node, "#error it burns")
    web = world.request()
    assert web.waiting_for == "no place on 1 nodes: 1: reports an error (as COMP-1)"
    report_node(world.act(), node, "#access all is well")
    assert web.partition is not None
