"""Nodes are cordoned, drained, silent and lost; instances move; quotas are kept."""

import time

import pytest

from slapmaster.api.pace import Pace
from slapmaster.control.operation import Asked
from slapmaster.control.operation import act_once
from slapmaster.control.operation import run
from slapmaster.control.table import OPERATIONS
from slapmaster.daemon import watch_nodes
from slapmaster.directory import make_keys
from slapmaster.directory import make_private_directory
from slapmaster.domain.closure import tend_nodes
from slapmaster.domain.project import Role
from slapmaster.domain.quota import set_quota
from slapmaster.domain.request import request_service
from slapmaster.master import opened_master
from slapmaster.settings import Settings
from slapmaster.storage import now_in_microseconds
from tests.driver import RELEASE
from tests.factories import make_node
from tests.factories import wanted
from tests.json_calls import post


@pytest.fixture
def person(master):
    return master.add_person("owner")


@pytest.fixture
def project(master, person):
    return master.add_project("mine", person)


@pytest.fixture
def node(master, person, project):
    node = master.add_node(project, "n", partitions=3)
    person.supply(node)
    return node


@pytest.fixture
def spare(master, person, project, node):
    spare = master.add_node(project, "spare", partitions=3)
    person.supply(spare)
    return spare


def guid(node):
    return {"computer_guid": node.reference}


def manage(asker, what, node, **said):
    return post(asker, f"put.WIP.compute_node_{what}", {**guid(node), **said}).json


def see(asker, node):
    return post(asker, "get.WIP.compute_node", guid(node)).json


def test_a_cordoned_node_takes_nothing_and_its_requester_is_told(person, node):
    person.request("web")
    manage(person, "cordon", node, reason="a new disk")
    assert "closed" in person.ask("mail", status=408)
    shown = see(person, node)
    assert (shown["allocation_scope"], shown["reason"]) == ("close/noallocation", "a new disk")
    assert shown["closure"]["by"] == person.reference
    assert [row["title"] for row in shown["instance_list"]] == ["web"]
    manage(person, "uncordon", node)
    assert person.request("mail").attributes["slap_computer_id"] == node.reference


def test_a_drained_node_is_emptied_and_its_report_frees_the_old_places(person, node):
    person.request("web")
    place = node.place_of("web")
    told = manage(person, "drain", node, reason="it is slow", move=True)
    assert "no other place" in told["result_list"][0]["message"]
    assert node.partition(place["computer_partition_id"])["_requested_state"] == "started"


def test_a_moved_instance_is_told_to_go_from_the_old_node_and_to_come_to_the_new(
    person, node, spare
):
    guid_of_web = {"instance_guid": person.request("web").attributes["_instance_guid"]}
    here, there = (
        (node, spare)
        if person.request("web").attributes["slap_computer_id"] == node.reference
        else (spare, node)
    )
    plan = post(person, "get.WIP.software_instance_move_plan", guid_of_web).json
    assert (plan["possible"], plan["computer_guid"]) == (True, there.reference)
    old = here.told("web")["_partition_id"]
    moved = post(person, "put.WIP.software_instance_move", guid_of_web).json
    assert moved["computer_guid"] == there.reference
    assert moved["instance_guid"] == guid_of_web["instance_guid"]
    assert here.partition(old)["_requested_state"] == "destroyed"
    assert there.told("web")["_requested_state"] == "started"
    here.post("stoppedComputerPartition", here.at(old))
    assert here.post("destroyedComputerPartition", here.at(old)).body == b"None"
    assert "_instance_guid" not in here.partition(old)


def test_the_old_certificate_of_a_moved_instance_is_believed_no_more(
    master, person, node, spare
):
    person.request("web", demands={"computer_guid": node.reference})
    web = master.instance(node, "web")
    person.request("web")
    post(person, "put.WIP.software_instance_move", {"instance_guid": web.reference})
    refused = web.get("getComputerPartitionStatus", web.place, status=401)
    assert "moved to another node" in refused
    master.instance(spare, "web").request("child")


def test_what_can_not_move_is_refused_and_stays(master, person, node):
    web = {"instance_guid": person.request("web").attributes["_instance_guid"]}
    with master.writing_nothing():
        refused = post(person, "put.WIP.software_instance_move", web, status=409).json
    assert refused["type"] == "SOFTWARE-INSTANCE-CAN-NOT-MOVE"
    assert node.told("web")


def test_only_who_runs_the_project_closes_its_nodes(master, person, project, node):
    customer = master.add_person("customer")
    master.give_role(project, customer, Role.CUSTOMER)
    said = {**guid(node), "reason": "mine"}
    for asker in (customer, node, master.add_person("stranger")):
        post(asker, "put.WIP.compute_node_cordon", said, status=403)
        post(asker, "put.WIP.compute_node_uncordon", guid(node), status=403)
    assert see(person, node)["closure"] is None


def test_a_time_that_is_none_or_over_is_refused(person, node):
    for until in ("soon", "2001-01-01"):
        said = {**guid(node), "reason": "x", "until": until}
        post(person, "put.WIP.compute_node_cordon", said, status=400)


def test_a_silent_node_that_is_heard_again_takes_instances_again(master, person, node):
    node.see()
    master.change(lambda act: tend_nodes(act, [node.reference], 60))
    person.ask("web", status=408)
    assert see(person, node)["allocation_scope"] == "close/outdated"
    node.see()
    assert person.request("web").attributes["slap_computer_id"] == node.reference
    with master.writing_nothing():
        node.see()


def test_the_nodes_of_a_project_are_listed_with_when_they_were_heard(person, node, spare):
    node.see()
    rows = post(person, "allDocs.WIP.compute_node_summary_list", {}).json["result_list"]
    assert [bool(row["last_contact"]) for row in rows] == [True, False]


# Quotas


def test_what_is_over_the_quota_is_refused_and_nothing_is_stored(master, person, project, node):
    master.change(lambda act: set_quota(act, act.site.projects[project], {"instances": 1}))
    person.request("web")
    with master.writing_nothing():
        assert "the quota of project 'mine' is 1 instances" in person.ask("mail", status=403)
        wish = {"title": "mail", "software_release_uri": RELEASE, "software_type": "default"}
        refused = post(person, "post.v0.software_instance", wish, status=403).json
    assert refused["type"] == "QUOTA-EXCEEDED"
    person.request("web", parameters={"a": "b"})


def test_who_requests_too_fast_is_told_to_wait(master, person, node):
    master.change(
        lambda act: set_quota(act, act.site.persons[person.reference], {"requests": 1})
    )
    answers = [person.ask("web", status="*") for _ in range(4)]
    assert [answer.status_int for answer in answers] == [200, 200, 429, 429]
    assert "1 instances a second" in answers[-1] and answers[-1].headers["Retry-After"]
    wish = {"title": "web", "software_release_uri": RELEASE, "software_type": "default"}
    assert post(person, "post.v0.software_instance", wish, status=429).json["type"] == (
        "TOO-MANY-REQUESTS"
    )
    node.see()


def test_an_instance_s_requests_count_as_its_owner_s(master, person, node):
    person.request("web")
    web = master.instance(node, "web")
    master.change(
        lambda act: set_quota(act, act.site.persons[person.reference], {"requests": 1})
    )
    statuses = [web.ask("child", status="*").status_int for _ in range(3)]
    assert statuses == [200, 200, 429]


def test_a_bucket_fills_again():
    pace = Pace()
    assert [pace.spend("PERS-1", 20) for _ in range(41)].count(True) == 40
    time.sleep(0.1)
    assert pace.spend("PERS-1", 20)


# The background pass and the operators' commands


@pytest.fixture
def opened(tmp_path):
    settings = Settings(data_directory=tmp_path / "data", node_outdated_seconds=1)
    make_private_directory(settings.data_directory)
    make_keys(settings)
    with opened_master(settings, block=1) as master:
        ask(master, "site.begin", name="ada", email="ada@example.com", project="main")
        asked = Asked(name="fill", arguments={}, by="test")
        act_once(master, asked, fill)
        yield master


def fill(act):
    project = next(iter(act.site.projects))
    person = next(iter(act.site.persons))
    make_node(act, project, "one", partitions=2)
    request_service(act, person, project, wanted("web"))
    make_node(act, project, "two", partitions=2)


def ask(master, name, /, **arguments):
    *_, last = run(OPERATIONS, master, Asked(name=name, arguments=arguments, by="test"))
    return last["answer"]


def test_the_background_pass_closes_who_is_silent_while_the_server_runs(opened):
    node = ask(opened, "node.list")[0]["reference"]
    now = now_in_microseconds()
    opened.parts.store.pulse.beat(node, now - 10_000_000)
    watch_nodes(opened, begun=now)
    assert ask(opened, "node.show", node=node)["scope"] == "open"
    watch_nodes(opened, begun=now - 20_000_000)
    shown = ask(opened, "node.show", node=node)
    assert (shown["scope"], shown["closed"]["by"]) == ("close/outdated", "master")
    assert shown["heard"]


def test_operators_cordon_drain_and_open_nodes(opened):
    for name, more in (("cordon", {}), ("drain", {"move": True})):
        ask(opened, f"node.{name}", node="one", reason="a disk", until=None, **more)
        assert ask(opened, "node.show", node="one")["reason"] == "a disk"
    assert ask(opened, "instance.show", instance="SOFTINST-1")["node"] == "COMP-2"
    assert ask(opened, "node.uncordon", node="one")["changed"]
    until = "2999-01-01"
    ask(opened, "node.cordon", node="one", reason="long", until=until)
    assert ask(opened, "node.show", node="one")["closed"]["until"].startswith(until)


def test_an_operator_plans_a_move_and_makes_it(opened):
    plan = ask(opened, "instance.plan_move", instance="web")
    moved = ask(opened, "instance.move", instance="web")
    assert plan["node"] == moved["node"] == "COMP-2"


def test_an_operator_declares_a_node_lost(opened):
    (left,) = ask(opened, "node.lost", node="one", reason="fire")
    assert left["node"] == "COMP-2"
    assert ask(opened, "node.show", node="one")["scope"] == "close/forever"


def test_operators_set_and_list_quotas(opened):
    assert ask(opened, "quota.list") == []
    person = ask(opened, "quota.person", who="ada", instances=3, partitions=None, requests=None)
    assert (person["instances"], person["has_instances"]) == (3, 1)
    ask(opened, "quota.project", who="main", instances=None, partitions=7, requests=None)
    assert [row["partitions"] for row in ask(opened, "quota.list")] == [0, 7]
