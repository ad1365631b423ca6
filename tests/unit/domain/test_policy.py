"""A policy chooses among values, in time, or only the request that named it fails."""

import threading
import time

import pluggy
import pytest

from slapcore.errors import InvalidValue
from slapcore.errors import PolicyFailed
from slapmaster import hookimpl
from slapmaster import hookspecs
from slapmaster.domain import policy
from slapmaster.domain.policy import Bench
from slapmaster.domain.provision import choose_policy
from slapmaster.domain.waiting import place_anywhere
from tests.factories import World
from tests.factories import plugins


class Policy:
    def __init__(self, choose):
        self._choose = choose

    @hookimpl
    def slapmaster_choose_place(self, wish, candidates):
        return self._choose(wish, candidates)


def hook_of(**policies):
    manager = pluggy.PluginManager("slapmaster")
    manager.add_hookspecs(hookspecs)
    for name, choose in policies.items():
        manager.register(Policy(choose), name)
    return manager.hook


def fail(wish, candidates):
    raise KeyError("colour")


def loop(wish, candidates):
    while True:
        pass


def dawdle(wish, candidates):
    time.sleep(2)


@pytest.fixture
def world(monkeypatch):
    monkeypatch.setattr(policy, "BENCH", Bench())
    monkeypatch.setattr(policy, "LIMIT", 0.2)
    return World.make()


def test_ours_are_there():
    assert policy.known_policies(plugins().hook) == ["pack", "pinned", "random", "spread"]


@pytest.mark.parametrize(("name", "used"), [("pack", [0, 5]), ("spread", [2, 3])])
def test_pack_fills_one_node_and_spread_both(name, used):
    world = World.make()
    nodes = [world.node("one", partitions=5), world.node("two", partitions=5)]
    choose_policy(world.act(), world.project, name)
    for number in range(5):
        world.request(f"web{number}")
    assert sorted(5 - node.free_count() for node in nodes) == used


def test_a_request_s_own_policy_goes_before_that_of_the_project():
    world = World.make()
    node = world.node("one", partitions=3)
    world.node("two", partitions=9)
    choose_policy(world.act(), world.project, "spread")
    assert world.request(demands={"policy": "pack"}).partition.node is node


def test_pinned_stays_where_the_requester_is():
    world = World.make()
    for number in range(15):
        world.node(f"node{number}", partitions=4)
    root = world.request(demands={"policy": "pinned"})
    near = [world.request_child(root, f"db{n}", demands={"policy": "pinned"}) for n in range(3)]
    assert {one.partition.node for one in near} == {root.partition.node}
    full = world.request_child(root, "far", demands={"policy": "pinned"})
    assert full.partition.node is not root.partition.node


def test_random_takes_any():
    world = World.make()
    for number in range(4):
        world.node(f"node{number}", partitions=10)
    placed = [world.request(f"web{n}", demands={"policy": "random"}) for n in range(30)]
    assert len({one.partition.node for one in placed}) > 1


def test_a_policy_is_told_what_is_wished_and_what_is_possible(world):
    told = []
    world.act.hook = hook_of(spread=lambda wish, candidates: told.append((wish, candidates)))
    world.node(partitions=2)
    world.request("web", parameters={"colour": "red"}, demands={"retention_delay": "1"})
    [(wish, [candidate])] = told
    assert (wish.title, wish.owner, wish.project, wish.tree) == ("web", "PERS-1", "PROJ-1", "web")
    assert (wish.parameters, wish.demands) == ({"colour": "red"}, {"retention_delay": "1"})
    assert (candidate.node, candidate.free, candidate.near) == ("COMP-1", 2, 0)


def test_one_that_raises_fails_with_what_it_raised(world, caplog):
    world.act.hook = hook_of(spread=fail)
    world.node()
    with pytest.raises(PolicyFailed, match="policy 'spread' failed: KeyError: 'colour'"):
        world.request()
    assert "KeyError" in caplog.text


@pytest.mark.parametrize("slow", [loop, dawdle])
def test_one_that_takes_too_long_is_ended_and_rests_and_others_go_on(world, slow):
    world.act.hook = hook_of(slow=slow, quick=lambda wish, candidates: candidates[0])
    world.node(partitions=3)
    before = threading.active_count()
    with pytest.raises(PolicyFailed, match=r"'slow' took longer than 0\.2 s"):
        world.request("slow", demands={"policy": "slow"})
    begin = time.monotonic()
    with pytest.raises(PolicyFailed, match="'slow' took too long and rests for 30 s more"):
        world.request("again", demands={"policy": "slow"})
    assert world.request("quick", demands={"policy": "quick"}).partition is not None
    assert time.monotonic() - begin < 0.2
    deadline = time.monotonic() + 5
    while threading.active_count() > before + 1 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert threading.active_count() <= before + 1  # the one that asks now; the slow one has ended


def test_one_that_is_not_installed_is_refused_by_name(world):
    with pytest.raises(InvalidValue, match="policy 'sprad'; did you mean 'spread'"):
        choose_policy(world.act(), world.project, "sprad")
    assert not choose_policy(world.act(), world.project, "")


def test_what_waits_keeps_waiting_when_its_policy_fails(world):
    world.act.hook = hook_of(odd=fail)
    choose_policy(world.act(), world.project, "odd")
    node = world.node(release="", partitions=1)
    web = world.request()
    assert web.waiting_for.endswith("release not supplied (as COMP-1)")
    world.site.room.supply(node, web.release_url)  # as if nobody had been told of it
    place_anywhere(world.act(), world.project)
    assert web.waiting_for == "the allocation policy 'odd' failed: KeyError: 'colour'"
    world.act.hook = plugins().hook
    choose_policy(world.act(), world.project, "pack")
    place_anywhere(world.act(), world.project)
    assert web.partition is not None
