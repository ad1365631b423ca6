"""``Authorization: X-SlapPartition …`` is a claim: it narrows what a certificate proves."""

import pytest

from tests.driver import ClassicDriver
from tests.driver import Master
from tests.driver import marshalled


def claim(node: str, partition: str) -> dict[str, str]:
    value = f"X-SlapPartition computer_id={node}, computer_partition_id={partition}"
    return {"Authorization": value}


@pytest.fixture
def node(master: Master) -> ClassicDriver:
    """Give a node with an instance in slappart0 and in slappart1."""
    person = master.add_person("owner")
    node = master.add_node(master.add_project("main", person), "node", partitions=2)
    person.supply(node)
    person.request("one")
    person.request("two")
    return node


def test_a_node_that_narrows_itself_speaks_for_that_partition_only(node: ClassicDriver) -> None:
    headers = claim(node.reference, "slappart0")
    node.post("startedComputerPartition", node.at("slappart0"), headers=headers)
    answer = node.post(
        "startedComputerPartition", node.at("slappart1"), headers=headers, status="4*"
    )
    assert answer.status_int == 403
    unknown = {"computer_id": node.reference, "message": "all of it"}
    assert node.post("computerBang", unknown, headers=headers, status=403)


def test_a_claim_to_another_s_place_finds_nothing(master: Master, node: ClassicDriver) -> None:
    instance = master.instance_at(node, "slappart0")
    said = {**node.at("slappart1"), "connection_xml": marshalled({"url": "stolen"})}
    operation = "setComputerPartitionConnectionXml"
    with master.writing_nothing():
        headers = claim(node.reference, "slappart1")
        instance.post(operation, said, headers=headers, status=404)
        instance.post(operation, said, status=404)


def test_a_claim_proves_nothing(master: Master, node: ClassicDriver) -> None:
    headers = claim(node.reference, "slappart0")
    nobody = master.nobody()
    nobody.post("startedComputerPartition", node.at("slappart0"), headers=headers, status=401)
