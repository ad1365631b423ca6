"""What a node asks, says and is told: format, orders, reports, statuses, bangs, usage."""

import pytest

from slapcore.protocol import marshal
from tests.driver import RELEASE
from tests.driver import describe_node
from tests.driver import marshalled

STATUS_KEYS = {
    "user", "created_at", "text", "since", "state", "reference", "portal_type",
    "no_data_since_5_minutes", "no_data_since_15_minutes",
}  # fmt: skip


@pytest.fixture
def person(master):
    return master.add_person("owner")


@pytest.fixture
def project(master, person):
    return master.add_project("mine", person)


@pytest.fixture
def node(master, project, person):
    node = master.add_node(project, "n", partitions=3)
    person.supply(node)
    return node


@pytest.fixture
def instance(master, person, node):
    person.request("web")
    return master.instance(node, "web")


def of(node, url=RELEASE, **more):
    return {"computer_id": node.reference, "url": url, **more}


def status_of(asker, place):
    return asker.read("getComputerPartitionStatus", place)


def stamp(node, title="web"):
    return node.told(title)["_parameter_dict"]["timestamp"]


def test_a_node_is_told_of_all_its_partitions_and_releases(person, node):
    got = node.see()
    assert got.class_name == "Computer"
    assert got.args == (node.reference,)
    assert got.attributes["_computer_id"] == node.reference
    free = marshal.Document(
        "ComputerPartition",
        (node.reference, "slappart2", None),
        {
            "_computer_id": node.reference,
            "_partition_id": "slappart2",
            "_request_dict": None,
            "_need_modification": 0,
            "_requested_state": "destroyed",
            "_software_release_document": None,
        },
    )
    partitions = got.attributes["_computer_partition_list"]
    assert [one.attributes["_partition_id"] for one in partitions] == [
        f"slappart{number}" for number in range(3)
    ]
    assert partitions[2] == free
    assert got.attributes["_software_release_list"] == [
        marshal.Document(
            "SoftwareRelease",
            (RELEASE, node.reference),
            {
                "_computer_guid": node.reference,
                "_requested_state": "available",
                "_software_instance_list": [],
                "_software_release": RELEASE,
            },
        )
    ]


def test_a_partition_in_use_is_described_with_all_an_agent_needs(person, node):
    node.format(1)
    person.request("web", parameters={"a": "b"}, demands={"computer_guid": node.reference})
    told = node.told("web")
    assert isinstance(told["_parameter_dict"].pop("timestamp"), int)
    assert told == {
        "_computer_id": node.reference,
        "_partition_id": "slappart0",
        "_request_dict": None,
        "_requested_state": "started",
        "_need_modification": 1,
        "_instance_guid": "SOFTINST-1",
        "_access_status": "#error no data found for SOFTINST-1",
        "_connection_dict": {},
        "_filter_dict": {"computer_guid": node.reference},
        "_software_release_document": marshal.Document(
            "SoftwareRelease",
            (RELEASE, node.reference),
            {
                "_computer_guid": node.reference,
                "_software_instance_list": [],
                "_software_release": RELEASE,
            },
        ),
        "_parameter_dict": {
            "a": "b",
            "instance_title": "web",
            "root_instance_title": "web",
            "root_instance_short_title": "",
            "slap_computer_id": node.reference,
            "slap_computer_partition_id": "slappart0",
            "slap_software_type": "default",
            "slap_software_release_url": RELEASE,
            "ip_list": [("slaptap0", "10.0.0.1"), ("slaptap0", "2001:db8::1")],
            "full_ip_list": [],
            "slave_instance_list": [],
        },
    }


def test_a_parameter_can_not_pass_for_what_the_system_says(person, node):
    person.request("web", parameters={"slap_computer_id": "COMP-99", "timestamp": "0"})
    told = node.told("web")["_parameter_dict"]
    assert told["slap_computer_id"] == node.reference
    assert told["timestamp"] > 0


def test_a_partition_by_itself_is_marked_complete_and_has_no_status(node, instance):
    place = instance.place["computer_partition_id"]
    fields = {"computer_reference": node.reference, "computer_partition_reference": place}
    for asker in (node, instance):
        got = asker.read("registerComputerPartition", fields).attributes
        assert got["_synced"] is True
        assert "_access_status" not in got
        assert got["_instance_guid"] == instance.reference


def test_a_node_that_has_the_document_is_told_that_it_is_still_so(node):
    first = node.get("getFullComputerInformation", {"computer_id": node.reference})
    etag = first.headers["ETag"]
    again = node.get(
        "getFullComputerInformation",
        {"computer_id": node.reference},
        headers={"If-None-Match": etag},
        status=304,
    )
    assert again.body == b""


def test_an_instance_sees_its_own_partition_only(person, node, instance):
    person.request("other")
    got = instance.read("getFullComputerInformation", {"computer_id": node.reference}).attributes
    shown = [one.attributes["_partition_id"] for one in got["_computer_partition_list"]]
    assert shown == [instance.place["computer_partition_id"]]
    assert got["_software_release_list"] == []


def test_tap_and_routes_are_told(master, project, person):
    node = master.add_node(project, "n")
    described = describe_node(node.reference, 1)
    described["partition_list"][0]["tap"].update(
        ipv4_addr="10.1.0.1",
        ipv4_netmask="255.255.0.0",
        ipv4_gateway="10.1.0.2",
        ipv4_network="10.1.0.0",
    )
    node.post("loadComputerConfigurationFromXML", {"xml": marshalled(described)})
    person.supply(node)
    person.request("web")
    told = node.told("web")["_parameter_dict"]
    assert ("route_slaptap0", "10.1.0.1") in told["ip_list"]
    assert told["full_ip_list"] == [
        ("route_slaptap0", "10.1.0.1", "10.1.0.2", "255.255.0.0", "10.1.0.0")
    ]


def test_a_partition_no_longer_named_leaves_and_comes_back(master, node, person):
    assert node.format(1).text == "Content properly posted."
    assert len(node.see().attributes["_computer_partition_list"]) >= 1
    person.request("first")
    person.ask("second", status=408)
    node.format(3)
    assert person.request("second").attributes["slap_computer_partition_id"] != "slappart0"


def test_a_partition_in_use_is_kept_though_no_longer_named(node, instance):
    node.format(0)
    assert node.told("web")["_instance_guid"] == instance.reference


def test_the_same_format_again_writes_nothing(master, node):
    with master.writing_nothing():
        node.format(3)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"reference": None}, "reference of the description"),
        ({"partition_list": "x"}, "partition_list of the description is a str"),
        ({"partition_list": [{"reference": "../x"}]}, "reference of partition_list[0]"),
        ({"partition_list": [{"reference": "a"}] * 2}, "has 'a' twice"),
        (
            {"partition_list": [{"reference": "a", "address_list": [{"addr": "nonsense"}]}]},
            "is not an IP address: 'nonsense'",
        ),
    ],
)
def test_a_wrong_description_is_refused_by_name(master, node, change, fault):
    described = {**describe_node(node.reference, 1), **change}
    with master.writing_nothing():
        answer = node.post(
            "loadComputerConfigurationFromXML", {"xml": marshalled(described)}, status=400
        )
    assert fault in answer.text


def test_what_a_node_says_of_an_instance_is_shown_to_its_owner(person, node, instance):
    nothing = status_of(person, instance.place)
    assert nothing["text"] == f"#error no data found for {instance.reference}"
    assert nothing["no_data"] == 1
    for call, text in (
        ("startedComputerPartition", "#access Instance correctly started"),
        ("stoppedComputerPartition", "#access Instance correctly stopped"),
    ):
        node.post(call, instance.place)
        got = status_of(person, instance.place)
        assert set(got) == STATUS_KEYS
        assert got["text"] == text
        assert got["user"] == node.reference
        assert got["state"] == "started"
        assert got["no_data_since_5_minutes"] == 0


def test_an_error_keeps_the_end_of_what_went_wrong(person, node, instance):
    log = "beginning " + "x" * 100 + " the very end \x00é"
    node.post("softwareInstanceError", {**instance.place, "error_log": log})
    text = status_of(person, instance.place)["text"]
    assert text.startswith("#error while instanciating: ")
    assert text.endswith("the very end \ufffdé")
    assert len(text) == len("#error while instanciating: ") + 80
    assert node.told("web")["_access_status"] == text


def test_since_is_kept_while_the_kind_stays(person, node, instance):
    node.post("startedComputerPartition", instance.place)
    first = status_of(person, instance.place)
    node.post("stoppedComputerPartition", instance.place)
    second = status_of(person, instance.place)
    assert second["since"] == first["since"]


@pytest.mark.parametrize(
    ("call", "more", "text"),
    [
        ("buildingSoftwareRelease", {}, f"#building software release {RELEASE}"),
        ("availableSoftwareRelease", {}, f"#access software release {RELEASE} available"),
        ("softwareReleaseError", {"error_log": "oh"}, f"#error while installing {RELEASE}"),
    ],
)
def test_what_a_node_says_of_a_release_is_shown(master, person, node, call, more, text):
    node.post(call, of(node, **more))
    got = person.read("getSoftwareInstallationStatus", of(node))
    assert got["text"] == text
    assert got["portal_type"] == "Software Installation"
    with master.writing_nothing():
        node.post(call, of(node, **more))


def test_a_release_that_was_not_supplied_is_not_found(node):
    url = "https://example.com/never.cfg"
    for call in ("buildingSoftwareRelease", "availableSoftwareRelease", "destroyedSoftwareRelease"):
        assert url in node.post(call, of(node, url), status=404).text
    assert url in node.get("getSoftwareInstallationStatus", of(node, url), status=404).text


def test_reading_its_orders_is_a_sign_of_life(person, node):
    assert person.read("getComputerStatus", of_node(node))["no_data"] == 1
    node.see()
    got = person.read("getComputerStatus", of_node(node))
    assert got["text"] == f"#access {node.reference}"
    assert got["portal_type"] == "Compute Node"


def of_node(node):
    return {"computer_id": node.reference}


def test_a_release_is_supplied_once_removed_and_supplied_again(master, person, node):
    with master.writing_nothing():
        person.supply(node)
    assert release_states(node) == {RELEASE: "available"}
    person.supply(node, state="destroyed")
    assert release_states(node) == {RELEASE: "destroyed"}
    with master.writing_nothing():
        person.supply(node, state="destroyed")
    person.ask("web", status=408)
    node.post("destroyedSoftwareRelease", of(node))
    assert release_states(node) == {}
    person.supply(node)
    assert release_states(node) == {RELEASE: "available"}
    person.request("web")


def release_states(node):
    found = node.see().attributes["_software_release_list"]
    return {
        one.attributes["_software_release"]: one.attributes["_requested_state"] for one in found
    }


def test_removing_what_was_never_supplied_does_nothing(master, person, node):
    with master.writing_nothing():
        person.supply(node, "https://example.com/never.cfg", "destroyed")


def test_a_release_that_shall_stay_can_not_be_reported_gone(master, node):
    with master.writing_nothing():
        refused = node.post("destroyedSoftwareRelease", of(node), status="4*")
    assert "nobody asked to remove" in refused.text


@pytest.mark.parametrize("state", ["", "started", "AVAILABLE"])
def test_a_release_has_two_states_only(master, person, node, state):
    with master.writing_nothing():
        answer = person.post("supplySupply", of(node, state=state), status=400)
    assert "known are available, destroyed" in answer.text


def test_a_bang_has_the_whole_tree_processed_again(master, person, node, instance):
    instance.request("child")
    person.request("other")
    titles = ("web", "child", "other")
    before = [stamp(node, title) for title in titles]
    child = master.instance(node, "child")
    assert child.post("softwareInstanceBang", {**child.place, "message": "look"}).text == "OK"
    after = [stamp(node, title) for title in titles]
    assert after[0] > before[0] and after[1] > before[1] and after[2] == before[2]
    assert status_of(person, child.place)["text"] == "#error bang called: look"


def test_the_same_bang_again_moves_the_timestamp_again(node, instance):
    stamps = []
    for _ in range(3):
        instance.post("softwareInstanceBang", {**instance.place, "message": "look"})
        stamps.append(stamp(node))
    assert stamps == sorted(set(stamps))


def test_a_node_bangs_everything_on_it(master, person, node, instance):
    person.request("other")
    before = [stamp(node, title) for title in ("web", "other")]
    node.post("computerBang", {**of_node(node), "message": "rebooted"})
    after = [stamp(node, title) for title in ("web", "other")]
    assert all(new > old for new, old in zip(after, before, strict=True))
    # Its orders are read after the bang, which is a sign of life again.
    node.post("computerBang", {**of_node(node), "message": "rebooted"})
    assert person.read("getComputerStatus", of_node(node))["text"] == "#error bang: rebooted"


def test_the_addresses_of_a_tree_are_listed(person, node, instance):
    instance.request("child")
    instance.request("share", shared=True)
    got = instance.read("getHostingSubscriptionIpList", instance.place)
    places = [node.told(title) for title in ("web", "child")]
    expected = [pair for told in places for pair in told["_parameter_dict"]["ip_list"]]
    assert sorted(got) == sorted(expected)
    taken = {told["_partition_id"] for told in places}
    [free] = {f"slappart{number}" for number in range(3)} - taken
    assert node.read("getHostingSubscriptionIpList", node.at(free)) == []


def test_what_an_instance_asked_for_in_a_run_is_taken_note_of(master, instance):
    with master.writing_nothing():
        instance.post(
            "updateComputerPartitionRelatedInstanceList",
            {**instance.place, "instance_reference_xml": marshalled(["a", "b"])},
        )


def usage(reference="SOFTINST-1", *, stop="2020-01-01 at 23:59:59", quantity="1.5"):
    return f"""<?xml version="1.0" encoding="utf-8"?><journal>
<transaction type="Sale Packing List"><title>Usage</title>
<start_date>2020-01-01 at 00:00:00</start_date><stop_date>{stop}</stop_date>
<reference>2020-01-01-global</reference><currency></currency><payment_mode></payment_mode>
<category></category>
<arrow type="Destination"><source></source><destination></destination></arrow>
<movement><resource>service_module/cpu_load_percent</resource><title>CPU</title>
<reference>{reference}</reference><quantity>{quantity}</quantity><price>0.0</price>
<VAT></VAT><category></category></movement></transaction></journal>"""


def use(node, report, **how):
    return node.post("useComputer", {**of_node(node), "use_string": report}, **how)


def kept_usage(master, node):
    return master.look(
        lambda site: [
            (movement.subject, movement.quantity)
            for movements in site.nodes[node.reference].usage.values()
            for movement in movements
        ]
    )


@pytest.mark.parametrize(
    ("reference", "subject"),
    [
        ("SOFTINST-1", "SOFTINST-1"),
        ("COMP-1", "COMP-1"),
    ],
)
def test_usage_is_kept_for_whoever_used_it(master, node, instance, reference, subject):
    assert use(node, usage(reference)).text == "OK"
    assert kept_usage(master, node) == [(subject, 1.5)]


def test_usage_of_a_partition_is_that_of_what_lives_in_it(master, person, node):
    node.format(1)
    use(node, usage("slappart0"))
    assert kept_usage(master, node) == [(node.reference, 1.5)]
    person.request("web")
    use(node, usage("slappart0"))
    assert kept_usage(master, node) == [("SOFTINST-1", 1.5)]


def test_usage_of_the_same_period_is_not_counted_twice(master, node, instance):
    use(node, usage())
    use(node, usage(quantity="2.5"))
    assert kept_usage(master, node) == [("SOFTINST-1", 2.5)]


@pytest.mark.parametrize(
    ("report", "fault"),
    [
        ("", "well-formed"),
        ("<journal/>", "holds no <transaction>"),
        ("<nonsense/>", "not allowed here"),
        (usage("SOFTINST-99"), "'SOFTINST-99' is neither COMP-1 nor anything on it"),
        (usage(stop="2999-01-01"), "ends in the future"),
        (usage(quantity="much"), "'much', not a finite number"),
        ('<!DOCTYPE x [<!ENTITY a "b">]><journal>&a;</journal>', "not allowed here"),
    ],
)
def test_a_wrong_usage_report_is_refused_by_name(master, node, instance, report, fault):
    with master.writing_nothing():
        answer = use(node, report, status=400)
    assert fault in answer.text


def test_ingested_data_has_no_place_here(master, node):
    with master.writing_nothing():
        assert "no store" in node.post("ingestData", of_node(node), status=400).text


def test_a_node_is_registered_once_by_its_title(master, person, project):
    first = person.read_post("requestComputer", {"computer_title": "new"})
    assert first.attributes["_computer_id"].startswith("COMP-")
    with master.writing_nothing():
        assert person.read_post("requestComputer", {"computer_title": "new"}) == first


def test_under_the_other_name_a_node_reads_the_same(node):
    full = node.get("getFullComputerInformation", of_node(node))
    other = node.get("getComputerInformation", of_node(node))
    assert full.body == other.body
