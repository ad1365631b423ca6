"""Two who place, or make room, at once: nothing is given twice and no wait is missed."""

import pytest

from slapcore.states import InstanceState
from slapcore.states import ReleaseState
from slapmaster.domain.departure import report_gone
from slapmaster.domain.installation import supply
from slapmaster.domain.node import AllocationScope
from slapmaster.domain.node import NodeFacts
from slapmaster.domain.node import PartitionSpec
from slapmaster.domain.registration import change_offer
from slapmaster.domain.registration import change_scope
from slapmaster.domain.registration import format_node
from tests.factories import RELEASE
from tests.factories import specs

OTHER = "http://example.org/other.cfg"


def node_of(world):
    return world.site.nodes.find_by("title", (world.project.reference, "node"))


def places(world):
    """Say where the instances of this test live."""
    return {
        instance.title: instance.partition.name if instance.partition is not None else None
        for instance in world.site.instances
        if "where" not in instance.title
    }


def close(world):
    change_scope(world.act(), node_of(world), AllocationScope.MAINTENANCE)


def reopen(world):
    change_scope(world.act(), node_of(world), AllocationScope.OPEN)


def withdraw(world):
    supply(world.act(), node_of(world), RELEASE, ReleaseState.DESTROYED)


def supply_other(world):
    supply(world.act(), node_of(world), OTHER, ReleaseState.AVAILABLE)


def request(title, **values):
    return lambda world: world.request(title, **values)


def destroy(title):
    return lambda world: world.request(title, state=InstanceState.DESTROYED)


def gone(title):
    return lambda world: report_gone(world.act(), world.instance(title))


def node_with(*capabilities, release=RELEASE):
    """Make a node whose partitions have these capabilities, in turn."""

    def change(world):
        node = world.node("node", partitions=0, release=release)
        described = [
            PartitionSpec(spec.name, spec.addresses, (capability,) if capability else ())
            for spec, capability in zip(specs(len(capabilities)), capabilities, strict=True)
        ]
        format_node(world.act(), node, NodeFacts(), described)

    return change


def test_the_last_partition_is_given_once(arena):
    arena.change(node_with(""))
    assert arena.race(request("web"), request("mail")) == [1, 2]
    assert arena.read(places) == {"web": "slappart0", "mail": None}


def test_each_of_many_gets_a_place_of_its_own(arena):
    arena.change(lambda world: world.node(partitions=8))
    arena.race(*(request(f"web{number}") for number in range(8)))
    assert sorted(arena.read(places).values()) == [f"slappart{number}" for number in range(8)]


def test_requests_for_different_nodes_do_not_disturb_one_another(arena):
    arena.change(
        lambda world: [world.node("one", partitions=3), world.node("two", partitions=3)]
    )
    arena.change(request("chat"))
    one, two = arena.read(lambda world: [
        node.reference for node in world.site.nodes if node.title in ("one", "two")
    ])
    assert arena.race(
        request("web", demands={"node": one}), request("mail", demands={"node": two})
    ) == [1, 1]


def test_a_title_requested_twice_is_one_instance(arena):
    arena.change(lambda world: world.node(partitions=4))
    assert arena.race(request("web"), request("web")) == [1, 2]
    assert list(arena.read(places)) == ["web"]


def test_those_who_wait_do_not_disturb_one_another(arena):
    arena.change(request("early"))
    assert arena.race(request("web"), request("mail"), request("chat")) == [1, 1, 1]


def test_two_who_take_the_last_two_partitions_leave_the_node_full(arena):
    arena.change(node_with("gpu", ""))
    takers = (request("web"), request("render", demands={"capability": "gpu"}))
    assert arena.race(*takers) == [1, 2]
    assert arena.read(lambda world: node_of(world).standing.listed) is False


def test_two_who_take_of_many_do_not_disturb_one_another(arena):
    arena.change(node_with("tape", "", "gpu", "", "gpu"))
    arena.change(request("chat"))
    assert arena.race(request("web"), request("render", demands={"capability": "gpu"})) == [1, 1]


@pytest.mark.parametrize("obstacle", [close, withdraw])
def test_placing_notices_that_the_node_takes_no_more(arena, obstacle):
    arena.change(lambda world: world.node())
    assert arena.race(obstacle, request("web")) == [1, 2]
    assert arena.read(places) == {"web": None}


@pytest.mark.parametrize("obstacle", [close, withdraw])
def test_what_is_placed_first_stays(arena, obstacle):
    arena.change(lambda world: world.node(partitions=2))
    arena.race(request("web"), obstacle)
    assert arena.read(places)["web"] is not None


def appear(world):
    world.node()


def node_with_categories(world):
    node = node_of(world)
    change_offer(world.act(), node, network="", categories={"region": "europe"})


#: how a place comes to be: what is there before, what makes room, what waits for it
OPENINGS = {
    "a node appears": ([], appear, {}),
    "a release is supplied": ([node_with("", release="")], lambda world: supply(
        world.act(), node_of(world), RELEASE, ReleaseState.AVAILABLE), {}),
    "a node is opened": ([appear, close], reopen, {}),
    "a partition is added": ([node_with()], lambda world: format_node(
        world.act(), node_of(world), NodeFacts(), specs(1)), {}),
    "an instance is gone": ([appear, request("old"), destroy("old")], gone("old"), {}),
    "an instance is gone from a capable partition of a node with other room": (
        [node_with("gpu", ""), request("old", demands={"capability": "gpu"}), destroy("old")],
        gone("old"),
        {"demands": {"capability": "gpu"}},
    ),
    "a node offers what is demanded": (
        [appear], node_with_categories, {"demands": {"region": "europe"}}
    ),
}  # fmt: skip


@pytest.mark.parametrize("waits_first", [True, False])
@pytest.mark.parametrize("opening", OPENINGS)
def test_no_wait_is_missed_when(arena, opening, waits_first):
    before, make_room, values = OPENINGS[opening]
    for change in before:
        arena.change(change)
    changes = [request("web", **values), make_room]
    assert arena.race(*(changes if waits_first else reversed(changes))) == [1, 2]
    assert arena.read(places)["web"] is not None


@pytest.mark.parametrize("waits_first", [True, False])
@pytest.mark.parametrize("first_of_all", [True, False])
def test_no_wait_for_a_host_is_missed(arena, waits_first, first_of_all):
    arena.change(lambda world: world.node(partitions=3))
    if not first_of_all:
        arena.change(request("early", shared=True, software_type="other"))
        arena.change(request("other", software_type="other"))
    changes = [request("share", shared=True), request("host")]
    assert arena.race(*(changes if waits_first else reversed(changes))) == [1, 2]
    assert arena.read(places)["share"] == arena.read(places)["host"]


def test_shared_instances_requested_at_once_all_get_into_the_host(arena):
    arena.change(lambda world: world.node())
    arena.change(request("host"))
    arena.race(*(request(f"share{number}", shared=True) for number in range(4)))
    assert set(arena.read(places).values()) == {"slappart0"}


def test_no_share_settles_in_a_host_that_is_told_to_go(arena):
    arena.change(lambda world: world.node())
    arena.change(request("host"))
    assert arena.race(destroy("host"), request("share", shared=True)) == [1, 2]
    assert arena.read(places) == {"host": "slappart0", "share": None}


@pytest.mark.parametrize("turned", [True, False])
@pytest.mark.parametrize(
    ("before", "one", "other"),
    [
        ([appear, request("old"), destroy("old"), close], reopen, gone("old")),
        ([appear, request("old"), destroy("old")], close, gone("old")),
        ([appear, request("old"), destroy("old")], supply_other, gone("old")),
        ([appear, request("old"), destroy("old")], withdraw, gone("old")),
        ([appear], supply_other, request("web")),
        ([appear], lambda world: format_node(world.act(), node_of(world), NodeFacts(), []), close),
        ([appear, close], lambda world: format_node(
            world.act(), node_of(world), NodeFacts(), []), reopen),
    ],
)  # fmt: skip
def test_a_node_is_listed_just_when_it_has_room_after(arena, before, one, other, turned):
    for change in before:
        arena.change(change)
    assert arena.race(*((other, one) if turned else (one, other))) in ([1, 1], [1, 2])


def test_two_make_room_and_two_who_waited_are_placed(arena):
    arena.change(lambda world: [world.node("one"), world.node("two")])
    for title in ("web", "mail"):
        arena.change(request(title))
        arena.change(destroy(title))
    arena.change(request("first"))
    arena.change(request("second"))
    arena.race(gone("web"), gone("mail"))
    assert None not in arena.read(places).values()
