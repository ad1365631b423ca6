"""A policy is a function of values: call it."""

from slapmaster.domain.policy import Candidate
from slapplugin_frugal import slapmaster_choose_place


def place_on(node, **categories):
    return Candidate(
        node=node, node_title=node, partition="slappart0", capabilities=(), network="",
        categories=categories, free=1, load=0, capacity=0, near=0,
    )  # fmt: skip


def test_the_smallest_node_is_taken():
    small, large = place_on("COMP-1", memory_size="8"), place_on("COMP-2", memory_size="64")
    assert slapmaster_choose_place([large, small, place_on("COMP-3")]) is small
