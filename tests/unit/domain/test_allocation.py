"""A place is found at once or it is said why not; who waited longest is served first."""

import pluggy
import pytest

from slapcore.states import InstanceState
from slapcore.states import ReleaseState
from slapmaster import hookimpl
from slapmaster import hookspecs
from slapmaster.domain import allocation
from slapmaster.domain.allocation import resume_placing
from slapmaster.domain.check import find_problems
from slapmaster.domain.departure import report_gone
from slapmaster.domain.installation import supply
from slapmaster.domain.node import AllocationScope
from slapmaster.domain.node import NodeFacts
from slapmaster.domain.registration import change_offer
from slapmaster.domain.registration import change_scope
from slapmaster.domain.registration import format_node
from tests.factories import RELEASE
from tests.factories import World
from tests.factories import make_person
from tests.factories import specs

OTHER = "http://example.org/other.cfg"


@pytest.fixture
def world():
    made = World.make()
    yield made
    assert list(find_problems(made.site)) == []


def destroy(world, instance, **values):
    values = {"state": InstanceState.DESTROYED, "shared": instance.shared, **values}
    world.request(instance.title, **values)
    if not instance.shared:
        report_gone(world.act(), instance)


class Policy:
    """Chooses as it is told to."""

    def __init__(self, choose):
        self.choose = choose

    @hookimpl
    def slapmaster_choose_partition(self, candidates):
        return self.choose(candidates)


def use(world, *choices):
    manager = pluggy.PluginManager("slapmaster")
    manager.add_hookspecs(hookspecs)
    for choose in choices:
        manager.register(Policy(choose))
    world.act.hook = manager.hook


def test_a_place_is_given_at_once(world):
    node = world.node()
    web = world.request()
    assert web.partition is node["slappart0"]
    assert node["slappart0"].instance is web
    assert web.turn is None
    assert web.waiting_for == ""
    assert web.secret is not None


def test_a_policy_sees_one_place_per_node_and_chooses(world):
    one, two = world.node("one", partitions=3), world.node("two", partitions=2)
    seen = []

    def last(candidates):
        seen.extend(candidates)
        return max(candidates, key=lambda place: place.node.reference)

    use(world, last)
    assert world.request().partition.node is two
    assert {place.node for place in seen} == {one, two}
    assert len(seen) == 2


def test_without_a_policy_any_place_is_taken(world):
    world.node()
    use(world)
    assert world.request().partition is not None


def test_what_was_not_offered_is_not_given(world, caplog):
    closed, node = world.node("closed"), world.node("open")
    change_scope(world.act(), closed, AllocationScope.FOREVER)
    use(world, lambda candidates: closed["slappart0"])
    assert world.request().partition.node is node
    assert "chose for SOFTINST-1 what was not offered" in caplog.text


@pytest.mark.parametrize(
    ("demands", "offer"),
    [
        ({"network": "NET-1"}, {"network": "NET-1", "categories": {}}),
        ({"region": "europe"}, {"network": "", "categories": {"region": "europe"}}),
        ({"project": "PROJ-1"}, None),
        ({"node": "COMP-1"}, None),
        ({"retention_delay": "7"}, None),
    ],
)
def test_a_demand_that_is_met_finds_a_place(world, demands, offer):
    node = world.node()
    if offer is not None:
        change_offer(world.act(), node, **offer)
    assert world.request(demands=demands).partition is not None


@pytest.mark.parametrize(
    ("demands", "why"),
    [
        ({"network": "NET-1"}, "none of 1 nodes with a free partition meets the demands net"),
        ({"region": "asia"}, "meets the demands region=asia"),
        ({"capability": "gpu"}, "meets the demands capability=gpu"),
        ({"project": "PROJ-2"}, "meets the demands project=PROJ-2"),
        ({"node": "COMP-7"}, "meets the demands node=COMP-7; node COMP-7 is not known"),
    ],
)  # fmt: skip
def test_a_demand_that_is_not_met_is_said(world, demands, why):
    world.node()
    web = world.request(demands=demands)
    assert web.partition is None
    assert why in web.waiting_for


def test_why_the_very_node_that_is_demanded_can_not_take_it(world):
    node = world.node("demanded")
    other = world.node("other", release=OTHER)
    change_scope(world.act(), node, AllocationScope.TERMINATION)

    def why():
        web = world.request(demands={"node": node.reference})
        assert web.partition is None
        return web.waiting_for

    full_or_closed = f"no free partition: all 1 nodes with {RELEASE} are full or closed"
    assert why() == f"{full_or_closed}; node COMP-1 is close/termination"
    world.request("other", release_url=OTHER, demands={"node": other.reference})
    full = world.request("full", release_url=OTHER, demands={"node": other.reference})
    assert full.waiting_for.endswith("are full or closed; node COMP-2 has no free partition")
    wrong = world.request("wrong", demands={"node": other.reference})
    assert wrong.waiting_for.endswith("; node COMP-2 has no free partition")
    format_node(world.act(), other, NodeFacts(), specs(3))
    wrong = world.request("wrong", demands={"node": other.reference})
    assert wrong.waiting_for.endswith("; node COMP-2 does not have the release")


def test_a_demanded_node_that_could_take_others_is_not_blamed(world):
    node = world.node()
    web = world.request(demands={"node": node.reference, "capability": "gpu"})
    assert web.waiting_for.endswith("meets the demands capability=gpu, node=COMP-1")


def test_a_capable_partition_is_kept_for_those_who_demand_it(world):
    node = world.node(partitions=0)
    format_node(world.act(), node, NodeFacts(), specs(1, ("gpu",)))
    web = world.request("web")
    assert web.waiting_for == "none of 1 nodes with a free partition has one without a capability"
    assert world.request("render", demands={"capability": "gpu"}).partition is not None


def test_where_any_release_may_run_no_node_is_blamed_for_having_none(world):
    world.project.any_release = True
    node = world.node(release="")
    web = world.request(demands={"node": node.reference, "capability": "gpu"})
    assert web.waiting_for.endswith("meets the demands capability=gpu, node=COMP-1")


def test_where_any_release_may_run_none_needs_to_be_supplied(world):
    world.project.any_release = True
    assert world.request("early").waiting_for == "no free partition: every node is full or closed"
    node = world.node(release="", partitions=1)
    assert world.instance("early").partition is node["slappart0"]
    assert world.request("late").waiting_for.startswith("no free partition")


def test_the_oldest_is_placed_first_whatever_it_waits_for(world):
    first = world.request("first")
    second = world.request("second", release_url=OTHER)
    third = world.request("third")
    node = world.node(partitions=0)
    supply(world.act(), node, OTHER, ReleaseState.AVAILABLE)
    format_node(world.act(), node, NodeFacts(), specs(2))
    assert first.partition is not None
    assert second.partition is not None
    assert third.partition is None


def test_who_can_not_be_served_holds_nobody_up(world):
    picky = world.request("picky", demands={"region": "asia"})
    web = world.request("web")
    world.node()
    assert picky.partition is None
    assert web.partition is not None


def test_a_turn_is_kept_when_something_else_is_wanted(world):
    first, second = world.request("first", release_url=OTHER), world.request("second")
    assert world.request("first") is first
    node = world.node()
    assert first.partition is node["slappart0"]
    assert second.partition is None


def test_two_who_came_at_the_same_moment_both_have_a_turn(world):
    act = world.act()
    world.act.clock.read = lambda: act.now
    assert world.request("web").turn.since != world.request("mail").turn.since


def test_a_place_that_is_vacated_goes_to_who_waits(world):
    world.node()
    web = world.request("web")
    mail = world.request("mail")
    assert mail.partition is None
    destroy(world, web)
    assert mail.partition is not None


def test_a_share_lives_in_an_instance_of_its_owner(world):
    world.node()
    host = world.request("host")
    share = world.request("share", shared=True)
    assert share.host is host
    assert list(host.partition.shared_instances()) == [share]


def test_a_share_waits_for_a_host_of_its_release_and_type(world):
    world.node(partitions=3)
    world.request("host", software_type="big")
    share = world.request("share", shared=True)
    assert share.host is None
    assert "can host this shared instance yet" in share.waiting_for
    host = world.request("right")
    assert share.host is host


def test_a_share_may_demand_its_host(world):
    world.node(partitions=2)
    one, two = world.request("one"), world.request("two")
    demands = {"instance": two.reference}
    assert world.request("share", shared=True, demands=demands).host is two
    other = {"instance": "SOFTINST-99"}
    assert world.request("lost", shared=True, demands=other).host is None
    assert list(one.partition.shared_instances()) == []


def test_a_share_of_another_lives_only_in_what_is_open_to_all(world):
    world.node(partitions=2)
    world.request("host")
    stranger = World(world.act, world.project, make_person(world.act(), "eve", world.project))
    assert stranger.request("share", shared=True).host is None


def test_where_hosts_are_open_a_share_lives_in_anybody_s(world):
    world.project.open_hosts = True
    world.node(partitions=2)
    host = world.request("host")
    stranger = World(world.act, world.project, make_person(world.act(), "eve", world.project))
    assert stranger.request("share", shared=True).host is host
    later = stranger.request("later", shared=True, software_type="rare")
    assert later.host is None
    assert world.request("rare", software_type="rare") is later.host



def test_guests_find_another_host_or_wait_when_theirs_is_gone(world):
    world.node(partitions=2)
    host = world.request("host")
    share = world.request("share", shared=True)
    destroy(world, host)
    assert share.host is None
    assert share.turn is not None
    other = world.request("other")
    assert share.host is other


def test_a_host_that_is_told_to_go_takes_no_more_guests(world):
    world.node()
    host = world.request("host")
    world.request("host", state=InstanceState.DESTROYED)
    assert world.request("share", shared=True).host is None
    assert host.partition is not None


def test_too_many_are_placed_in_several_goes(world, monkeypatch):
    monkeypatch.setattr(allocation, "PLACED_AT_ONCE", 2)
    waiting = [world.request(f"web{number}") for number in range(5)]
    shares = [world.request(f"share{number}", shared=True) for number in range(5)]
    world.node(partitions=5)
    assert sum(one.partition is not None for one in waiting) == 2
    while resume_placing(world.act()):
        pass
    assert all(one.partition is not None for one in (*waiting, *shares))


def test_nothing_is_resumed_for_what_is_gone(world, monkeypatch):
    assert not resume_placing(world.act())
    world.site.room.unfinished.insert("SOFTINST-99")
    assert resume_placing(world.act())
    assert not resume_placing(world.act())
