"""Whatever is wrong with a site is found and named; what is right is not."""

import pytest
from BTrees.OOBTree import OOBTree
from BTrees.OOBTree import OOTreeSet

from slapcore.states import InstanceState
from slapcore.states import ReleaseState
from slapmaster.domain.certificate import Revocation
from slapmaster.domain.certification import issue_certificate
from slapmaster.domain.certification import revoke_all
from slapmaster.domain.check import STRIDE
from slapmaster.domain.check import find_problems
from slapmaster.domain.departure import report_gone
from slapmaster.domain.node import ComputeNode
from slapmaster.domain.registration import change_capacity
from slapmaster.domain.registration import change_offer
from slapmaster.domain.registration import register_node
from slapmaster.domain.room import Turn
from slapmaster.domain.token import Token
from slapmaster.domain.token import TokenPurpose
from tests.factories import DAY
from tests.factories import RELEASE
from tests.factories import START
from tests.factories import World
from tests.factories import make_site

NOWHERE = "http://example.org/nowhere.cfg"


@pytest.fixture
def world():
    """A site where everything there is is there: placed, waiting, shared, departing, revoked."""
    made = World.make()
    made.node("node", partitions=4)
    made.node("full", partitions=1, release="http://example.org/full.cfg")
    made.request("full", release_url="http://example.org/full.cfg")
    web = made.request("web")
    made.request_child(web, "child")
    made.request_child(web, "leaving")
    made.request_child(web, "leaving", state=InstanceState.DESTROYED)
    made.request_child(web, "share", shared=True)
    made.request("waiting", release_url=NOWHERE)
    made.request("gone")
    gone = made.instance("gone")
    made.request("gone", state=InstanceState.DESTROYED)
    report_gone(made.act(), gone)
    issue_certificate(made.act(), made.person)
    act = made.act()
    token = Token(TokenPurpose.NODE, "PERS-1", "PROJ-1", act.now + DAY)
    made.site.tokens.add("0123456789", token, act.now)
    return made


def node_of(world, title="node"):
    return world.site.nodes.find_by("title", ("PROJ-1", title))


def free_of(world):
    node = node_of(world)
    return node[node.free.minKey()]


def share_of(world):
    return next(one for one in world.site.instances if one.shared)


def leaving_of(world):
    return world.instance("leaving")


def lost_count(world):
    world.site.instances.count.change(1)


def wrong_reference(world):
    world.person.reference = "PERS-7"


def unindexed_title(world):
    del world.site.trees.indexes["title"][("PERS-1", "PROJ-1", "web")]


def stale_title(world):
    world.site.trees.indexes["title"][("PERS-1", "PROJ-1", "old")] = world.instance("web").tree


def unindexed_project(world):
    world.site.trees.indexes["project"]["PROJ-1"].remove(world.instance("web").tree.reference)


def stale_project(world):
    world.site.trees.indexes["project"]["PROJ-1"].insert("HOSTSUBS-99")


def lost_project(world):
    world.site.nodes.change(node_of(world), project="PROJ-9")


def free_but_taken(world):
    node_of(world).free.insert(world.instance("web").partition.name)


def taken_but_free(world):
    node_of(world).free.remove(free_of(world).name)


def free_and_not_there(world):
    node_of(world).free.insert("slappart99")


def miscounted_free(world):
    node_of(world).free_count.change(1)


def misnamed_partition(world):
    free_of(world).name = "other"


def misfiled_installation(world):
    node_of(world).installations[RELEASE].url = "http://example.org/other"


def wrong_standing(world):
    node_of(world).standing.supplied = ()


def standing_unlisted(world):
    node_of(world).standing.listed = False


def unlisted_node(world):
    world.site.room.nodes[("PROJ-1", RELEASE)].remove(node_of(world).reference)


def wrongly_listed_node(world):
    world.site.room.nodes[("PROJ-1", RELEASE)].insert(node_of(world, "full").reference)


def unlisted_supply(world):
    world.site.room.supplied[("PROJ-1", RELEASE)].remove(node_of(world).reference)


def wrongly_listed_supply(world):
    world.site.room.supplied[("PROJ-1", RELEASE)].insert("COMP-99")


def withdrawn_behind_the_back(world):
    node_of(world).installations[RELEASE].state = ReleaseState.DESTROYED


def unlisted_host(world):
    world.site.room.hosts[("PROJ-1", "PERS-1", RELEASE, "default")].remove(
        world.instance("web").reference
    )


def wrongly_listed_host(world):
    world.site.room.hosts[("PROJ-1", "PERS-1", RELEASE, "default")].insert("SOFTINST-99")


def given_twice(world):
    free_of(world).instance = world.instance("web")


def lives_nowhere(world):
    world.instance("web").partition.instance = None


def taken_by_what_is_gone(world):
    world.site.instances.remove(world.instance("web"))


def share_elsewhere(world):
    share_of(world).partition = free_of(world)


def share_unlisted(world):
    share_of(world).partition.shared.clear()


def share_gone(world):
    world.site.instances.remove(share_of(world))


def share_without_host(world):
    share_of(world).partition.instance = None


def partition_not_there(world):
    web = world.instance("web")
    del web.partition.node.partitions[web.partition.name]


def partition_of_another_project(world):
    stranger = ComputeNode("COMP-1", "stranger", "PROJ-2")
    world.instance("web").partition.node = stranger


def waits_with_a_place(world):
    world.instance("web").waiting_for = "rain"


def waits_not(world):
    world.site.room.leave(world.instance("waiting"))


def waits_for_something_else(world):
    world.instance("waiting").release_url = RELEASE


def stands_elsewhere(world):
    waiting = world.instance("waiting")
    waiting.turn = Turn(waiting.turn.key, waiting.turn.demands, 5)


def stands_where_no_queue_is(world):
    waiting = world.instance("waiting")
    waiting.turn = Turn(("PROJ-1", "elsewhere"), (), 5)


def what_is_gone_waits(world):
    world.site.instances.remove(world.instance("waiting"))


def mistitled(world):
    world.instance("child").title = "kid"


def keeps_its_title(world):
    web = world.instance("web")
    web.tree.instances["leaving"] = leaving_of(world)


def rootless(world):
    world.instance("web").tree.root = None


def root_of_another_state(world):
    world.instance("web").tree.state = InstanceState.STOPPED


def departs_and_stays(world):
    web = world.instance("web")
    web.tree.departing["SOFTINST-99"] = web


def departs_unlisted(world):
    world.instance("web").tree.departing.clear()


def destroyed_without_a_place(world):
    leaving = leaving_of(world)
    leaving.partition.vacate(now=START)
    world.site.room.settle(node_of(world))
    leaving.partition = None


def tree_gone(world):
    world.site.trees.remove(world.instance("web").tree)


def asked_for_by_nobody(world):
    world.instance("child").requester = None


def asked_for_by_another_tree(world):
    world.instance("child").requester = world.instance("full")


def asked_for_in_a_circle(world):
    child = world.instance("child")
    child.requester = child


def outlives(world):
    world.instance("child").requester = leaving_of(world)


def child_unlisted(world):
    world.instance("web").children.pop(world.instance("child").reference)


def child_of_another(world):
    world.instance("web").children["SOFTINST-99"] = world.instance("full")


def child_destroyed(world):
    world.instance("web").children[leaving_of(world).reference] = leaving_of(world)


def member_unaware(world):
    world.person.projects.clear()


def member_of_nothing(world):
    world.person.projects.insert("PROJ-9")


def token_of_nobody(world):
    world.site.tokens.by_hash["0123456789"].person = "PERS-9"


def token_for_nothing(world):
    world.site.tokens.by_hash["0123456789"].project = "PROJ-9"


def token_without_end(world):
    world.site.tokens.by_end.clear()


def end_without_token(world):
    world.site.tokens.by_end.insert((5, "abcdefghijk"))


def revoked_and_held(world):
    certificates = world.person.certificates
    revoke_all(world.act(), world.person, "left")
    world.person.certificates = certificates


def revocation_without_end(world):
    world.site.revocations["ff"] = Revocation("PERS-1", START, START + DAY, "")


def end_without_revocation(world):
    world.site.revocations_by_end.insert((5, "ff"))


def number_not_reserved(world):
    world.site.sequences.by_prefix["COMP"].next_free = 2


#: what is done to the site -> words that one of the problems is named by
FAULTS = {
    lost_count: "6 of kind instance are there, 7 are counted",
    wrong_reference: "person PERS-7 is listed as PERS-1",
    unindexed_title: "service HOSTSUBS-2 is not indexed by title ('PERS-1', 'PROJ-1', 'web')",
    stale_title: "service HOSTSUBS-2 is wrongly indexed by title ('PERS-1', 'PROJ-1', 'old')",
    unindexed_project: "service HOSTSUBS-2 is not indexed by project 'PROJ-1'",
    stale_project: "service HOSTSUBS-99 is wrongly indexed by project 'PROJ-1'",
    lost_project: "COMP-1 belongs to PROJ-9, which is not there",
    free_but_taken: "of COMP-1 is listed as free and is not",
    taken_but_free: "of COMP-1 is not listed as free and is",
    free_and_not_there: "partition slappart99 of COMP-1 is listed as free and not there",
    miscounted_free: "COMP-1 has 1 free partitions and counts 2",
    misnamed_partition: "of COMP-1 does not know that it is",
    misfiled_installation: "installation SOFTINSTALL-1 on COMP-1 is not of " + RELEASE,
    wrong_standing: f"COMP-1 has ('{RELEASE}',) supplied and stands for ()",
    standing_unlisted: "COMP-1 has room and stands otherwise",
    unlisted_node: f"COMP-1 has room for {RELEASE} and is not listed",
    wrongly_listed_node: "room lists COMP-2 as having room under",
    unlisted_supply: f"COMP-1 has {RELEASE} supplied and is not listed as having it",
    wrongly_listed_supply: "room lists COMP-99 as supplied under",
    withdrawn_behind_the_back: f"COMP-1 has () supplied and stands for ('{RELEASE}',)",
    unlisted_host: "SOFTINST-2 is not listed as host for",
    wrongly_listed_host: "room lists SOFTINST-99 as host under",
    given_twice: "is taken by SOFTINST-2, which lives elsewhere",
    lives_nowhere: "which does not know it",
    taken_by_what_is_gone: "is taken by SOFTINST-2, which is gone",
    share_elsewhere: "wrongly lists the shared instance SOFTINST-5",
    share_unlisted: "which does not list it",
    share_without_host: "has shared instances and no host",
    share_gone: "lists the shared instance SOFTINST-5, which is gone",
    partition_not_there: "of COMP-1, which is not there",
    partition_of_another_project: "of COMP-1, which is of another project",
    waits_with_a_place: "SOFTINST-2 waits for a place that it does not need",
    waits_not: "SOFTINST-6 has no place and does not wait for one",
    waits_for_something_else: "SOFTINST-6 waits for something else than it wants",
    stands_elsewhere: "SOFTINST-6 waits and does not stand in the queue for",
    stands_where_no_queue_is: "SOFTINST-6 stands in the queue for ('PROJ-1', '" + NOWHERE,
    what_is_gone_waits: "SOFTINST-6 stands in the queue for ('PROJ-1', '" + NOWHERE,
    mistitled: "HOSTSUBS-2 wrongly lists SOFTINST-3 as 'child'",
    keeps_its_title: "SOFTINST-4 is destroyed and keeps its title in HOSTSUBS-2",
    rootless: "HOSTSUBS-2 has no root called 'web'",
    root_of_another_state: "HOSTSUBS-2 is stopped and its root is started",
    departs_and_stays: "HOSTSUBS-2 wrongly lists SOFTINST-99 as departing",
    departs_unlisted: "SOFTINST-4 in HOSTSUBS-2 is destroyed and not listed as departing",
    destroyed_without_a_place: "is destroyed, has no partition of its own, and is still there",
    tree_gone: "SOFTINST-2 in HOSTSUBS-2 is wanted, but its tree is gone",
    asked_for_by_nobody: "SOFTINST-3 in HOSTSUBS-2 was asked for by nobody and is not the root",
    asked_for_by_another_tree: "SOFTINST-3 was asked for by SOFTINST-1 of another tree",
    asked_for_in_a_circle: "SOFTINST-3 was asked for in a circle, by way of SOFTINST-3",
    outlives: "SOFTINST-3 outlives SOFTINST-4, which asked for it",
    child_unlisted: "SOFTINST-3 is not listed as asked for by SOFTINST-2",
    child_of_another: "SOFTINST-2 wrongly lists SOFTINST-99 as asked for",
    child_destroyed: "SOFTINST-2 lists SOFTINST-4, which is destroyed, as asked for",
    member_unaware: "PERS-1 is a member of PROJ-1 and does not know it",
    member_of_nothing: "PERS-1 believes to be a member of PROJ-9 and is not",
    token_of_nobody: "the token 01234567… is of PERS-9, who is not there",
    token_for_nothing: "the token 01234567… is for PROJ-9, which is not there",
    token_without_end: "the token 01234567… is not listed by its end",
    end_without_token: "the token abcdefgh… is listed by its end and not there",
    revoked_and_held: "PERS-1 still holds the revoked certificate",
    revocation_without_end: "the revoked certificate ff is not listed by its end",
    end_without_revocation: "the certificate ff is listed by its end and not revoked",
    number_not_reserved: "the number of COMP-2 was never reserved",
}


def test_what_is_right_is_not_named(world):
    assert list(find_problems(world.site)) == []


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_what_is_wrong_is_named(world, fault):
    fault(world)
    problems = list(find_problems(world.site))
    assert [problem for problem in problems if FAULTS[fault] in problem], problems


def test_a_reference_without_a_number_was_never_handed_out(world):
    register_node(world.act(), world.project, "my laptop", reference="laptop")
    assert list(find_problems(world.site)) == []


def test_what_was_walked_can_be_dropped_now_and_then():
    rests = []
    site = make_site(nodes=3, partitions=STRIDE)
    assert list(find_problems(site, lambda: rests.append(1))) == []
    assert len(rests) >= 3


def test_what_a_node_is_listed_as_is_compared():
    world = World.make()
    node = world.node()
    room = world.site.room
    change_offer(world.act(), node, network="", categories={"region": "europe"})
    change_capacity(world.act(), node, 5)
    room.traits[("PROJ-1", "region", "asia")] = OOTreeSet(["COMP-1"])
    del room.traits[("PROJ-1", "region", "europe")]
    room.states[("PROJ-1", "full")] = OOTreeSet(["COMP-1"])
    del room.states[("PROJ-1", "room")]
    node.standing.load = 4
    assert sorted(find_problems(world.site)) == [
        "COMP-1 carries 0 and counts 4",
        "COMP-1 is not listed under ('region', 'europe')",
        "COMP-1 is room and is not listed as that",
        "room lists COMP-1 as being in the state ('PROJ-1', 'full'): wrongly",
        "room lists COMP-1 under ('PROJ-1', 'region', 'asia'): wrongly",
    ]


def test_who_waits_for_others_of_a_tree_is_known_there():
    world = World.make()
    web = world.request(demands={"mode": "unique_by_node"})
    other = world.request("other", release_url="http://example.org/none.cfg")
    del web.tree.expecting[web.reference]
    other.tree.expecting = OOBTree({other.reference: other})
    assert sorted(find_problems(world.site)) == [
        "HOSTSUBS-2 wrongly lists SOFTINST-2 as waiting for others of it",
        "SOFTINST-1 waits for others of its tree, which does not know",
    ]
