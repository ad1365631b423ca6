"""Two who change one tree at once: no child outlives who asked for it, no circle, no stale view."""

import pytest

from slapcore.errors import Conflict
from slapcore.states import InstanceState
from slapmaster.domain.departure import report_gone
from slapmaster.domain.publish import publish_connection
from slapmaster.domain.report import report_instance
from slapmaster.domain.report import report_node
from slapmaster.domain.request import rename

NEW = "http://example.org/new.cfg"


def request(title, **values):
    return lambda world: world.request(title, **values)


def ask(requester, title, **values):
    return lambda world: world.request_child(world.instance(requester), title, **values)


def destroy(title):
    return lambda world: world.request(title, state=InstanceState.DESTROYED)


def stop(title):
    return lambda world: world.request(title, state=InstanceState.STOPPED)


def called(title, new):
    return lambda world: rename(world.act(), world.instance(title), new)


def gone(title):
    return lambda world: report_gone(world.act(), world.instance(title))


def publish(title, url):
    return lambda world: publish_connection(world.act(), world.instance(title), {"url": url})


def report(title, text):
    return lambda world: report_instance(world.act(), world.instance(title), text)


def titles(world):
    return {instance.title for instance in world.site.instances if "where" not in instance.title}


def states(world):
    return {
        instance.title: instance.wanted_state
        for instance in world.site.instances
        if "where" not in instance.title
    }


def revision(world):
    return world.site.nodes.find_by("title", (world.project.reference, "node")).revision()


@pytest.fixture
def tree(arena):
    """A root that asked for two, of which one asked for another, and another tree."""
    arena.change(lambda world: world.node(partitions=12))
    for change in (
        request("root"), ask("root", "left"), ask("root", "right"), ask("left", "leaf"),
        request("other"), ask("other", "below"),
        ask("right", "once"), ask("right", "once", state=InstanceState.DESTROYED), gone("once"),
    ):  # fmt: skip
        arena.change(change)
    return arena


@pytest.fixture
def wide_tree(arena):
    """Two branches of two levels, and something beside each of what is in them."""
    arena.change(lambda world: world.node(partitions=12))
    for change in (
        request("root"), ask("root", "first"), ask("root", "left"), ask("root", "right"),
        ask("left", "leaf"), ask("right", "twig"), ask("leaf", "beside"), ask("twig", "aside"),
    ):  # fmt: skip
        arena.change(change)
    return arena


@pytest.mark.parametrize("requester", ["root", "left", "leaf"])
@pytest.mark.parametrize("destroyed_first", [True, False])
def test_no_child_is_asked_for_by_what_is_destroyed(tree, requester, destroyed_first):
    changes = [destroy("root"), ask(requester, "late")]
    if destroyed_first:
        with pytest.raises(Conflict, match="being destroyed"):
            tree.race(*changes)
    else:
        assert tree.race(*reversed(changes)) == [1, 2]
        assert tree.read(states)["late"] is InstanceState.DESTROYED


@pytest.mark.parametrize("requester", ["leaf", "right"])
def test_no_child_is_asked_for_by_what_is_destroyed_alone(tree, requester):
    above = {"leaf": "left", "right": "root"}[requester]
    alone = ask(above, requester, state=InstanceState.DESTROYED)
    assert tree.race(ask(requester, "late"), alone) == [1, 2]
    assert tree.read(states)["late"] is InstanceState.DESTROYED
    tree.change(gone("late"))
    with pytest.raises(Conflict, match="being destroyed"):
        tree.change(ask(requester, "late"))


@pytest.mark.parametrize("destroyed_first", [True, False])
def test_nobody_moves_below_what_is_destroyed(tree, destroyed_first):
    changes = [ask("root", "right", state=InstanceState.DESTROYED), ask("right", "leaf")]
    if destroyed_first:
        with pytest.raises(Conflict, match="being destroyed"):
            tree.race(*changes)
    else:
        assert tree.race(*reversed(changes)) == [1, 2]
        assert tree.read(states)["leaf"] is InstanceState.DESTROYED


@pytest.mark.parametrize("turned", [True, False])
def test_two_moves_make_no_circle(tree, turned):
    changes = [ask("left", "right"), ask("right", "left")]
    with pytest.raises(Conflict, match="circle"):
        tree.race(*(reversed(changes) if turned else changes))


@pytest.mark.parametrize("turned", [True, False])
def test_two_moves_of_whole_branches_make_no_circle(wide_tree, turned):
    changes = [ask("twig", "left"), ask("leaf", "right")]
    with pytest.raises(Conflict, match="circle"):
        wide_tree.race(*(reversed(changes) if turned else changes))


def test_a_child_asked_for_twice_is_one(tree):
    assert tree.race(ask("root", "new"), ask("left", "new")) == [1, 2]
    assert tree.read(lambda world: world.instance("new").requester.title) == "left"


def test_children_of_different_requesters_do_not_disturb_one_another(tree):
    assert tree.race(ask("root", "one"), ask("below", "two")) in ([1, 1], [1, 2])
    assert {"one", "two"} <= tree.read(titles)


@pytest.mark.parametrize("stopped_first", [True, False])
def test_a_child_asked_for_while_its_tree_is_stopped_is_shown_as_stopped(tree, stopped_first):
    changes = [stop("root"), ask("root", "late")]
    assert tree.race(*(changes if stopped_first else reversed(changes))) == [1, 2]
    assert tree.read(states)["late"] is InstanceState.STOPPED


def test_what_is_placed_while_its_tree_is_stopped_is_shown_again(arena):
    arena.change(lambda world: world.node("node"))
    arena.change(request("root"))
    arena.change(ask("root", "waits", release_url=NEW))

    def appear(world):
        world.node("late", release=NEW)

    assert arena.race(appear, stop("root")) == [1, 2]
    assert arena.read(states)["waits"] is InstanceState.STOPPED


def test_a_title_is_given_to_one(tree):
    with pytest.raises(Conflict, match="already"):
        tree.race(called("left", "fine"), called("right", "fine"))


def test_a_service_renamed_while_its_old_title_is_requested_stays_what_it_is(tree):
    again = request("root", parameters={"colour": "red"})
    assert tree.race(called("root", "fine"), again) == [1, 2]
    assert {"root", "fine"} <= tree.read(titles)


def test_a_change_and_the_status_do_not_disturb_one_another(tree):
    before = tree.read(revision)
    assert tree.race(
        report("left", "#access all good"),
        request("root", parameters={"colour": "red"}),
        report("right", "#error"),
        publish("leaf", "http://[::1]/"),
    ) == [1, 1, 1, 1]
    assert tree.read(revision) - before == 5  # what was published shows itself and its requester


def test_what_a_node_says_of_itself_disturbs_nobody(tree):
    def speak(world):
        node = world.site.nodes.find_by("title", (world.project.reference, "node"))
        report_node(world.act(), node, "#access COMP-2")

    assert tree.race(speak, request("root", parameters={"colour": "red"})) == [1, 1]


def test_two_publish_at_once_without_disturbing_one_another(tree):
    assert tree.race(publish("leaf", "http://[::1]/"), publish("below", "http://[::2]/")) == [1, 1]


def test_two_publish_for_one_requester_and_its_time_moves_by_both(tree):
    def timestamp(world):
        return world.instance("root").partition.timestamp

    before = tree.read(timestamp)
    assert tree.race(publish("left", "http://[::1]/"), publish("right", "http://[::2]/")) == [1, 2]
    assert tree.read(timestamp) > before + 1
