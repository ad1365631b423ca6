"""Project and person know of one another's membership."""

import pytest

from slapcore.errors import Conflict
from slapmaster.domain.project import Role
from tests.factories import World
from tests.factories import make_person
from tests.factories import make_project


@pytest.fixture
def world():
    return World.make()


@pytest.fixture
def eve(world):
    return make_person(world.act(), "eve")


def test_both_know_of_a_role(world, eve):
    assert world.project.give_role(eve, Role.MANAGER)
    assert world.project.role_of(eve) is Role.MANAGER
    assert list(eve.projects) == [world.project.reference]


def test_the_same_role_again_changes_nothing(world, eve):
    world.project.give_role(eve, Role.AGENT)
    assert not world.project.give_role(eve, Role.AGENT)
    assert world.project.give_role(eve, Role.CUSTOMER)
    assert world.project.role_of(eve) is Role.CUSTOMER


def test_who_is_dismissed_is_no_member(world, eve):
    world.project.give_role(eve, Role.AGENT)
    assert world.project.dismiss(eve)
    assert world.project.role_of(eve) is None
    assert not eve.projects
    assert not world.project.dismiss(eve)


def test_a_title_is_of_one_project(world):
    with pytest.raises(Conflict, match="title 'main' is taken by another project"):
        make_project(world.act(), "main")
