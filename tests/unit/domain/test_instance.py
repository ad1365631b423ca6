"""An instance knows where it lives, who asked for it and what is wanted of it."""

import pytest

from slapcore.errors import NotFound
from slapmaster.domain.instance import find_on
from slapmaster.domain.instance import instance_on
from slapmaster.domain.instance import is_host
from tests.factories import World


@pytest.fixture
def world():
    return World.make()


def test_it_is_found_on_its_partition(world):
    node = world.node()
    with pytest.raises(NotFound, match="nothing lives in slappart0 of COMP-1"):
        instance_on(node["slappart0"])
    web = world.request()
    assert instance_on(node["slappart0"]) is web
    assert find_on(node["slappart0"], None) is web


def test_a_share_is_found_by_its_reference(world):
    node = world.node()
    world.request("host")
    with pytest.raises(NotFound, match="no shared instance 'SOFTINST-2' in SOFTINST-1"):
        find_on(node["slappart0"], "SOFTINST-2")
    share = world.request("share", shared=True)
    assert find_on(node["slappart0"], "SOFTINST-2") is share


def test_a_host_is_what_has_a_place_of_its_own_and_stays(world):
    assert not is_host(None)
    web = world.request()
    assert not is_host(web)
    world.node()
    assert is_host(web)
    assert not is_host(world.request("share", shared=True))


def test_a_change_of_a_share_is_a_change_of_its_host(world):
    world.node()
    host = world.request("host")
    share = world.request("share", shared=True)
    changed, timestamp = share.changed, host.partition.timestamp
    world.request("share", shared=True, parameters={"a": "1"})
    assert share.changed > changed
    assert host.partition.timestamp > timestamp


def test_a_share_is_newer_after_a_change_even_when_the_clock_is_put_back(world):
    share = world.request("share", shared=True)
    changed = share.changed
    share.touch(now=5)
    assert share.changed == changed + 1


def test_what_has_no_place_is_shown_nowhere(world):
    web = world.request()
    web.has_been_seen()
    web.touch(now=5)
    assert world.request("share", shared=True).host is None
