"""Allocation supplies: without any all is allowed, with the first only what one of them says."""

import pytest

from slapcore.errors import Conflict
from slapcore.errors import InvalidValue
from slapcore.errors import NotFound
from slapcore.states import ReleaseState
from slapmaster.control.catalog import add_product
from slapmaster.control.catalog import add_release
from slapmaster.domain.check import find_problems
from slapmaster.domain.hosting import may_share
from slapmaster.domain.installation import supply
from slapmaster.domain.project import Role
from slapmaster.domain.provision import Offer
from slapmaster.domain.provision import declare_category
from slapmaster.domain.provision import offer_host
from slapmaster.domain.provision import read_cells
from slapmaster.domain.provision import remove_allocation_supply
from slapmaster.domain.provision import set_allocation_supply
from slapmaster.domain.provision import weigh
from slapmaster.domain.provision import withdraw_host
from slapmaster.domain.registration import change_capacity
from tests.factories import RELEASE
from tests.factories import World
from tests.factories import make_node
from tests.factories import make_person
from tests.factories import make_project

OTHER = "http://example.org/other.cfg"
EVERYWHERE = Offer(nodes=("every",))


@pytest.fixture
def world():
    made = World.make()
    yield made
    assert list(find_problems(made.site)) == []


@pytest.fixture
def product(world):
    reference = add_product(world.act(), "hello", None)["reference"]
    add_release(world.act(), reference, RELEASE, None, None)
    return reference


def allow(world, title="public", **offer):
    return set_allocation_supply(world.act(), world.project, title, Offer(**offer))


def beside(world, name="eve"):
    """Give the world as another member sees it."""
    return World(world.act, world.project, make_person(world.act(), name, world.project))


def test_with_a_supply_only_its_nodes_are_used(world):
    one, two = world.node("one", partitions=2), world.node("two", partitions=9)
    allow(world, nodes=(one.reference,))
    assert world.request("a").partition.node is world.request("b").partition.node is one
    third = world.request("c")
    not_allowed = "1: no allocation supply allows this release and type (as COMP-2)"
    assert not_allowed in third.waiting_for
    assert allow(world, nodes=(one.reference, two.reference)).nodes == ("COMP-1", "COMP-2")
    assert third.partition.node is two


def test_a_supply_may_be_for_one_person(world):
    world.node(partitions=5)
    eve = beside(world)
    vip = allow(world, "vip", person=eve.person.reference, nodes=("every",))
    assert eve.request("hers").partition is not None
    mine = world.request("mine")
    assert mine.partition is None
    remove_allocation_supply(world.act(), vip)
    assert mine.partition is not None
    assert world.project.supplies == ()


@pytest.mark.parametrize(
    ("cell", "allowed"),
    [
        (("*", "*", "*"), True),
        (("SOFTPROD-1", "*", "*"), True),
        (("SOFTPROD-1", "default", RELEASE), True),
        (("*", "big", "*"), False),
        (("SOFTPROD-2", "*", "*"), False),
        (("*", "*", OTHER), False),
    ],
)
def test_a_supply_may_name_product_type_and_release(world, product, cell, allowed):
    add_product(world.act(), "other", None)
    world.node()
    allow(world, nodes=("every",), cells=read_cells([cell]))
    assert (world.request().partition is not None) is allowed


def test_a_release_that_becomes_one_of_the_product_is_let_in(world, product):
    node = world.node(partitions=2)
    supply(world.act(), node, OTHER, ReleaseState.AVAILABLE)
    allow(world, nodes=("every",), cells=read_cells([(product, "", "")]))
    other = world.request("other", release_url=OTHER)
    assert other.partition is None
    add_release(world.act(), product, OTHER, None, None)
    assert other.partition is not None


def test_saying_the_same_again_changes_nothing(world):
    world.node()
    first = allow(world, nodes=("every",))
    events = len(list(world.site.journal.since(0)))
    assert allow(world, nodes=("every",)) is first
    assert len(list(world.site.journal.since(0))) == events


def test_who_waits_longest_is_let_in_first(world):
    node = world.node(partitions=1)
    closed = allow(world, nodes=())
    first, second = world.request("first"), world.request("second")
    allow(world, "open", nodes=(node.reference,))
    assert (first.partition is None, second.partition is None) == (False, True)
    remove_allocation_supply(world.act(), closed)


def test_an_offered_host_is_shared_whatever_its_release(world):
    world.node(partitions=3)
    host = world.request("host")
    offered = offer_host(world.act(), world.project, "db", host)
    eve = beside(world)
    share = eve.request("share", release_url=OTHER, software_type="table", shared=True)
    assert share.partition is None
    allow(world, nodes=("every",), hosts=(offered.reference,))
    assert share.host is host
    demanded = {"instance": host.reference}
    assert eve.request("another", shared=True, demands=demanded).host is host
    withdraw_host(world.act(), offered)
    assert share.host is host
    assert eve.request("late", shared=True).host is None


def test_a_host_that_is_placed_late_takes_those_who_wait_for_it(world):
    host = world.request("host")
    offered = offer_host(world.act(), world.project, "db", host)
    allow(world, nodes=("every",), hosts=(offered.reference,))
    share = beside(world).request("share", release_url=OTHER, shared=True)
    assert share.partition is None
    world.node()
    assert share.host is host


@pytest.mark.parametrize("same_tree", [True, False])
def test_a_supply_says_whether_the_own_tree_is_shared(world, same_tree):
    world.node(partitions=3)
    allow(world, nodes=("every",), same_tree=same_tree)
    root, other = world.request("root"), world.request("other")
    share = world.request_child(root, "share", shared=True)
    assert share.host is (root if same_tree else None)
    assert list(other.partition.shared_instances()) == []


def test_what_is_not_of_the_project_can_not_be_offered(world, product):
    stranger = make_project(world.act(), "else")
    node = make_node(world.act(), stranger, "elsewhere")
    theirs = add_product(world.act(), "theirs", stranger.reference)["reference"]
    world.node()
    host = world.request("host")
    for offer in (
        Offer(nodes=(node.reference,)),
        Offer(nodes=("COMP-99",)),
        Offer(hosts=("SHARED-9",)),
        Offer(person="PERS-99"),
        Offer(cells=read_cells([(theirs, "", "")])),
        Offer(cells=read_cells([(product, "", OTHER)])),
    ):
        with pytest.raises(NotFound):
            set_allocation_supply(world.act(), world.project, "wrong", offer)
    with pytest.raises(NotFound):
        offer_host(world.act(), stranger, "host", host)
    shared = offer_host(world.act(), world.project, "host", host)
    with pytest.raises(Conflict):
        offer_host(world.act(), world.project, "again", host)
    with pytest.raises(NotFound):
        set_allocation_supply(world.act(), stranger, "wrong", Offer(hosts=(shared.reference,)))
    assert world.project.supplies == ()


def test_too_many_cells_are_refused(world):
    cells = read_cells([("", f"type{number}", "") for number in range(1_001)])
    with pytest.raises(InvalidValue, match="1001 cells; 1000 are allowed"):
        set_allocation_supply(world.act(), world.project, "wide", Offer(cells=cells))


def test_a_type_weighs_what_is_said_and_waits_until_it_can_be_carried(world, product):
    node = world.node(partitions=10)
    change_capacity(world.act(), node, 6)
    assert weigh(world.act(), world.project, (product, "big", 4))
    assert not weigh(world.act(), world.project, (product, "big", 4))
    world.request("big", software_type="big")
    other = world.request("other", software_type="big")
    why = "1: no room for what takes 4 of its capacity (as COMP-1)"
    assert other.waiting_for == f"no place on 1 nodes: {why}"
    assert world.request("small").partition is not None
    assert node.standing.load == 5
    weigh(world.act(), world.project, (product, "big", 1))
    assert other.partition is not None
    for weight in (0, 10_000_000):
        with pytest.raises(InvalidValue, match="can't take"):
            weigh(world.act(), world.project, (product, "big", weight))


def test_a_declared_value_can_be_waited_for(world):
    assert declare_category(world.act(), world.project, "region", "mars/north")
    assert not declare_category(world.act(), world.project, "region", "mars/north")
    assert world.request(demands={"region": "mars"}).partition is None
    with pytest.raises(InvalidValue, match="category 'regio'; did you mean 'region'"):
        declare_category(world.act(), world.project, "regio", "mars")


def test_a_manager_may_be_who_a_supply_is_for(world):
    eve = beside(world)
    world.project.give_role(eve.person, Role.MANAGER)
    assert allow(world, person=eve.person.reference).person == eve.person.reference


def test_hosts_of_another_project_or_kind_are_not_shared(world):
    other = make_project(world.act(), "else")
    world.person.projects.insert(other.reference)
    other.members[world.person.reference] = Role.CUSTOMER
    elsewhere = World(world.act, other, world.person)
    make_node(world.act(), other, "there", partitions=3)
    host = elsewhere.request("host")
    world.node(partitions=3)
    own = world.request("own", software_type="other")
    demands = {"instance": own.reference}
    share = world.request("share", shared=True, demands=demands)
    assert share.partition is None
    assert share.waiting_for.startswith("no instance of")
    assert not may_share(world.site, host, share)
    right = world.request("right")
    asked = world.request("share", shared=True, demands=demands)
    why = f"1: not {own.reference} (as {right.reference})"
    assert asked.waiting_for == f"no place on 1 hosts: {why}"


def test_open_hosts_are_shared_beside_the_offered_ones(world):
    world.project.open_hosts = True
    world.node(partitions=3)
    host = world.request("host")
    allow(world, nodes=("every",))
    assert beside(world).request("share", shared=True).host is host


def test_a_demanded_host_that_is_not_offered_is_not_taken(world):
    world.node(partitions=3)
    host = world.request("host")
    share = world.request("early", shared=True)
    allow(world, nodes=("every",), same_tree=True)
    late = world.request("late", shared=True, demands={"instance": host.reference})
    assert (share.host, late.host) == (host, None)
