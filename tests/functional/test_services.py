"""A service changed by its owner, one word at a time, by JSON-RPC."""

import pytest

from slapmaster.domain.project import Role
from tests.driver import RELEASE
from tests.json_calls import post

METHOD = "put.WIP.instance_tree"
NEW = "https://example.com/new.cfg"


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
    person.request("web", parameters={"a": "b"}, demands={"computer_guid": node.reference})
    return node


def change(asker, **said):
    return post(asker, METHOD, {"title": "web", **said}).json


def test_what_is_not_said_stays_as_it_is(node, person):
    before = change(person)
    stopped = change(person, state="stopped")
    moving = ("state", "processing_timestamp")
    assert stopped["state"] == "stopped"
    assert {**stopped, **{key: before[key] for key in moving}} == before
    changed = change(person, parameters={"n": 1}, software_type="other", software_release_uri=NEW)
    assert (changed["state"], changed["parameters"]) == ("stopped", {"n": "1"})
    assert (changed["software_type"], changed["software_release_uri"]) == ("other", NEW)
    assert changed["sla_parameters"] == {"computer_guid": node.reference}
    assert change(person, sla_parameters={})["sla_parameters"] == {}


def test_to_say_nothing_new_stores_nothing(master, node, person):
    with master.writing_nothing():
        change(person)
        change(person, state="started", new_title="web", parameters={"a": "b"})


def test_a_service_gets_another_title_and_its_old_one_is_free(node, person):
    guid = change(person, new_title="shop")["instance_guid"]
    assert post(person, "get.v0.instance_tree", {"title": "shop"}).json["instance_guid"] == guid
    assert post(person, METHOD, {"title": "web"}, status=403).json["type"].endswith("NOT-FOUND")
    person.request("web")
    assert post(person, METHOD, {"title": "web", "new_title": "shop"}, status=409)


def test_a_service_is_destroyed_with_all_it_asked_for(master, node, person):
    master.instance(node, "web").request("child")
    assert change(person, state="destroyed")["state"] == "destroyed"
    assert node.told("child")["_requested_state"] == "destroyed"


def test_what_can_t_be_is_refused_and_stores_nothing(master, node, person):
    with master.writing_nothing():
        for said in (
            {"state": "flying"},
            {"new_title": " "},
            {"sla_parameters": {"regoin": "x"}},
            {"new_title": "other", "sla_parameters": {"instance_guid": "SOFTINST-1"}},
            {"colour": "red"},
        ):
            post(person, METHOD, {"title": "web", **said}, status=400)


def test_only_its_owner_changes_a_service(master, node, person, project):
    other = master.add_person("other")
    master.give_role(project, other, Role.MANAGER)
    speaker, second = master.instance(node, "web"), master.add_node(project, "n2")
    with master.writing_nothing():
        for asker in (other, second):
            assert post(asker, METHOD, {"title": "web"}, status=403).json["type"] == (
                "INSTANCE-TREE-NOT-FOUND"
            )
        assert post(speaker, METHOD, {"title": "web"}, status=403).json["type"] == "FORBIDDEN"


def test_the_same_title_in_two_projects_is_told_apart_by_the_project(master, node, person):
    second = master.add_project("second", person)
    wish = {"title": "web", "software_release_uri": RELEASE, "software_type": "default"}
    post(person, "post.v0.software_instance", {**wish, "sla_parameters": {"project_guid": second}})
    assert "in each of" in post(person, METHOD, {"title": "web"}, status=400).json["title"]
    assert change(person, project_guid=second, state="stopped")["computer_guid"] == ""
    assert node.told("web")["_requested_state"] == "started"
