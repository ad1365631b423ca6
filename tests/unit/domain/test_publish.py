"""What is published is shown, and whoever asked for it is processed again."""

import pytest

from slapcore.errors import InvalidValue
from slapmaster.domain.publish import publish_connection
from tests.factories import World


@pytest.fixture
def world():
    made = World.make()
    made.node(partitions=3)
    return made


def test_what_is_published_is_kept_and_shown(world):
    web = world.request()
    before, timestamp = web.partition.node.revision(), web.partition.timestamp
    assert publish_connection(world.act(), web, {"url": "http://[::1]/"})
    assert web.connection.parameters == (("url", "http://[::1]/"),)
    assert web.partition.node.revision() > before
    assert web.partition.timestamp == timestamp


def test_the_same_again_is_no_news(world):
    web = world.request()
    publish_connection(world.act(), web, {"url": "http://[::1]/"})
    before = web.partition.node.revision()
    assert not publish_connection(world.act(), web, {"url": "http://[::1]/"})
    assert web.partition.node.revision() == before


def test_who_asked_for_it_is_processed_again(world):
    web = world.request()
    child = world.request_child(web, "child")
    leaf = world.request_child(child, "leaf")
    web_time, child_time = web.partition.timestamp, child.partition.timestamp
    publish_connection(world.act(), leaf, {"url": "http://[::1]/"})
    assert child.partition.timestamp > child_time
    assert web.partition.timestamp == web_time


def test_secrets_do_not_reach_the_journal(world):
    act = world.act()
    publish_connection(act, world.request(), {"password": "hunter2"})
    assert "hunter2" not in repr(list(world.site.journal.since(0)))


def test_too_much_is_refused(world):
    with pytest.raises(InvalidValue, match="connection parameters of"):
        publish_connection(world.act(), world.request(), {"url": "x" * 2_000_000})
