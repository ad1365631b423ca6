"""JSON-RPC through the door: every method, its errors, and what an instance looks like."""

import json

import pytest

from slapcore.protocol.jsonrpc import read_command
from slapmaster.api.jsonrpc import list_methods
from slapmaster.api.jsonrpc.method import PREFIXES
from slapmaster.api.jsonrpc.schema import make_validator
from tests.calls import add_askers
from tests.driver import RELEASE
from tests.driver import wish
from tests.json_calls import ADDRESS
from tests.json_calls import BUILT
from tests.json_calls import CALLS
from tests.json_calls import GUID
from tests.json_calls import WEB
from tests.json_calls import WISH
from tests.json_calls import post


@pytest.fixture
def master(make_master):
    return make_master(in_memory=True)


@pytest.fixture
def askers(master):
    return add_askers(master)


@pytest.fixture
def person(askers):
    return askers["person"]


@pytest.fixture
def node(askers):
    return askers["node"]


@pytest.fixture
def instance(askers):
    return askers["instance"]


def call(asker, name, said):
    return post(asker, name, said).json


def refused(asker, name, said, status):
    """Give the word of the refusal, once its body is as it should be."""
    body = post(asker, name, said, status=status).json
    assert set(body) == {"type", "title", "status"}
    assert body["status"] == status
    assert body["title"]
    return body["type"]


def test_every_method_is_called_here(askers):
    called = {f"slapos.{name}" for _, name, _, _ in CALLS}
    assert called == {method.name for _, method in list_methods()}


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("good", CALLS, ids=lambda good: f"{good[0]}-{good[1]}")
def test_whoever_may_call_it_is_answered_as_promised(askers, good, prefix):
    who, name, said, expected = good
    answer = askers[who].call(
        "POST", f"{prefix}/slapos.{name}", json.dumps(said),
        headers={"Content-Type": "application/json"},
    )  # fmt: skip
    assert expected in answer.text
    output = read_command(f"slapos.{name}").output
    assert not list(make_validator(output).iter_errors(answer.json))
    assert answer.headers["Cache-Control"] == "private, no-store"


def test_an_instance_is_shown_whole(master, person, node):
    demands = {"retention_delay": 7.5, "computer_guid": node.reference}
    document = call(person, "post.v0.software_instance", {
        **WISH, "parameters": {"a": "b", "number": 1, "deep": {"c": [1]}},
        "sla_parameters": demands, "state": "stopped",
    })  # fmt: skip
    told = node.told("web")
    assert document == {
        "title": "web",
        "instance_guid": "SOFTINST-1",
        "software_release_uri": RELEASE,
        "software_type": "default",
        "state": "stopped",
        "connection_parameters": {},
        "parameters": {"a": "b", "number": "1", "deep": '{"c": [1]}'},
        "shared": False,
        "root_instance_title": "web",
        "ip_list": [list(pair) for pair in told["_parameter_dict"]["ip_list"]],
        "full_ip_list": [],
        "sla_parameters": demands,
        "computer_guid": node.reference,
        "compute_partition_id": "slappart0",
        "processing_timestamp": told["_parameter_dict"]["timestamp"],
        "access_status_message": "#error no data found for SOFTINST-1",
    }
    assert call(person, "get.v0.software_instance", WEB) == document
    assert call(person, "get.v0.instance_tree", {"title": "web"}) == document


def test_what_waits_is_kept_and_says_why(master, person, node):
    demands = {"computer_guid": node.reference}
    document = call(person, "post.v0.software_instance", {
        **WISH, "title": "second", "sla_parameters": demands,
    })  # fmt: skip
    assert document["computer_guid"] == document["compute_partition_id"] == ""
    assert document["processing_timestamp"] == 0
    assert document["access_status_message"].startswith("#error no place on 3 nodes: ")
    node.format(2)
    found = call(person, "get.v0.instance_tree", {"title": "second"})
    assert found["compute_partition_id"] == "slappart1"


def test_to_destroy_what_never_was_is_not_ready(master, person):
    with master.writing_nothing():
        answer = call(person, "post.v0.software_instance", {
            **WISH, "title": "never", "state": "destroyed",
        })  # fmt: skip
    assert answer == {
        "message": "Software Instance Not Ready",
        "name": "SoftwareInstanceNotReady",
        "status": 102,
    }


def test_what_classic_asked_for_is_asked_for_again_without_a_change(master, person):
    with master.writing_nothing():
        call(person, "post.v0.software_instance", WISH)


def test_a_child_is_of_whoever_shows_the_certificate(person, node, instance):
    node.format(2)
    child = call(instance, "post.v0.software_instance", {**WISH, "title": "child"})
    assert child["root_instance_title"] == "web"
    titles = call(person, "allDocs.v0.instance_tree_list", {})["result_list"]
    assert titles == [{"title": "web"}]
    listed = call(node, "allDocs.v0.compute_node_instance_list", GUID)["result_list"]
    assert {row["title"] for row in listed} == {"web", "child"}


def test_on_one_s_own_machine_the_claimed_partition_asks(make_master):
    master = make_master(alone=True, in_memory=True)
    master.add_project("own", master.add_person("me"))
    nobody = master.nobody()
    described = {"computer_guid": "own", "compute_partition_list": [
        {"partition_id": f"slappart{number}", "ip_list": [ADDRESS]} for number in range(2)
    ]}  # fmt: skip
    call(nobody, "put.v0.compute_node_format", described)
    call(nobody, "post.v0.software_installation", {**BUILT, "computer_guid": "own"})
    place = call(nobody, "post.v0.software_instance", WISH)["compute_partition_id"]
    claim = f"X-SlapPartition computer_id=own, computer_partition_id={place}"
    child = post(
        nobody, "post.v0.software_instance", {**WISH, "title": "child"}, Authorization=claim
    ).json
    assert child["root_instance_title"] == "web"
    assert child["compute_partition_id"] not in ("", place)
    assert refused(nobody, "get.v0.software_instance", {"instance_guid": "x"}, 403)


def test_shared_instances_are_listed_for_their_host(instance):
    wanted = {**WISH, "title": "share", "shared": True, "parameters": {"a": "b"}}
    shared = call(instance, "post.v0.software_instance", wanted)
    assert shared["shared"] is True
    listed = call(instance, "allDocs.v0.instance_node_instance_list", WEB)["result_list"]
    assert listed == [{
        "title": "share",
        "instance_guid": shared["instance_guid"],
        "software_type": "default",
        "state": "started",
        "parameters": {"a": "b"},
        "compute_partition_id": "slappart0",
    }]  # fmt: skip
    guest = {"instance_guid": shared["instance_guid"]}
    word = refused(instance, "allDocs.v0.instance_node_instance_list", guest, 403)
    assert word == "HOST-INSTANCE-NOT-FOUND"


def test_a_shared_instance_has_no_certificate_and_is_not_gone_by_itself(node, instance):
    shared = call(instance, "post.v0.software_instance", {**WISH, "title": "s", "shared": True})
    guest = {"instance_guid": shared["instance_guid"]}
    word = refused(node, "get.v0.software_instance_certificate", guest, 403)
    assert word == "CERTIFICATE-NOT-FOUND"
    gone = {**guest, "reported_state": "destroyed"}
    word = refused(node, "put.v0.software_instance_reported_state", gone, 403)
    assert word == "SOFTWARE-INSTANCE-WRONG-REPORTED-STATE"


def test_a_node_hears_what_it_is_told_and_is_heard(master, person, node):
    call(node, "allDocs.v0.compute_node_instance_list", GUID)
    status = call(person, "get.v0.compute_node_status", GUID)
    assert status["text"] == f"#access {node.reference}"
    call(node, "put.v0.software_instance_error", {**WEB, "message": "it broke"})
    shown = call(person, "get.v0.software_instance", WEB)
    assert shown["access_status_message"] == "#error while instanciating: it broke"


def test_saying_the_same_again_writes_nothing(master, node, instance):
    connection = {**WEB, "connection_parameter_dict": {"url": "http://x"}}
    said = (
        (node, "allDocs.v0.compute_node_instance_list", GUID),
        (node, "get.v0.software_instance_certificate", WEB),
        (node, "put.v0.software_instance_reported_state", {**WEB, "reported_state": "started"}),
        (
            node, "put.v0.software_installation_reported_state",
            {**BUILT, "reported_state": "available"},
        ),
        (instance, "put.v0.software_instance_connection_parameter", connection),
    )  # fmt: skip
    for one in said:
        call(*one)
    with master.writing_nothing():
        answers = [call(*one) for one in said]
    assert answers[-1]["title"] == "connection parameter not modified as identical"


def test_a_whole_life(master, person, node, instance):
    call(person, "post.v0.software_instance", {**WISH, "state": "destroyed"})
    listed = call(node, "allDocs.v0.compute_node_instance_list", GUID)["result_list"]
    assert [row["state"] for row in listed] == ["destroyed"]
    gone = {**WEB, "reported_state": "destroyed"}
    call(node, "put.v0.software_instance_reported_state", gone)
    assert call(node, "allDocs.v0.compute_node_instance_list", GUID) == {"result_list": []}
    assert refused(instance, "get.v0.software_instance", WEB, 401) == "UNAUTHENTICATED"
    place = {**GUID, "compute_partition_id": "slappart0"}
    assert refused(node, "get.v0.compute_partition", place, 403) == "SOFTWARE-INSTANCE-NOT-FOUND"


def test_a_node_says_which_addresses_its_partitions_have(master, person, node):
    routed = {
        "ip-address": "10.1.0.1", "netmask": "255.255.0.0", "network-interface": "route_tap",
        "gateway-ip-address": "10.1.0.254", "network-address": "10.1.0.0",
    }  # fmt: skip
    partitions = [
        {"partition_id": "slappart0", "ip_list": [ADDRESS, routed], "capability_list": ["x"]},
        {"partition_id": "slappart1"},
    ]
    call(node, "put.v0.compute_node_format", {**GUID, "compute_partition_list": partitions})
    shown = call(person, "get.v0.software_instance", WEB)
    assert shown["ip_list"] == [["lo", "10.0.0.1"], ["route_tap", "10.1.0.1"]]
    assert shown["full_ip_list"] == [
        ["route_tap", "10.1.0.1", "10.1.0.254", "255.255.0.0", "10.1.0.0"]
    ]
    with master.writing_nothing():
        call(node, "put.v0.compute_node_format", {**GUID, "compute_partition_list": partitions})


def test_one_person_s_node_has_a_name_that_can_be_one(make_master):
    master = make_master(alone=True, in_memory=True)
    master.add_project("own", master.add_person("me"))
    described = {"computer_guid": "../own", "compute_partition_list": []}
    word = refused(master.nobody(), "put.v0.compute_node_format", described, 400)
    assert word == "INVALID-REQUEST"


@pytest.mark.parametrize(
    ("who", "name", "said", "status", "word"),
    [
        (
            "node", "get.v0.software_instance", {"instance_guid": "SOFTINST-99"}, 403,
            "SOFTWARE-INSTANCE-NOT-FOUND",
        ),
        (
            "node", "get.v0.compute_node_status", {"computer_guid": "COMP-99"}, 403,
            "COMPUTE-NODE-NOT-FOUND",
        ),
        ("person", "get.v0.instance_tree", {"title": "none"}, 403, "INSTANCE-TREE-NOT-FOUND"),
        ("node", "get.v0.instance_tree", {"title": "web"}, 403, "INSTANCE-TREE-NOT-FOUND"),
        (
            "node", "put.v0.software_installation_error",
            {**GUID, "software_release_uri": "http://none"}, 403,
            "SOFTWARE-INSTALLATION-NOT-FOUND",
        ),
        (
            "node", "put.v0.software_installation_reported_state",
            {**BUILT, "reported_state": "flying"}, 400, "INVALID-REQUEST",
        ),
        (
            "node", "put.v0.software_installation_reported_state",
            {**BUILT, "reported_state": "destroyed"}, 403,
            "SOFTWARE-INSTALLATION-DESTROY-NOT-REQUESTED",
        ),
        (
            "node", "put.v0.software_instance_reported_state",
            {**WEB, "reported_state": "flying"}, 400, "INVALID-REQUEST",
        ),
        (
            "node", "put.v0.software_instance_reported_state",
            {**WEB, "reported_state": "destroyed"}, 403, "SOFTWARE-INSTANCE-WRONG-REPORTED-STATE",
        ),
        (
            "node", "post.v0.compute_node_usage", {**GUID, "tioxml": "<junk"}, 400,
            "INVALIDATE_TIOXML",
        ),
        ("node", "post.v0.software_instance", WISH, 403, "FORBIDDEN"),
        ("instance", "put.v0.compute_node_bang", GUID, 403, "FORBIDDEN"),
        ("instance", "post.v0.software_installation", BUILT, 403, "SUPPLY-FAILED"),
        ("person", "post.v0.compute_node_certificate", GUID, 409, "CONFLICT"),
        (
            "person", "post.v0.software_instance",
            {**WISH, "sla_parameters": {"regoin": "x"}}, 400, "INVALID-VALUE",
        ),
        (
            "person", "post.v0.software_instance",
            {**WISH, "sla_parameters": {"project_guid": "PROJ-99"}}, 403, "PROJECT-NOT-FOUND",
        ),
        ("person", "post.v0.software_instance", {**WISH, "shared": True}, 409, "CONFLICT"),
        ("nobody", "get.v0.software_instance", WEB, 401, "UNAUTHENTICATED"),
    ],
)  # fmt: skip
def test_a_refusal_has_its_word_and_stores_nothing(master, askers, who, name, said, status, word):
    with master.writing_nothing():
        assert refused(askers[who], name, said, status) == word


@pytest.mark.parametrize(
    "body",
    [
        "", "null", "[]", "7", "{", '{"instance_guid": "a", "instance_guid": "b"}', "{}",
        '{"instance_guid": 7}', '{"instance_guid": "SOFTINST-1", "more": 1}', "[" * 100_000,
        '{"instance_guid": NaN}', '{"instance_guid": "\\u0000"}', '{"instance_guid": "\\ud800"}',
        '{"instance_guid": ""}', b"\xff", '{"instance_guid": 1e999}',
        '{"instance_guid": ' + "9" * 5000 + "}",
        '{"instance_guid": ' + '{"a":' * 40 + "1" + "}" * 40 + "}",
    ],
)  # fmt: skip
def test_a_body_that_is_not_as_the_schema_says_is_refused(master, node, body):
    with master.writing_nothing():
        for name in ("get.v0.software_instance", "put.v0.software_instance_reported_state"):
            assert refused(node, name, body, 400) == "INVALID-REQUEST"


def test_text_that_xml_can_t_carry_never_comes_to_a_node(person, node):
    for bad in ("\ud800", "\x00", "\ufffe"):
        wanted = {**WISH, "parameters": {"key": {"deep": [bad]}}}
        assert refused(person, "post.v0.software_instance", wanted, 400) == "INVALID-REQUEST"
        wanted = {**WISH, "parameters": {bad: "value"}}
        assert refused(person, "post.v0.software_instance", wanted, 400) == "INVALID-REQUEST"
    assert node.told("web")


def test_only_json_is_taken_and_only_by_post(node):
    answer = node.post("slapos.get.v0.software_instance", WEB, status=400)
    assert answer.json["type"] == "INVALID-REQUEST"
    answer = node.get("slapos.get.v0.software_instance", status=405)
    assert answer.json["type"] == "METHOD-NOT-ALLOWED"
    assert answer.headers["Allow"] == "POST"


def test_a_title_in_two_projects_can_t_be_told_apart(master, person):
    other = master.add_project("other", person)
    person.post("requestComputerPartition", wish("web", project=other), status=408)
    assert refused(person, "get.v0.instance_tree", {"title": "web"}, 400) == "INVALID-VALUE"


def test_an_instance_sees_its_own_service(instance):
    assert call(instance, "get.v0.instance_tree", {"title": "web"})["title"] == "web"
    assert call(instance, "allDocs.v0.instance_tree_list", {})["result_list"] == [{"title": "web"}]
    assert refused(instance, "get.v0.instance_tree", {"title": "x"}, 403)


def test_a_node_without_a_certificate_has_none_to_revoke(person):
    nothing = {"computer_guid": "COMP-2"}
    word = refused(person, "remove.v0.compute_node_certificate", nothing, 403)
    assert word == "CERTIFICATE-NOT-FOUND"


def test_a_delay_that_is_no_number_is_refused(person):
    refused = person.ask("web", demands={"retention_delay": "a week"}, status=400)
    assert refused.text.startswith("'a week' can't be the retention_delay")
