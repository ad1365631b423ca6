"""Idle polls and unchanged reports write nothing; what is kept in memory is never out of date."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from slapmaster.api.nodeview import NodeDocuments
from slapmaster.domain.node import AllocationScope
from slapmaster.domain.registration import change_scope
from tests.driver import RELEASE
from tests.driver import marshalled

OTHER = "https://example.com/other.cfg"


@pytest.fixture
def person(master):
    return master.add_person("owner")


@pytest.fixture
def node(master, person):
    node = master.add_node(master.add_project("mine", person), "n", partitions=6)
    person.supply(node)
    person.supply(node, OTHER)
    return node


@pytest.fixture
def instance(master, person, node):
    person.request("web")
    return master.instance(node, "web")


def of(node, **more):
    return {"computer_id": node.reference, **more}


def test_an_idle_cycle_of_a_node_writes_nothing(master, person, node, instance):
    person.request("second")
    person.request("share", shared=True)
    places = [node.place_of(title) for title in ("web", "second")]
    cycle(node, places)
    with master.writing_nothing():
        for _ in range(3):
            cycle(node, places)


def cycle(node, places):
    """Say and ask all that an agent does when there is nothing to do."""
    node.see()
    node.post("availableSoftwareRelease", of(node, url=RELEASE))
    for place in places:
        node.get("getComputerPartitionCertificate", place)
        node.get("getHostingSubscriptionIpList", place)
        node.post("startedComputerPartition", place)
        fields = {**place, "instance_reference_xml": marshalled([])}
        node.post("updateComputerPartitionRelatedInstanceList", fields)


def test_an_instance_that_asks_and_publishes_the_same_again_writes_nothing(master, instance):
    run(instance)
    with master.writing_nothing():
        for _ in range(3):
            run(instance)


def run(instance):
    instance.request("child", parameters={"a": "b"})
    instance.request("share", shared=True, parameters={"c": "d"})
    connection = {"connection_xml": marshalled({"url": "http://x"}), "slave_reference": "None"}
    instance.post("setComputerPartitionConnectionXml", {**instance.place, **connection})


def test_reading_writes_nothing(master, person, node, instance):
    node.see()
    with master.writing_nothing():
        for asker in (person, node, instance):
            asker.get("getFullComputerInformation", of(node))
            asker.get("getComputerPartitionStatus", instance.place)
            asker.get("getComputerStatus", of(node))
            asker.get("hateoas")
            asker.get("hateoas/search", {"query": 'portal_type:"Compute Node"'})


def test_the_same_error_again_writes_nothing(master, node, instance):
    fields = {**instance.place, "error_log": "it is broken"}
    node.post("softwareInstanceError", fields)
    with master.writing_nothing():
        node.post("softwareInstanceError", fields)


def test_a_sign_of_life_is_remembered_though_nothing_is_written(master, node):
    node.see()
    first = master.store.pulse.last(node.reference)
    with master.writing_nothing():
        node.see()
    assert master.store.pulse.last(node.reference) > first
    assert master.store.pulse.flush() >= 1
    assert master.store.pulse.flush() == 0


def test_one_change_is_one_transaction(master, person, node, instance):
    before = count_transactions(master)
    person.request("web", parameters={"a": "b"})
    assert count_transactions(master) == before + 1


def count_transactions(master):
    return sum(1 for _ in master.store.main.storage.iterator())


def publish(instance, shared="None", **connection):
    fields = {"connection_xml": marshalled(connection), "slave_reference": shared}
    instance.post("setComputerPartitionConnectionXml", {**instance.place, **fields})


def bang(instance):
    instance.post("softwareInstanceBang", {**instance.place, "message": "look"})


def rename(instance, title):
    instance.post("softwareInstanceRename", {**instance.place, "new_name": title})


def fail(node, place):
    node.post("softwareInstanceError", {**place, "error_log": "oh"})


#: what happens, given master, person, node and an instance called web
CHANGES = {
    "a new service": lambda m, p, n, i: p.request("new"),
    "a new service of another release": lambda m, p, n, i: p.request("new", url=OTHER),
    "parameters": lambda m, p, n, i: p.request("web", parameters={"a": "b"}),
    "demands": lambda m, p, n, i: p.request("web", demands={"retention_delay": "1"}),
    "type": lambda m, p, n, i: p.request("web", software_type="big"),
    "release": lambda m, p, n, i: p.request("web", url=OTHER),
    "stopped": lambda m, p, n, i: p.request("web", state="stopped"),
    "destroyed": lambda m, p, n, i: p.request("web", state="destroyed"),
    "gone": lambda m, p, n, i: (
        p.request("web", state="destroyed"), n.post("destroyedComputerPartition", i.place)
    ),
    "child": lambda m, p, n, i: i.request("child"),
    "child taken over": lambda m, p, n, i: (
        i.request("a"), i.request("b"), m.instance(n, "a").request("b")
    ),
    "share": lambda m, p, n, i: i.request("share", shared=True),
    "share changed": lambda m, p, n, i: (
        i.request("share", shared=True),
        i.request("share", shared=True, parameters={"a": "b"}),
    ),
    "share stopped": lambda m, p, n, i: (
        i.request("share", shared=True),
        i.request("share", shared=True, state="stopped"),
    ),
    "share gone": lambda m, p, n, i: (
        i.request("share", shared=True),
        i.ask("share", shared=True, state="destroyed", status="*"),
    ),
    "share published": lambda m, p, n, i: publish(
        i, i.request("share", shared=True).attributes["_instance_guid"], url="x"
    ),
    "published": lambda m, p, n, i: publish(i, url="x"),
    "child published": lambda m, p, n, i: (
        i.request("child"), publish(m.instance(n, "child"), url="x")
    ),
    "renamed": lambda m, p, n, i: rename(i, "site"),
    "root renamed above a child": lambda m, p, n, i: (i.request("child"), rename(i, "site")),
    "bang": lambda m, p, n, i: bang(i),
    "bang of the node": lambda m, p, n, i: n.post("computerBang", of(n, message="x")),
    "error": lambda m, p, n, i: fail(n, i.place),
    "started": lambda m, p, n, i: n.post("startedComputerPartition", i.place),
    "supplied": lambda m, p, n, i: p.supply(n, "https://example.com/new.cfg"),
    "to be removed": lambda m, p, n, i: p.supply(n, OTHER, "destroyed"),
    "removed": lambda m, p, n, i: (
        p.supply(n, OTHER, "destroyed"), n.post("destroyedSoftwareRelease", of(n, url=OTHER))
    ),
    "more partitions": lambda m, p, n, i: n.format(8),
    "fewer partitions": lambda m, p, n, i: n.format(1),
    "other addresses": lambda m, p, n, i: n.format(6, address="10.0.0.9"),
    "closed": lambda m, p, n, i: m.change(
        lambda act: change_scope(act, act.site.nodes[n.reference], AllocationScope.FOREVER)
    ),
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_the_document_kept_is_the_one_made_anew(master, person, node, instance, change):
    node.see()
    change(master, person, node, instance)
    check_document(master, node)


def check_document(master, node):
    kept = node.get("getFullComputerInformation", of(node))
    made = master.look(
        lambda site: NodeDocuments().document_of(site.nodes[node.reference])
    )
    assert kept.body == made.body
    assert kept.headers["ETag"] == f'"{made.etag}"'


def test_changes_of_many_at_once_leave_no_old_document(master, person, node, instance):
    """Reading and changing overlap: what was read before a change must not be kept after it."""

    def change(number):
        person.request("web", parameters={"n": str(number)})

    with ThreadPoolExecutor(4) as pool:
        done = [pool.submit(change, number) for number in range(20)]
        seen = [pool.submit(node.see) for _ in range(40)]
        for future in (*done, *seen):
            future.result()
    check_document(master, node)
