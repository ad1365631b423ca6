"""A node follows what it says of itself; what it is shown has a revision, what it does a time."""

import pytest

from slapcore.errors import NotFound
from slapmaster.domain.node import Address
from slapmaster.domain.node import ComputeNode
from slapmaster.domain.node import NodeFacts
from slapmaster.domain.node import PartitionSpec
from slapmaster.domain.registration import format_node
from tests.factories import World
from tests.factories import specs


@pytest.fixture
def node():
    made = ComputeNode("COMP-1", "node", "PROJ-1")
    made.take_over(NodeFacts(), specs(2), now=10)
    return made


def names(partitions):
    return [partition.name for partition in partitions]


def test_partitions_are_made_as_described(node):
    assert names(node.in_service()) == ["slappart0", "slappart1"]
    assert node["slappart0"].addresses == (Address("lo", "10.0.0.1", "255.255.255.255"),)
    assert list(node.free) == ["slappart0", "slappart1"]
    assert node.free_count() == 2


def test_a_partition_without_addresses_is_news_too(node):
    assert node.take_over(NodeFacts(), [*specs(2), PartitionSpec("bare", (), ())], now=20)
    assert not node.take_over(NodeFacts(), [*specs(2), PartitionSpec("bare", (), ())], now=30)


def test_the_same_description_changes_nothing(node):
    revision = node.revision()
    assert not node.take_over(NodeFacts(), specs(2), now=20)
    assert node.revision() == revision


def test_facts_are_followed(node):
    assert node.take_over(NodeFacts(os_type="linux"), specs(2), now=20)
    assert node.facts.os_type == "linux"


def test_another_address_has_the_partition_processed_again(node):
    before = node["slappart0"].timestamp
    other = (Address("lo", "10.9.9.9", "255.255.255.255"),)
    node.take_over(NodeFacts(), [PartitionSpec("slappart0", other, ()), specs(2)[1]], now=20)
    assert node["slappart0"].addresses == other
    assert node["slappart0"].timestamp > before


def test_a_partition_no_longer_named_leaves_service_and_comes_back(node):
    assert node.take_over(NodeFacts(), specs(1), now=20)
    assert names(node.in_service()) == ["slappart0"]
    assert list(node.free) == ["slappart0"]
    assert node.take_over(NodeFacts(), specs(2), now=30)
    assert list(node.free) == ["slappart0", "slappart1"]


def test_a_partition_no_longer_named_is_shown_while_something_lives_in_it():
    world = World.make()
    node = world.node()
    web = world.request()
    assert format_node(world.act(), node, NodeFacts(), [])
    assert names(node.in_service()) == ["slappart0"]
    assert not format_node(world.act(), node, NodeFacts(), [])
    web.partition.vacate(now=20)
    assert names(node.in_service()) == []
    assert not node.free


def test_a_partition_named_again_while_something_lives_in_it_is_not_free():
    world = World.make()
    node = world.node()
    world.request()
    format_node(world.act(), node, NodeFacts(), [])
    assert format_node(world.act(), node, NodeFacts(), specs(1))
    assert not node.free


def test_an_unknown_partition_is_named(node):
    with pytest.raises(NotFound, match="no partition 'slappart7' on COMP-1"):
        node["slappart7"]


def test_time_only_grows_even_when_the_clock_is_put_back(node):
    partition = node["slappart0"]
    partition.touch(now=1_000)
    assert partition.timestamp == 1_000
    partition.touch(now=5)
    assert partition.timestamp == 1_001


def test_whatever_is_processed_again_is_shown_again(node):
    before = node.revision()
    node["slappart0"].touch(now=1_000)
    assert node.revision() > before


def test_a_partition_that_nothing_lives_in_has_no_guests(node):
    assert list(node["slappart0"].shared_instances()) == []
