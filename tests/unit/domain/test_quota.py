"""A person and a project may have so much, and no more."""

import pytest

from slapcore.errors import InvalidValue
from slapcore.errors import QuotaExceeded
from slapcore.states import InstanceState
from slapmaster.domain.quota import set_quota
from tests.factories import World
from tests.factories import make_person


@pytest.fixture
def world():
    made = World.make()
    made.node(partitions=5)
    return made


@pytest.mark.parametrize("holder", ["person", "project"])
def test_no_more_instances_than_allowed(world, holder):
    assert set_quota(world.act(), getattr(world, holder), {"instances": 2})
    web = world.request("web")
    world.request_child(web, "child")
    with pytest.raises(QuotaExceeded, match="2 instances, and 2 are there"):
        world.request_child(web, "other")
    with pytest.raises(QuotaExceeded):
        world.request("mail", shared=True)
    world.request("web", parameters={"a": "b"})


@pytest.mark.parametrize("holder", ["person", "project"])
def test_no_more_partitions_than_allowed_and_shares_take_none(world, holder):
    set_quota(world.act(), getattr(world, holder), {"partitions": 1})
    world.request("web")
    world.request("share", shared=True)
    with pytest.raises(QuotaExceeded, match="1 partitions, and 1 are taken"):
        world.request("mail")
    world.request("web", state=InstanceState.DESTROYED)
    world.request("mail")


def test_another_person_has_a_quota_of_their_own(world):
    set_quota(world.act(), make_person(world.act(), "bob", world.project), {"instances": 1})
    for number in range(3):
        world.request(f"web{number}")


def test_the_same_quota_again_changes_nothing(world):
    assert set_quota(world.act(), world.person, {"instances": 2, "requests": 3})
    assert not set_quota(world.act(), world.person, {"requests": 3})
    assert set_quota(world.act(), world.person, {"instances": 0})
    assert world.person.quota.requests == 3


def test_a_limit_below_nothing_is_refused(world):
    with pytest.raises(InvalidValue, match="can't be -1"):
        set_quota(world.act(), world.person, {"instances": -1})
