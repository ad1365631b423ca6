"""What is requested comes to be, follows what is wanted, and is asked for by whoever asked last."""

import pytest

from slapcore.errors import Conflict
from slapcore.errors import InvalidValue
from slapcore.errors import NotReady
from slapcore.states import InstanceState
from slapmaster.domain.check import find_problems
from slapmaster.domain.request import rename
from tests.factories import RELEASE
from tests.factories import World
from tests.factories import make_person
from tests.factories import make_project

STARTED, STOPPED = InstanceState.STARTED, InstanceState.STOPPED
DESTROYED = InstanceState.DESTROYED
OTHER = "http://example.org/other.cfg"


@pytest.fixture
def world():
    made = World.make()
    made.node(partitions=6)
    yield made
    assert list(find_problems(made.site)) == []


def time_of(instance):
    return instance.partition.timestamp


def revision_of(instance):
    return instance.partition.node.revision()


def test_what_is_requested_is_kept_as_wanted(world):
    web = world.request(
        "web", software_type="big", parameters={"b": "2", "a": "1"}, demands={"node": "COMP-1"}
    )
    assert (web.reference, web.title, web.release_url) == ("SOFTINST-1", "web", RELEASE)
    assert (web.software_type, web.state) == ("big", STARTED)
    assert web.parameters == (("a", "1"), ("b", "2"))
    assert web.demands == (("node", "COMP-1"),)
    assert web.tree.root is web
    assert web.is_root


def test_the_same_request_again_changes_nothing(world):
    web = world.request("web", parameters={"a": "1"})
    before = (time_of(web), revision_of(web), len(world.site.journal))
    assert world.request("web", parameters={"a": "1"}) is web
    assert (time_of(web), revision_of(web), len(world.site.journal)) == before


@pytest.mark.parametrize(
    ("values", "name", "expected"),
    [
        ({"parameters": {"a": "2"}}, "parameters", (("a", "2"),)),
        ({"demands": {"region": "asia"}}, "demands", (("region", "asia"),)),
        ({"release_url": OTHER}, "release_url", OTHER),
        ({"software_type": "big"}, "software_type", "big"),
        ({"state": STOPPED}, "state", STOPPED),
    ],
)
def test_what_is_wanted_otherwise_is_changed_where_it_lives(world, values, name, expected):
    web = world.request("web")
    place, before = web.partition, time_of(web)
    world.request("web", **values)
    assert getattr(web, name) == expected
    assert web.partition is place
    assert time_of(web) > before


@pytest.mark.parametrize(
    ("values", "fault"),
    [
        ({"title": ""}, "title is empty"),
        ({"release_url": ""}, "URL is empty"),
        ({"software_type": ""}, "software type is empty"),
        ({"demands": {"colour": "red"}}, "demand 'colour'"),
        ({"demands": {"instance": "SOFTINST-1"}}, "only a shared instance can demand"),
        ({"parameters": {"a": "x" * 2_000_000}}, "2000001 characters"),
    ],
)
def test_what_can_not_be_stored_is_refused(world, values, fault):
    with pytest.raises(InvalidValue, match=fault):
        world.request(**{"title": "web", **values})
    assert len(world.site.instances) == 0


def test_a_service_is_of_one_person_in_one_project(world):
    eve = make_person(world.act(), "eve", world.project)
    second = make_project(world.act(), "second")
    mine = world.request("web")
    hers = World(world.act, world.project, eve).request("web")
    there = World(world.act, second, world.person).request("web")
    assert len({mine.reference, hers.reference, there.reference}) == 3


@pytest.mark.parametrize("first", [True, False])
def test_what_is_shared_stays_so_and_what_is_not_too(world, first):
    world.request("host")
    world.request("web", shared=first)
    with pytest.raises(Conflict, match="shared instance and stays so: use another title"):
        world.request("web", shared=not first)


def test_what_was_never_there_can_not_be_destroyed(world):
    web = world.request("web")
    with pytest.raises(NotReady, match="there is no instance 'mail': nothing to destroy"):
        world.request("mail", state=DESTROYED)
    with pytest.raises(NotReady):
        world.request_child(web, "mail", state=DESTROYED)


def test_a_child_belongs_to_the_tree_of_its_requester(world):
    web = world.request("web")
    child = world.request_child(web, "database")
    assert child.tree is web.tree
    assert child.requester is web
    assert world.request_child(web, "database") is child
    assert list(web.children.values()) == [child]


def test_the_last_who_asks_is_the_requester(world):
    web = world.request("web")
    left, right = world.request_child(web, "left"), world.request_child(web, "right")
    leaf = world.request_child(left, "leaf")
    assert world.request_child(right, "leaf") is leaf
    assert leaf.requester is right
    assert list(left.children) == []
    assert list(right.children) == [leaf.reference]


def test_nobody_asks_for_itself_or_for_who_asked_for_it(world):
    web = world.request("web")
    child = world.request_child(web, "child")
    leaf = world.request_child(child, "leaf")
    with pytest.raises(Conflict, match="in a circle: leaf -> leaf"):
        world.request_child(leaf, "leaf")
    with pytest.raises(Conflict, match="in a circle: web -> web -> child -> leaf"):
        world.request_child(leaf, "web")


def test_what_is_being_destroyed_asks_for_nothing(world):
    web = world.request("web")
    world.request_child(web, "child")
    world.request("web", state=DESTROYED)
    for title in ("new", "child"):
        with pytest.raises(Conflict, match="'web' is being destroyed and can't ask for anything"):
            world.request_child(web, title)


def test_a_stopped_service_stops_whatever_is_in_it_and_starts_it_again(world):
    web = world.request("web")
    child, idle = world.request_child(web, "child"), world.request_child(web, "idle", state=STOPPED)
    before = [time_of(one) for one in (web, child, idle)]
    world.request("web", state=STOPPED)
    assert (child.state, child.wanted_state) == (STARTED, STOPPED)
    stopped = [time_of(one) for one in (web, child, idle)]
    assert [new > old for new, old in zip(stopped, before, strict=True)] == [True, True, False]
    world.request("web")
    assert [one.wanted_state for one in (web, child, idle)] == [STARTED, STARTED, STOPPED]


def test_a_child_of_a_stopped_service_is_stopped(world):
    web = world.request("web", state=STOPPED)
    assert world.request_child(web, "late").wanted_state is STOPPED


def test_a_child_is_stopped_by_itself(world):
    web = world.request("web")
    child = world.request_child(web, "child")
    world.request_child(web, "child", state=STOPPED)
    assert (web.wanted_state, child.wanted_state) == (STARTED, STOPPED)


def test_another_release_of_a_host_takes_those_who_wait_for_it(world):
    host = world.request("host")
    share = world.request("share", shared=True, release_url=OTHER)
    assert share.host is None
    world.request("host", release_url=OTHER)
    assert share.host is host


def test_what_waits_for_one_release_waits_for_another_when_that_is_wanted(world):
    web = world.request("web", release_url=OTHER)
    assert web.partition is None
    world.request("web")
    assert web.partition is not None


def test_a_new_title_is_shown_to_whom_it_concerns(world):
    web = world.request("web")
    child = world.request_child(web, "child")
    far = world.node("far")
    other = world.request_child(web, "other", demands={"node": far.reference})
    before = (revision_of(web), revision_of(other), time_of(child), time_of(web))
    rename(world.act(), web, "shop")
    assert (web.title, web.tree.title) == ("shop", "shop")
    assert revision_of(web) > before[0]
    assert revision_of(other) > before[1]
    assert time_of(child) == before[2]
    assert time_of(web) > before[3]
    assert world.request("shop") is web


def test_a_child_is_renamed_alone(world):
    web = world.request("web")
    far = world.node("far")
    child = world.request_child(web, "child")
    other = world.request_child(web, "other", demands={"node": far.reference})
    before = revision_of(other)
    rename(world.act(), child, "kid")
    assert world.request_child(web, "kid") is child
    assert revision_of(other) == before


def test_the_title_it_has_is_no_new_one(world):
    web = world.request("web")
    before = time_of(web)
    rename(world.act(), web, "web")
    assert time_of(web) == before


def test_a_taken_title_is_refused(world):
    web, _ = world.request("web"), world.request("mail")
    child = world.request_child(web, "child")
    with pytest.raises(Conflict, match="there is an instance 'web' in 'web' already"):
        rename(world.act(), child, "web")
    with pytest.raises(Conflict, match="title 'mail' is taken by another service"):
        rename(world.act(), web, "mail")
    with pytest.raises(InvalidValue, match="title is empty"):
        rename(world.act(), web, "")


def test_what_is_being_destroyed_keeps_its_title(world):
    web = world.request("web")
    world.request("web", state=DESTROYED)
    with pytest.raises(InvalidValue, match="'web' is being destroyed and can't be renamed"):
        rename(world.act(), web, "shop")


@pytest.mark.parametrize(("old", "new"), [("web", "_remote_x"), ("_remote_x", "web")])
def test_titles_of_other_masters_are_kept_for_them(world, old, new):
    with pytest.raises(InvalidValue, match="begin with _remote_ are kept for other masters"):
        rename(world.act(), world.request(old), new)
