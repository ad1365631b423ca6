"""A place is found at once or it is said why not; who waited longest is served first."""

import re
from dataclasses import replace

import pluggy
import pytest

from slapcore.errors import InvalidValue
from slapcore.errors import PolicyFailed
from slapcore.states import InstanceState
from slapcore.states import ReleaseState
from slapmaster import hookimpl
from slapmaster import hookspecs
from slapmaster.domain import waiting
from slapmaster.domain.check import find_problems
from slapmaster.domain.departure import report_gone
from slapmaster.domain.installation import supply
from slapmaster.domain.node import AllocationScope
from slapmaster.domain.node import NodeFacts
from slapmaster.domain.node import PartitionSpec
from slapmaster.domain.provision import Offer
from slapmaster.domain.provision import set_allocation_supply
from slapmaster.domain.registration import change_offer
from slapmaster.domain.registration import change_scope
from slapmaster.domain.registration import format_node
from slapmaster.domain.waiting import allocate
from slapmaster.domain.waiting import resume_placing
from tests.factories import World
from tests.factories import make_person
from tests.factories import specs

OTHER = "http://example.org/other.cfg"


@pytest.fixture
def world():
    made = World.make()
    yield made
    assert list(find_problems(made.site)) == []


@pytest.fixture
def refusing():
    """A world in which something is refused half-way: its transaction would be undone."""
    return World.make()


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
    def slapmaster_choose_place(self, candidates):
        return self.choose(candidates)


def use(world, **policies):
    manager = pluggy.PluginManager("slapmaster")
    manager.add_hookspecs(hookspecs)
    for name, choose in policies.items():
        manager.register(Policy(choose), name)
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
        return max(candidates, key=lambda place: place.node)

    use(world, spread=last)
    assert world.request().partition.node is two
    assert {place.node for place in seen} == {one.reference, two.reference}
    assert len(seen) == 2


def test_without_a_policy_any_place_is_taken(world):
    world.node()
    use(world)
    assert world.request().partition is not None


def test_a_policy_that_does_not_care_gets_the_first(world):
    world.node()
    use(world, spread=lambda candidates: None)
    assert world.request().partition is not None


def test_what_was_not_offered_is_refused(refusing):
    refusing.node()
    use(refusing, spread=lambda candidates: replace(candidates[0]))
    with pytest.raises(PolicyFailed, match="'spread' chose what was not offered"):
        refusing.request()


@pytest.mark.parametrize(
    ("demands", "offer"),
    [
        ({"network": "NET-1"}, {"network": "NET-1", "categories": {}}),
        ({"region": "europe"}, {"network": "", "categories": {"region": "europe"}}),
        ({"region": "europe"}, {"network": "", "categories": {"region": "europe/france"}}),
        ({"memory_type": "ddr3"}, {"network": "", "categories": {"memory_type": "ddr3/1600"}}),
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
        ({"region": "asia"}, "1: without region asia (as COMP-1)"),
        ({"cpu_core": "64"}, "1: without cpu_core 64 (as COMP-1)"),
        ({"capability": "gpu"}, "1: without capability gpu (as COMP-1)"),
        ({"affinity": "db"}, "1: not where 'db' is (as COMP-1)"),
        ({"mode": "unique_by_network"}, "1: in no network (as COMP-1)"),
    ],
)
def test_a_demand_that_is_not_met_is_said(world, demands, why):
    world.node()
    web = world.request(demands=demands)
    assert web.partition is None
    assert web.waiting_for == f"no place on 1 nodes: {why}"


@pytest.mark.parametrize(
    ("demands", "why"),
    [
        ({"network": "NET-1"}, "there is no network 'NET-1' in PROJ-1"),
        ({"project": "PROJ-2"}, "there is no project 'PROJ-2' in PROJ-1"),
        ({"node": "COMP-7"}, "there is no node 'COMP-7' in PROJ-1"),
        ({"instance": "SOFTINST-9"}, "only a shared instance can demand to live in an instance"),
        ({"region": "europa"}, "nothing is known of the region 'europa'; did you mean 'europe'?"),
        ({"cpu_core": "3"}, "nothing is known of the cpu_core '3'; known are 1, 16, 24, 4"),
        ({"memory_type": "ddr3/fast"}, "nothing is known of the memory_type 'ddr3/fast'"),
        ({"mode": "unique"}, "known of the mode 'unique'; did you mean 'unique_by_node'?"),
        ({"policy": "pak"}, "nothing is known of the policy 'pak'; did you mean 'pack'?"),
        ({"affinity": "web"}, "'web' can't demand affinity to itself"),
        ({"retention_delay": "long"}, "'long' can't be the retention_delay: it is days"),
        ({"retention_delay": "nan"}, "the retention_delay can't be nan"),
    ],
)
def test_a_demand_for_what_is_not_known_is_refused(refusing, demands, why):
    refusing.node()
    with pytest.raises(InvalidValue, match=re.escape(why)):
        refusing.request(demands=demands)


def test_a_share_can_not_demand_a_host_that_is_not_there(refusing):
    with pytest.raises(InvalidValue, match="there is no instance 'SOFTINST-9' in PROJ-1"):
        refusing.request("lost", shared=True, demands={"instance": "SOFTINST-9"})


def test_what_a_demand_once_named_may_go_and_asking_again_stays_possible(world):
    node = world.node()
    change_offer(world.act(), node, network="", categories={"region": "mars/north"})
    web = world.request(demands={"region": "mars"})
    change_offer(world.act(), node, network="", categories={})
    assert world.request(demands={"region": "mars"}) is web
    with pytest.raises(InvalidValue, match="nothing is known of the region 'mars/north'"):
        world.request(demands={"region": "mars/north"})


def test_why_the_very_node_that_is_demanded_can_not_take_it(world):
    node = world.node("demanded")
    other = world.node("other", release=OTHER)
    change_scope(world.act(), node, AllocationScope.TERMINATION)

    def why(title, node, **values):
        web = world.request(title, demands={"node": node.reference}, **values)
        assert web.partition is None
        return web.waiting_for

    nodes = "no place on 2 nodes: 1: not"
    assert why("web", node) == f"{nodes} COMP-1 (as COMP-2); 1: closed (as COMP-1)"
    world.request("other", release_url=OTHER, demands={"node": other.reference})
    full = f"{nodes} COMP-2 (as COMP-1); 1: no free partition (as COMP-2)"
    assert why("full", other, release_url=OTHER) == full
    wrong = f"{nodes} COMP-2 (as COMP-1); 1: release not supplied (as COMP-2)"
    assert why("wrong", other) == wrong


def test_a_capable_partition_is_kept_for_those_who_demand_it(world):
    node = world.node(partitions=0)
    format_node(world.act(), node, NodeFacts(), specs(1, ("gpu",)))
    web = world.request("web")
    kept = "every free partition is kept for those who demand its capability"
    assert web.waiting_for == f"no place on 1 nodes: 1: {kept} (as COMP-1)"
    assert world.request("render", demands={"capability": "gpu"}).partition is not None


def test_a_capability_may_be_there_and_taken(world):
    node = world.node(partitions=0)
    tape = PartitionSpec("tape", (), ("tape",))
    format_node(world.act(), node, NodeFacts(), [*specs(1), tape])
    world.request("one", demands={"capability": "tape"})
    two = world.request("two", demands={"capability": "tape"})
    assert two.waiting_for.endswith("1: no free partition with capability tape (as COMP-1)")


def test_where_any_release_may_run_none_needs_to_be_supplied(world):
    world.project.any_release = True
    assert world.request("early").waiting_for == "there is no node in PROJ-1 yet"
    node = world.node(release="", partitions=1)
    assert world.instance("early").partition is node["slappart0"]
    late = world.request("late").waiting_for
    assert late == "no place on 1 nodes: 1: no free partition (as COMP-1)"


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
    monkeypatch.setattr(waiting, "PLACED_AT_ONCE", 2)
    several = [world.request(f"web{number}") for number in range(5)]
    shares = [world.request(f"share{number}", shared=True) for number in range(5)]
    world.node(partitions=5)
    assert sum(one.partition is not None for one in several) == 2
    while resume_placing(world.act()):
        pass
    assert all(one.partition is not None for one in (*several, *shares))


def test_nothing_is_resumed_for_what_is_gone(world, monkeypatch):
    assert not resume_placing(world.act())
    world.site.room.unfinished.insert("SOFTINST-99")
    assert resume_placing(world.act())
    assert not resume_placing(world.act())


def test_nobody_overtakes_those_who_are_just_being_placed(world, monkeypatch):
    monkeypatch.setattr(waiting, "PLACED_AT_ONCE", 2)
    early = [world.request(f"web{number}") for number in range(5)]
    node = world.node(partitions=7)
    assert sum(one.partition is not None for one in early) == 2
    late, other = world.request("late"), world.request("other", demands={"node": node.reference})
    assert late.partition is None  # though there is room: others asked for the same before
    assert other.partition is not None  # who asks for something else stands in another line
    while resume_placing(world.act()):
        pass
    assert all(one.partition is not None for one in (*early, late))
    turns = [one.partition.timestamp for one in (*early, late)]
    assert turns == sorted(turns)


def test_a_whole_project_is_gone_through_in_several_goes(world, monkeypatch):
    monkeypatch.setattr(waiting, "PLACED_AT_ONCE", 2)
    node = world.node(partitions=7)
    set_allocation_supply(world.act(), world.project, "none", Offer())
    early = [world.request(f"web{number}") for number in range(5)]
    set_allocation_supply(world.act(), world.project, "none", Offer(nodes=(node.reference,)))
    assert [one.partition is not None for one in early] == [True, True, False, False, False]
    while resume_placing(world.act()):
        pass
    assert all(one.partition is not None for one in early)


def test_a_long_wrong_word_is_compared_with_nothing(refusing):
    refusing.node()
    with pytest.raises(InvalidValue, match="nothing is known of the policy"):
        refusing.request(demands={"policy": "x" * 300})


def test_a_demand_for_another_project_that_is_stored_is_never_met(world):
    world.node()
    web = world.request(demands={"capability": "gpu"})
    web.demands = (("project", "PROJ-9"),)
    world.site.room.leave(web)
    assert not allocate(world.act(), web)
    assert "not of PROJ-9" in web.waiting_for
