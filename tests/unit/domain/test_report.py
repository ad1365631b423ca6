"""What a node says is kept if it is news, and its document made again if it shows that."""

import pytest

from slapmaster.domain.installation import find_installation
from slapmaster.domain.report import report_instance
from slapmaster.domain.report import report_node
from slapmaster.domain.report import report_release
from tests.factories import RELEASE
from tests.factories import World


@pytest.fixture
def world():
    made = World.make()
    made.node()
    return made


@pytest.fixture
def node(world):
    return next(iter(world.site.nodes))


def test_the_status_of_an_instance_is_shown_and_does_not_process_it_again(world, node):
    web = world.request()
    revision, timestamp = node.revision(), web.partition.timestamp
    assert report_instance(world.act(), web, "#access fine")
    assert node.revision() > revision
    assert web.partition.timestamp == timestamp
    assert (web.access.text, web.access.by) == ("#access fine", "PERS-1")


def test_the_same_status_is_no_news(world, node):
    web = world.request()
    report_instance(world.act(), web, "#access fine")
    revision = node.revision()
    assert not report_instance(world.act(), web, "#access fine")
    assert node.revision() == revision


def test_another_log_is_kept_and_not_shown(world, node):
    web = world.request()
    report_instance(world.act(), web, "#error", "first")
    revision = node.revision()
    assert report_instance(world.act(), web, "#error", "second")
    assert web.access.log == "second"
    assert node.revision() == revision


def test_the_status_of_a_share_is_not_shown(world, node):
    world.request("host")
    share = world.request("share", shared=True)
    revision = node.revision()
    assert report_instance(world.act(), share, "#access fine")
    assert node.revision() == revision


def test_what_is_said_of_releases_and_the_node_is_not_shown(world, node):
    revision = node.revision()
    installation = find_installation(node, RELEASE)
    assert report_release(world.act(), installation, "#building", "log")
    assert not report_release(world.act(), installation, "#building", "log")
    assert installation.access.log == "log"
    assert report_node(world.act(), node, "#access COMP-1")
    assert not report_node(world.act(), node, "#access COMP-1")
    assert node.access.text == "#access COMP-1"
    assert node.revision() == revision
