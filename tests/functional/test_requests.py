"""Asking for instances: by persons, by instances; places, changes, states, ends."""

import pytest

from slapcore.protocol import marshal
from slapmaster.domain.project import Role
from tests.driver import RELEASE
from tests.driver import describe_node
from tests.driver import ipv4_of
from tests.driver import marshalled
from tests.driver import wish

OTHER_RELEASE = "https://example.com/other.cfg"


@pytest.fixture
def person(master):
    return master.add_person("owner")


@pytest.fixture
def project(master, person):
    return master.add_project("mine", person)


@pytest.fixture
def node(master, project, person):
    node = master.add_node(project, "n", partitions=4)
    person.supply(node)
    return node


def place_of(document):
    return document.attributes["slap_computer_partition_id"]


def test_a_request_is_answered_with_the_place_and_all_that_was_asked(person, node):
    got = person.request(
        "web", parameters={"a": "é"}, software_type="big", demands={"computer_guid": node.reference}
    )
    timestamp = got.attributes["timestamp"]
    assert isinstance(timestamp, int)
    place = place_of(got)
    number = int(place.removeprefix("slappart"))
    tap = f"slaptap{number}"
    addresses = [(tap, ipv4_of(number)), (tap, f"2001:db8::{number + 1}")]
    assert got == marshal.Document(
        "SoftwareInstance",
        (),
        {
            "_connection_dict": {},
            "_filter_dict": {"computer_guid": node.reference},
            "_instance_guid": "SOFTINST-1",
            "_parameter_dict": {"a": "é"},
            "_requested_state": "started",
            "full_ip_list": [],
            "instance_title": "web",
            "ip_list": addresses,
            "root_instance_short_title": "",
            "root_instance_title": "web",
            "slap_computer_id": node.reference,
            "slap_computer_partition_id": place,
            "slap_software_release_url": RELEASE,
            "slap_software_type": "big",
            "slave_instance_list": [],
            "timestamp": timestamp,
        },
    )


def test_asking_twice_changes_nothing(master, person, node):
    first = person.ask("web", parameters={"a": "b"})
    with master.writing_nothing():
        assert person.ask("web", parameters={"a": "b"}).body == first.body


def test_not_ready_says_why_and_the_request_is_kept(master, person, project):
    reason = person.ask("web", status=408)
    assert reason.text == f"there is no node in {project} yet"
    assert reason.headers["Cache-Control"] == "private"
    assert reason.status == f"408 {reason.text}"
    with master.writing_nothing():
        person.ask("web", status=408)
    node = master.add_node(project, "n", partitions=1)
    person.supply(node)
    assert node.told("web")
    assert "no free partition" in person.ask("second", status=408).text


def test_what_waits_is_placed_when_a_partition_becomes_free_the_oldest_first(
    master, person, project
):
    node = master.add_node(project, "n", partitions=1)
    person.supply(node)
    person.request("first")
    person.ask("second", status=408)
    person.ask("third", status=408)
    person.ask("first", state="destroyed")
    person.ask("second", status=408)
    node.post("destroyedComputerPartition", node.place_of("first"))
    assert place_of(person.request("second")) == "slappart0"
    person.ask("third", status=408)


def test_a_changed_parameter_moves_the_timestamp_which_only_grows(person, node):
    seen = [person.request("web", parameters={"n": str(n)}).attributes for n in range(5)]
    stamps = [one["timestamp"] for one in seen]
    assert stamps == sorted(set(stamps))
    assert {one["_instance_guid"] for one in seen} == {"SOFTINST-1"}


def test_values_that_are_no_text_are_kept_as_text(person, node):
    got = person.request("web", parameters={"n": 1, "list": [1, "a"], "none": None, "yes": True})
    assert got.attributes["_parameter_dict"] == {
        "n": "1", "list": '[1, "a"]', "none": "None", "yes": "True",
    }  # fmt: skip


@pytest.mark.parametrize("state", ["started", "stopped"])
def test_the_state_is_told_to_the_node(person, node, state):
    person.request("web", state=state)
    assert node.told("web")["_requested_state"] == state


def test_no_state_means_started(person, node):
    person.request("web", state="stopped")
    assert person.request("web").attributes["_requested_state"] == "started"


def test_the_end_is_ordered_by_the_owner_and_reported_by_the_node(master, person, node):
    person.request("web")
    instance = master.instance(node, "web")
    refused = node.post("destroyedComputerPartition", instance.place)
    assert refused.text == "nobody asked to destroy 'web'"
    assert person.request("web", state="destroyed").attributes["_requested_state"] == "destroyed"
    told = node.told("web")
    assert (told["_requested_state"], told["_need_modification"]) == ("destroyed", 1)
    assert told["_instance_guid"] == "SOFTINST-1"
    node.post("stoppedComputerPartition", instance.place)
    node.post("destroyedComputerPartition", instance.place)
    free = node.partition(instance.place["computer_partition_id"])
    assert (free["_requested_state"], free["_need_modification"]) == ("destroyed", 0)
    assert "_instance_guid" not in free
    refused = instance.ask("child", status=401)
    assert "revoked: instance destroyed" in refused.text


def test_gone_twice_is_answered_with_success(person, node):
    person.request("web")
    person.request("web", state="destroyed")
    place = node.place_of("web")
    node.post("destroyedComputerPartition", place)
    again = node.post("destroyedComputerPartition", place)
    assert f"nothing lives in {place['computer_partition_id']}" in again.text


def test_a_title_can_be_used_again_at_once(person, node):
    person.request("web")
    person.request("web", state="destroyed")
    assert person.request("web").attributes["_instance_guid"] == "SOFTINST-2"


def test_destroying_what_was_never_there_does_nothing(master, person, node):
    with master.writing_nothing():
        answer = person.ask("web", state="destroyed", status=408)
    assert "nothing to destroy" in answer.text


def test_a_service_without_a_place_ends_at_once(person, project):
    person.ask("web", status=408)
    person.ask("web", state="destroyed", status=408)
    assert "nothing to destroy" in person.ask("web", state="destroyed", status=408).text


def test_an_instance_asks_for_children_in_its_own_tree(master, person, node):
    person.request("web")
    instance = master.instance(node, "web")
    child = instance.request("db", parameters={"size": "1"})
    assert child.attributes["root_instance_title"] == "web"
    assert place_of(child) != instance.place["computer_partition_id"]
    with master.writing_nothing():
        instance.request("db", parameters={"size": "1"})
    assert person.request("db").attributes["_instance_guid"] != child.attributes["_instance_guid"]


def test_the_last_requester_has_the_child(master, person, node):
    person.request("web")
    root = master.instance(node, "web")
    root.request("middle")
    root.request("leaf")
    middle = master.instance(node, "middle")
    middle.request("leaf")
    root.request("middle", state="destroyed")
    states = [node.told(title)["_requested_state"] for title in ("web", "middle", "leaf")]
    assert states == ["started", "destroyed", "destroyed"]


def test_instances_can_not_ask_for_one_another_in_a_circle(master, person, node):
    person.request("web")
    root = master.instance(node, "web")
    root.request("middle")
    middle = master.instance(node, "middle")
    with master.writing_nothing():
        refused = middle.ask("web", status=409)
        assert "web -> middle -> web" in refused.text or "web" in refused.text
        root.ask("web", status=409)


def test_stopping_a_service_stops_all_of_it_and_starting_brings_it_back(master, person, node):
    person.request("web")
    master.instance(node, "web").request("db")
    states = {}
    for state in ("stopped", "started"):
        person.request("web", state=state)
        states[state] = {node.told(title)["_requested_state"] for title in ("web", "db")}
    assert states == {"stopped": {"stopped"}, "started": {"started"}}


def test_destroying_a_service_destroys_all_of_it(master, person, node):
    person.request("web")
    master.instance(node, "web").request("db")
    person.request("web", state="destroyed")
    for title in ("web", "db"):
        assert node.told(title)["_requested_state"] == "destroyed"
        node.post("destroyedComputerPartition", node.place_of(title))
    assert master.look(lambda site: len(site.instances)) == 0


def test_a_dying_instance_can_not_ask_for_more(master, person, node):
    person.request("web")
    instance = master.instance(node, "web")
    person.request("web", state="destroyed")
    assert "being destroyed" in instance.ask("child", status=409).text


def test_a_shared_instance_lives_in_its_host_and_is_told_apart(master, person, node):
    person.request("host")
    host = master.instance(node, "host")
    shared = person.request("share", shared=True, parameters={"domain": "é.example"})
    reference = shared.attributes["_instance_guid"]
    assert shared.attributes["_requested_state"] == "started"
    assert place_of(shared) == host.place["computer_partition_id"]
    assert "slave_instance_list" not in shared.attributes
    [seen] = node.told("host")["_parameter_dict"]["slave_instance_list"]
    assert isinstance(seen.pop("timestamp"), int)
    assert seen == {
        "slave_title": "share",
        "slave_reference": reference,
        "slap_software_type": "default",
        "domain": "é.example",
    }
    publish(host, {"url": "http://share"}, reference)
    answer = person.request("share", shared=True, parameters={"domain": "é.example"})
    assert answer.attributes["_connection_dict"] == {"url": "http://share"}
    assert person.request("host").attributes["_connection_dict"] == {}


def publish(instance, connection, shared="None", **how):
    fields = {"connection_xml": marshalled(connection), "slave_reference": shared}
    return instance.post("setComputerPartitionConnectionXml", {**instance.place, **fields}, **how)


def test_a_shared_instance_can_not_pass_for_another(master, person, node):
    person.request("host")
    forged = {"slave_reference": "SOFTINST-1", "slave_title": "x", "timestamp": "0"}
    shared = person.request("share", shared=True, parameters=forged)
    [seen] = node.told("host")["_parameter_dict"]["slave_instance_list"]
    assert seen["slave_reference"] == shared.attributes["_instance_guid"]
    assert seen["slave_title"] == "share"


def test_a_shared_instance_waits_for_a_host_and_says_so(person, node):
    assert "can host this shared instance" in person.ask("share", shared=True, status=408).text
    person.request("host")
    assert person.request("share", shared=True).attributes["slap_computer_partition_id"]


@pytest.mark.parametrize("state", ["stopped", "destroyed"])
def test_a_host_sees_only_the_shared_instances_that_run(person, node, state):
    person.request("host")
    person.request("share", shared=True)
    person.ask("share", shared=True, state=state, status="*")
    assert node.told("host")["_parameter_dict"]["slave_instance_list"] == []


def test_shared_and_not_shared_are_not_mixed_up(master, person, node):
    person.request("web")
    with master.writing_nothing():
        refused = person.ask("web", shared=True, status=409)
    assert "'web' is not a shared instance and stays so" in refused.text


def test_publishing_reaches_whoever_asked_and_moves_their_timestamp(master, person, node):
    person.request("web")
    root = master.instance(node, "web")
    root.request("db")
    child = master.instance(node, "db")
    before = node.told("web")["_parameter_dict"]["timestamp"]
    publish(child, {"url": "http://db"})
    assert root.request("db").attributes["_connection_dict"] == {"url": "http://db"}
    after = node.told("web")["_parameter_dict"]["timestamp"]
    assert after > before
    with master.writing_nothing():
        publish(child, {"url": "http://db"})


def test_a_release_and_a_type_can_be_changed_where_it_lives(person, node):
    person.supply(node, OTHER_RELEASE)
    first = person.request("web").attributes
    second = person.request("web", url=OTHER_RELEASE, software_type="new").attributes
    assert second["slap_software_release_url"] == OTHER_RELEASE
    assert second["slap_software_type"] == "new"
    assert second["slap_computer_partition_id"] == first["slap_computer_partition_id"]
    assert second["timestamp"] > first["timestamp"]


def test_a_demand_for_a_node_is_met_there_or_nowhere(master, person, project, node):
    second = master.add_node(project, "second", partitions=1)
    person.supply(second)
    for reference in (second.reference, node.reference):
        got = person.request(f"on {reference}", demands={"computer_guid": reference})
        assert got.attributes["slap_computer_id"] == reference
    person.ask("web", demands={"computer_guid": second.reference}, status=408)
    reason = person.ask("lost", demands={"computer_guid": "COMP-99"}, status=400).text
    assert reason == f"there is no node 'COMP-99' in {project}"


def test_a_capability_is_asked_for_and_kept_from_others(master, person, project):
    node = master.add_node(project, "n")
    described = describe_node(node.reference, 2)
    described["partition_list"][0]["capability_list"] = ["gpu"]
    node.post("loadComputerConfigurationFromXML", {"xml": marshalled(described)})
    person.supply(node)
    assert place_of(person.request("plain")) == "slappart1"
    person.ask("second", status=408)
    assert place_of(person.request("render", demands={"capability": "gpu"})) == "slappart0"


def test_an_unknown_demand_is_refused_and_the_nearest_one_named(master, person, node):
    with master.writing_nothing():
        refused = person.ask("web", demands={"compter_guid": "x"}, status=400)
    assert "'compter_guid'" in refused.text


def test_who_is_in_one_project_need_not_name_it(master, person, node):
    person.request("web")
    assert master.look(lambda site: next(iter(site.trees)).project) == "PROJ-1"


def test_who_is_in_two_projects_is_understood_by_release_node_or_name(master, person, node):
    other = master.add_project("second", person)
    assert person.request("by release")
    assert person.request("by node", demands={"computer_guid": node.reference})
    reason = person.ask("nowhere", url=OTHER_RELEASE, status=400).text
    assert "PROJ-1, PROJ-" in reason and "project_reference" in reason
    assert f"no node in {other}" in person.ask("named", project=other, status=408).text
    assert person.ask("named", project="PROJ-99", status=404).text == "no project 'PROJ-99'"
    demanded = person.ask("demanded", demands={"project_guid": other}, status=408)
    assert other in demanded.text


def test_who_is_in_no_project_can_not_ask(master, node):
    assert "not a member of any project" in master.add_person("x").ask("web", status=404).text


def test_two_customers_may_use_the_same_title(master, person, project, node):
    customer = master.add_person("customer")
    master.give_role(project, customer, Role.CUSTOMER)
    first, second = person.request("web"), customer.request("web")
    assert first.attributes["_instance_guid"] != second.attributes["_instance_guid"]


def test_a_node_may_not_ask_for_instances(node):
    assert node.ask("web", status=403).text == f"{node.reference} may not do this"


def test_a_new_name_is_seen_everywhere(master, person, node):
    person.request("web")
    root = master.instance(node, "web")
    root.request("db")
    child = master.instance(node, "db")
    rename(root, "site")
    assert node.told("db")["_parameter_dict"]["root_instance_title"] == "site"
    rename(child, "database")
    assert node.told("database")["_instance_guid"] == child.reference
    with master.writing_nothing():
        rename(child, "database")
    assert person.request("site").attributes["_instance_guid"] == root.reference


def rename(instance, title, **how):
    fields = {**instance.place, "new_name": title}
    return instance.post("softwareInstanceRename", fields, **how)


def test_a_name_that_is_taken_is_refused(master, person, node):
    person.request("web")
    person.request("other")
    root = master.instance(node, "web")
    root.request("db")
    child = master.instance(node, "db")
    with master.writing_nothing():
        assert "already" in rename(child, "web", status=409).text
        assert "taken" in rename(root, "other", status=409).text


def test_a_shared_instance_is_renamed_by_its_host(master, person, node):
    person.request("host")
    host = master.instance(node, "host")
    shared = person.request("share", shared=True).attributes["_instance_guid"]
    fields = {**host.place, "new_name": "new", "slave_reference": shared}
    host.post("softwareInstanceRename", fields)
    [seen] = node.told("host")["_parameter_dict"]["slave_instance_list"]
    assert seen["slave_title"] == "new"


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"partition_reference": ""}, "the title is empty"),
        ({"partition_reference": "a\x00b"}, "control character U+0000"),
        ({"partition_reference": "x" * 201}, "201 characters; 200 are allowed"),
        ({"software_release": ""}, "the release's URL is empty"),
        ({"software_release": "a\nb"}, "control character U+000A"),
        ({"software_type": "a\tb"}, "control character U+0009"),
        ({"state": marshalled("running")}, "'running' is no state"),
        ({"state": marshalled(5)}, "'5' is no state"),
        ({"state": "started"}, "well-formed"),
        ({"shared_xml": marshalled("yes")}, "'shared_xml' holds neither true nor false"),
        ({"partition_parameter_xml": marshalled([1])}, "holds no dictionary"),
        ({"partition_parameter_xml": marshalled({1: "a"})}, "a key that is no text"),
        ({"partition_parameter_xml": "<marshal>"}, "not well-formed"),
        ({"filter_xml": marshalled({"": "x"})}, "the demand ''"),
        ({"surplus": "x"}, "nothing is known of the field 'surplus'"),
    ],
)
def test_a_wrong_field_is_refused_by_name(master, person, node, change, fault):
    with master.writing_nothing():
        answer = person.post(
            "requestComputerPartition", {**wish("web"), **change}, status=400
        )
    assert fault in answer.text
    assert answer.status.startswith("400 ")


def test_parameters_of_ten_megabytes_are_refused(master, person, node):
    with master.writing_nothing():
        answer = person.ask("web", parameters={"big": "x" * 9_000_000}, status=400)
    assert "are allowed" in answer.text or "longer than" in answer.text
