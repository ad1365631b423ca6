"""A release is supplied to a node, withdrawn, removed, and supplied again."""

import pytest

from slapcore.errors import Conflict
from slapcore.errors import InvalidValue
from slapcore.errors import NotFound
from slapcore.states import ReleaseState
from slapmaster.domain.installation import find_installation
from slapmaster.domain.installation import forget_destroyed
from slapmaster.domain.installation import supply
from tests.factories import RELEASE
from tests.factories import World

AVAILABLE, DESTROYED = ReleaseState.AVAILABLE, ReleaseState.DESTROYED


@pytest.fixture
def world():
    return World.make()


@pytest.fixture
def node(world):
    return world.node(release="")


def test_what_is_supplied_is_on_the_node(world, node):
    before = node.revision()
    supply(world.act(), node, RELEASE, AVAILABLE)
    assert find_installation(node, RELEASE).state is AVAILABLE
    assert node.standing.supplied == (RELEASE,)
    assert node.revision() > before


def test_supplying_twice_is_supplying_once(world, node):
    supply(world.act(), node, RELEASE, AVAILABLE)
    known, revision = find_installation(node, RELEASE), node.revision()
    supply(world.act(), node, RELEASE, AVAILABLE)
    assert find_installation(node, RELEASE) is known
    assert node.revision() == revision


def test_what_was_never_there_can_be_wanted_gone(world, node):
    supply(world.act(), node, RELEASE, DESTROYED)
    assert not node.installations


def test_what_is_withdrawn_takes_no_instance_and_stays_until_it_is_removed(world, node):
    supply(world.act(), node, RELEASE, AVAILABLE)
    supply(world.act(), node, RELEASE, DESTROYED)
    assert find_installation(node, RELEASE).state is DESTROYED
    web = world.request()
    assert web.waiting_for == "no place on 1 nodes: 1: release not supplied (as COMP-1)"
    forget_destroyed(world.act(), node, RELEASE)
    with pytest.raises(NotFound, match="is not supplied to COMP-1"):
        find_installation(node, RELEASE)


def test_what_is_wanted_gone_can_be_wanted_again(world, node):
    supply(world.act(), node, RELEASE, AVAILABLE)
    first = find_installation(node, RELEASE)
    supply(world.act(), node, RELEASE, DESTROYED)
    supply(world.act(), node, RELEASE, AVAILABLE)
    second = find_installation(node, RELEASE)
    assert second.state is AVAILABLE
    assert second.reference != first.reference


def test_what_nobody_wants_gone_is_not_forgotten(world, node):
    supply(world.act(), node, RELEASE, AVAILABLE)
    with pytest.raises(Conflict, match=f"nobody asked to remove {RELEASE} from COMP-1"):
        forget_destroyed(world.act(), node, RELEASE)


def test_a_bad_address_is_refused(world, node):
    with pytest.raises(InvalidValue):
        supply(world.act(), node, "", AVAILABLE)
