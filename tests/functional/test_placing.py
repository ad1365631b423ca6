"""Placing at the door: demands, policies that fail, plans, what a waiting instance is told."""

import pytest

from slapmaster import hookimpl
from slapmaster.domain.registration import change_offer
from slapmaster.plugin import find_plugins
from tests.driver import RELEASE
from tests.json_calls import post

PLAN = "get.WIP.instance_plan"
WISH = {"title": "web", "software_release_uri": RELEASE, "software_type": "default"}


def call(asker, name, said, **how):
    return post(asker, name, said, **how).json


class Broken:
    @hookimpl
    def slapmaster_choose_place(self, candidates):
        raise ValueError("the moon is full")


@pytest.fixture
def plugins():
    manager = find_plugins()
    manager.register(Broken(), "broken")
    return manager


@pytest.fixture
def master(make_master, plugins):
    return make_master(in_memory=True, plugins=plugins)


@pytest.fixture
def person(master):
    return master.add_person("owner")


@pytest.fixture
def project(master, person):
    return master.add_project("mine", person)


@pytest.fixture
def nodes(master, person, project):
    made = [master.add_node(project, f"n{number}", partitions=3) for number in range(3)]
    for node in made:
        person.supply(node)
    return made


def node_of(document):
    return document.attributes["slap_computer_id"]


def describe(master, node, **categories):
    def operation(act):
        found = act.site.nodes[node.reference]
        change_offer(act, found, network=found.network, categories=categories)

    master.change(operation)


def test_a_region_is_where_it_is_part_of(master, person, nodes):
    describe(master, nodes[1], region="europe/france")
    for region in ("europe", "europe/france"):
        got = person.request(region, demands={"region": region})
        assert node_of(got) == nodes[1].reference
    refused = person.ask("web", demands={"region": "europe/frence"}, status=400)
    assert refused.text.endswith("'europe/frence'; did you mean 'europe/france'?")


def test_children_are_kept_apart_and_said_why_not(master, person, nodes):
    person.request("web", demands={"computer_guid": nodes[0].reference})
    root = master.instance(nodes[0], "web")
    apart = {"mode": "unique_by_node"}
    got = [node_of(root.request(f"db{number}", demands=apart)) for number in range(2)]
    assert {*got, nodes[0].reference} == {node.reference for node in nodes}
    refused = root.ask("db2", demands=apart, status=408)
    there = "3: another instance of the tree is there (as COMP-1)"
    assert refused.text == f"no place on 3 nodes: {there}"
    near = root.request("near", demands={"affinity": "db0"})
    assert node_of(near) == got[0]


def test_a_policy_that_fails_fails_its_request_and_nothing_else(master, person, nodes):
    person.request("first")  # reserves numbers
    with master.writing_nothing():
        refused = person.ask("web", demands={"policy": "broken"}, status=503)
    assert refused.text == "the allocation policy 'broken' failed: ValueError: the moon is full"
    assert person.request("web", demands={"policy": "pack"})
    refused = call(
        person, "post.v0.software_instance",
        {**WISH, "title": "other", "sla_parameters": {"policy": "broken"}}, status=503,
    )  # fmt: skip
    assert refused["type"] == "ALLOCATION-POLICY-FAILED"


def test_a_plan_says_where_and_stores_nothing(master, person, nodes):
    describe(master, nodes[2], region="asia")
    with master.writing_nothing():
        plan = call(person, PLAN, {**WISH, "sla_parameters": {"region": "asia"}})
    assert plan["computer_guid"] == nodes[2].reference
    assert plan["compute_partition_id"].startswith("slappart")
    assert (plan["policy"], plan["is_there"]) == ("spread", False)
    without = {"count": 2, "why": "without region asia", "example": nodes[0].reference}
    assert plan["reason_list"] == [without]
    assert plan["message"].startswith("it would live in slappart")
    assert master.look(lambda site: len(site.instances)) == 0


def test_a_plan_says_all_reasons_why_not(master, person, project, nodes):
    nodes.append(master.add_node(project, "bare", partitions=1))
    wish = {**WISH, "sla_parameters": {"capability": "gpu"}}
    plan = call(person, PLAN, wish)
    assert plan["computer_guid"] == plan["compute_partition_id"] == ""
    assert plan["reason_list"] == [
        {"count": 4, "why": "without capability gpu", "example": nodes[0].reference}
    ]
    other = call(person, PLAN, {**WISH, "software_release_uri": "https://example.com/none.cfg"})
    assert other["message"] == "no place on 4 nodes: 4: release not supplied (as COMP-1)"


def test_a_plan_of_what_is_there_is_to_stay(person, nodes):
    got = person.request("web")
    plan = call(person, PLAN, WISH)
    assert (plan["computer_guid"], plan["is_there"]) == (node_of(got), True)


def test_a_plan_of_what_waits_and_of_a_child(master, person, nodes):
    person.ask("web", demands={"capability": "gpu"}, status=408)
    assert call(person, PLAN, WISH)["computer_guid"]
    got = person.request("root")
    place = next(node for node in nodes if node.reference == node_of(got))
    root = master.instance(place, "root")
    child = {**WISH, "title": "child", "sla_parameters": {"anti_affinity": "root"}}
    assert call(root, PLAN, child)["computer_guid"] not in ("", place.reference)


def test_a_plan_by_an_instance_for_what_it_has(master, person, nodes):
    got = person.request("root")
    root = master.instance(next(n for n in nodes if n.reference == node_of(got)), "root")
    child = root.request("child")
    assert call(root, PLAN, {**WISH, "title": "child"})["computer_guid"] == node_of(child)
    refused = call(root, PLAN, {**WISH, "title": "child", "shared": True}, status=409)
    assert refused["type"] == "CONFLICT"


def test_a_plan_for_a_share_names_its_host(person, nodes):
    wish = {**WISH, "title": "share", "shared": True}
    assert "can host this shared instance yet" in call(person, PLAN, wish)["message"]
    host = person.request("host")
    plan = call(person, PLAN, wish)
    assert plan["computer_guid"] == node_of(host)
    assert plan["policy"] == ""
    elsewhere = {**wish, "sla_parameters": {"computer_guid": other_than(host, nodes)}}
    refused = call(person, PLAN, elsewhere)
    assert refused["message"].startswith("no place on 1 hosts: 1: not on a node that is demanded")


def other_than(document, nodes):
    return next(node.reference for node in nodes if node.reference != node_of(document))


@pytest.mark.parametrize(
    "demands", [{"compter_guid": "x"}, {"policy": "x"}, {"region": "nowhere"}, {"mode": "alone"}]
)
def test_a_plan_refuses_what_the_request_would_be_refused(master, person, nodes, demands):
    with master.writing_nothing():
        refused = call(person, PLAN, {**WISH, "sla_parameters": demands}, status=400)
    assert refused["type"] == "INVALID-VALUE"


def test_a_node_of_another_project_is_not_known(master, person, nodes):
    stranger = master.add_person("stranger")
    other = master.add_node(master.add_project("other", stranger), "theirs", partitions=1)
    theirs = person.ask("web", demands={"computer_guid": other.reference}, status=400).text
    unknown = person.ask("web", demands={"computer_guid": "COMP-99"}, status=400).text
    assert theirs.replace(other.reference, "COMP-99") == unknown


def test_a_node_with_an_error_takes_nothing_until_it_asks_again(person, nodes):
    node = nodes[0]
    node.post("computerBang", {"computer_id": node.reference, "message": "disk"})
    demands = {"computer_guid": node.reference}
    refused = person.ask("web", demands=demands, status=408).text
    assert refused.endswith("1: reports an error (as COMP-1)")
    node.get("getFullComputerInformation", {"computer_id": node.reference})
    assert node_of(person.request("web", demands=demands)) == node.reference


def test_backups_outlive_their_instance(person, nodes):
    got = person.request("backup", software_type="pull-backup")
    assert got.attributes["_filter_dict"] == {"retention_delay": "7.0"}
    said = {"retention_delay": "2"}
    got = person.request("backup", software_type="pull-backup", demands=said)
    assert got.attributes["_filter_dict"] == said
