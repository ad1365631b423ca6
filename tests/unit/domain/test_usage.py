"""Usage is attributed to what it was used by, or refused as a whole."""

import pytest

from slapcore.errors import InvalidValue
from slapmaster.domain.usage import Movement
from slapmaster.domain.usage import Usage
from slapmaster.domain.usage import report_usage
from tests.factories import START
from tests.factories import World


@pytest.fixture
def world():
    made = World.make()
    made.node(partitions=2)
    made.request()
    return made


@pytest.fixture
def node(world):
    return next(iter(world.site.nodes))


def usage(*subjects, stop=START):
    movements = tuple(Movement(subject, "cpu", 1.5, 0.0) for subject in subjects)
    return Usage("day", START - 1_000, stop, movements)


def subjects(node):
    return [movement.subject for movements in node.usage.values() for movement in movements]


def test_a_partition_stands_for_the_instance_in_it(world, node):
    taken = world.instance("web").partition.name
    free = next(name for name in node.partitions if name != taken)
    report_usage(world.act(), node, [usage(taken, free, "SOFTINST-1", "COMP-1")])
    assert subjects(node) == ["SOFTINST-1", "COMP-1", "SOFTINST-1", "COMP-1"]


def test_the_same_period_again_replaces_it(world, node):
    report_usage(world.act(), node, [usage("COMP-1")])
    report_usage(world.act(), node, [usage("SOFTINST-1")])
    assert subjects(node) == ["SOFTINST-1"]


def test_what_is_not_on_the_node_is_refused_and_nothing_kept(world, node):
    with pytest.raises(InvalidValue, match="'SOFTINST-9' is neither COMP-1 nor anything on it"):
        report_usage(world.act(), node, [usage("COMP-1"), usage("SOFTINST-9")])
    assert not node.usage


def test_the_future_is_refused(world, node):
    future = usage("COMP-1", stop=world.act().now + 10**12)
    with pytest.raises(InvalidValue, match="report 'day' ends in the future"):
        report_usage(world.act(), node, [usage("COMP-1"), future])
    assert not node.usage
