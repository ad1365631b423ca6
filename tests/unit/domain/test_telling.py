"""Whatever happens to an instance or a node is told in the feed of its project."""

import pytest

from slapcore.states import InstanceState
from slapcore.states import ReleaseState
from slapmaster.domain.bang import bang_tree
from slapmaster.domain.departure import report_gone
from slapmaster.domain.feed import EventKind
from slapmaster.domain.installation import find_installation
from slapmaster.domain.installation import forget_destroyed
from slapmaster.domain.installation import supply
from slapmaster.domain.node import AllocationScope
from slapmaster.domain.publish import publish_connection
from slapmaster.domain.registration import change_scope
from slapmaster.domain.report import report_instance
from slapmaster.domain.report import report_release
from slapmaster.domain.request import rename
from tests.factories import RELEASE
from tests.factories import World

END = 10**18


@pytest.fixture
def world():
    return World.make()


def told(world, subject=None):
    found = [event for _, event in world.project.feed.after(0, END)]
    return [str(event.kind) for event in found if subject in (None, event.subject)]


def test_the_life_of_an_instance_is_told(world):
    web = world.request()
    world.node()
    bang_tree(world.act(), web)
    publish_connection(world.act(), web, {"url": "x"})
    world.request(parameters={"a": "b"})
    world.request(parameters={"a": "b"}, state=InstanceState.STOPPED)
    rename(world.act(), web, "site")
    world.request("site", state=InstanceState.DESTROYED)
    report_gone(world.act(), web)
    assert told(world, web.reference) == [
        "requested", "waiting", "placed", "bang", "published", "changed", "changed", "renamed",
        "destroyed", "gone",
    ]  # fmt: skip


def test_an_event_says_whose_it_is_and_where(world):
    node = world.node()
    web = world.request()
    *_, (_, placed) = world.project.feed.after(0, END)
    assert placed.kind is EventKind.PLACED
    assert (placed.owner, placed.node) == (world.person.reference, node.reference)
    assert (placed.service, placed.subject) == (web.tree.reference, web.reference)
    assert (placed.title, placed.detail, placed.by) == ("web", "slappart0", "PERS-1")


def test_the_life_of_a_node_is_told(world):
    node = world.node()
    change_scope(world.act(), node, AllocationScope.MAINTENANCE)
    change_scope(world.act(), node, AllocationScope.OPEN)
    supply(world.act(), node, RELEASE, ReleaseState.DESTROYED)
    forget_destroyed(world.act(), node, RELEASE)
    assert told(world, node.reference) == [
        "node registered", "node formatted", "release supplied", "node closed", "node opened",
        "release withdrawn", "release removed",
    ]  # fmt: skip


def test_a_child_that_moves_to_another_requester_is_told(world):
    world.node(partitions=3)
    web = world.request()
    world.request_child(web, "other")
    child = world.request_child(web, "child")
    world.request_child(world.instance("other"), "child")
    assert told(world, child.reference) == ["requested", "placed", "changed"]


def test_a_share_whose_host_goes_is_told_of(world):
    world.node()
    host = world.request("host")
    share = world.request("share", shared=True)
    world.request("host", state=InstanceState.DESTROYED)
    report_gone(world.act(), host)
    assert told(world, share.reference) == ["requested", "placed", "host lost", "waiting"]


def test_a_failure_is_told_once_until_it_is_over(world):
    world.node()
    web = world.request()
    said = [
        ("#error a", EventKind.ERROR), ("#error b", EventKind.ERROR), ("#error b", EventKind.ERROR),
        ("#access fine", EventKind.STARTED), ("#access fine", EventKind.STARTED),
        ("#error b", EventKind.ERROR), ("#error bang", None),
    ]  # fmt: skip
    for number, (text, kind) in enumerate(said):
        report_instance(world.act(), web, text, f"log {number}", kind)
    assert told(world, web.reference)[2:] == ["error", "started", "error"]


def test_what_becomes_of_a_release_is_told(world):
    node = world.node()
    installation = find_installation(node, RELEASE)
    for text, kind in (
        ("#building", None), ("#error no", EventKind.BUILD_FAILED),
        ("#error still no", EventKind.BUILD_FAILED), ("#access", EventKind.BUILT),
    ):  # fmt: skip
        report_release(world.act(), installation, text, "log", kind)
    assert told(world, node.reference)[3:] == ["release failed", "release built"]
