"""Demands on where the others of the tree live: met when it is placed, and waited for till then."""

import pytest

from slapcore.states import InstanceState
from slapmaster.domain import hosting
from slapmaster.domain.check import find_problems
from slapmaster.domain.departure import report_gone
from slapmaster.domain.network import Network
from slapmaster.domain.registration import change_offer
from slapmaster.domain.request import rename
from tests.factories import World


@pytest.fixture
def world():
    made = World.make()
    yield made
    assert list(find_problems(made.site)) == []


BY_NODE = {"mode": "unique_by_node"}
BY_NETWORK = {"mode": "unique_by_network"}


def networked(world, *networks):
    """Make a node of three partitions in each of ``networks``."""
    for number, network in enumerate(networks):
        if network and network not in world.site.networks:
            world.site.networks.add(Network(network, network, "PROJ-1"))
        node = world.node(f"node{number}", partitions=3)
        change_offer(world.act(), node, network=network, categories={})


def gone(world, root, child):
    world.request_child(root, child.title, state=InstanceState.DESTROYED)
    report_gone(world.act(), child)


def test_no_two_of_a_tree_on_one_node(world):
    world.node("one", partitions=5)
    world.node("two", partitions=5)
    root = world.request()
    second = world.request_child(root, "second", demands=BY_NODE)
    assert second.partition.node is not root.partition.node
    third = world.request_child(root, "third", demands=BY_NODE)
    there = "2: another instance of the tree is there (as COMP-1)"
    assert third.waiting_for == f"no place on 2 nodes: {there}"
    gone(world, root, second)
    assert third.partition is not None


def test_other_trees_do_not_count(world):
    world.node(partitions=2)
    world.request("web", demands=BY_NODE)
    assert world.request("mail", demands=BY_NODE).partition is not None


def test_no_two_of_a_tree_in_one_network(world):
    networked(world, "NET-1", "NET-1", "NET-2", "")
    root = world.request(demands=BY_NETWORK)
    second = world.request_child(root, "second", demands=BY_NETWORK)
    assert {one.partition.node.network for one in (root, second)} == {"NET-1", "NET-2"}
    third = world.request_child(root, "third", demands=BY_NETWORK)
    assert "another instance of the tree is in NET-1 (as COMP-1)" in third.waiting_for
    assert "1: in no network (as COMP-4)" in third.waiting_for
    gone(world, root, second)
    assert third.partition is not None


def test_a_node_that_comes_into_a_free_network_is_taken(world):
    networked(world, "NET-1", "")
    world.site.networks.add(Network("NET-2", "other", "PROJ-1"))
    root = world.request(demands=BY_NETWORK)
    second = world.request_child(root, "second", demands=BY_NETWORK)
    assert second.partition is None
    change_offer(world.act(), world.site.nodes["COMP-2"], network="NET-2", categories={})
    assert second.partition.node.reference == "COMP-2"


def test_those_who_belong_together_wait_for_one_another(world):
    root = world.request("root", release_url="http://example.org/none.cfg")
    near = world.request_child(root, "near", demands={"affinity": "db"})
    nearer = world.request_child(root, "nearer", demands={"affinity": "near"})
    for number in range(4):
        world.node(f"node{number}", partitions=3)
    assert near.partition is None
    database = world.request_child(root, "db")
    assert near.partition.node is nearer.partition.node is database.partition.node


def test_those_who_keep_apart_do(world):
    world.node("one", partitions=5)
    world.node("two", partitions=1)
    root = world.request(demands={"policy": "pack"})
    other = world.request_child(root, "other", demands={"anti_affinity": "web"})
    assert other.partition.node is not root.partition.node
    third = world.request_child(root, "third", demands={"anti_affinity": "web"})
    assert (third.partition is None) == (root.partition.node.title == "one")


def test_a_title_that_is_taken_over_is_who_is_looked_for(world):
    world.node(partitions=3)
    root = world.request()
    near = world.request_child(root, "near", demands={"affinity": "db"})
    other = world.request_child(root, "other")
    assert near.partition is None
    rename(world.act(), other, "db")
    assert near.partition is not None


def test_many_who_wait_for_one_another_are_placed_without_depth(world):
    root = world.request("root", release_url="http://example.org/none.cfg")
    chain = [
        world.request_child(root, f"link{number}", demands={"affinity": f"link{number + 1}"})
        for number in range(150)
    ]
    world.node(partitions=200)
    last = world.request_child(root, "link150")
    assert all(one.partition is not None for one in (*chain, last))


def test_what_demands_nothing_of_others_is_not_kept_apart_from_them(world):
    world.node(partitions=2)
    root = world.request(demands=BY_NODE)
    assert world.request_child(root, "db").partition.node is root.partition.node


def test_shares_look_at_the_node_of_their_host(world):
    world.node("one", partitions=2)
    world.node("two", partitions=2)
    root = world.request("root")
    hosts = [world.request_child(root, f"host{n}", demands=BY_NODE) for n in range(1)]
    share = world.request_child(root, "share", shared=True, demands={"affinity": "host0"})
    assert share.partition.node is hosts[0].partition.node


def test_a_share_finds_the_one_host_on_its_node_among_many(world, monkeypatch):
    monkeypatch.setattr(hosting, "LOOKED_AT", 2)
    for number in range(20):
        world.node(f"node{number}", partitions=1)
    hosts = [world.request(f"host{number}") for number in range(20)]
    for host in hosts:
        demands = {"node": host.partition.node.reference}
        assert world.request(f"share of {host.title}", shared=True, demands=demands).host is host
