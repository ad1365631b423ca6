"""One language for three faces: what is asked by classic SLAP, by JSON-RPC and by XML-RPC.

Each speaks its own wire through the door; what comes back is the same :class:`Seen`.
"""

import json
import xmlrpc.client
from dataclasses import dataclass
from typing import Any

from slapcore.protocol import marshal
from tests.driver import RELEASE
from tests.driver import ClassicDriver
from tests.driver import marshalled


class Refused(Exception):
    """The master did not do what was asked; ``kind`` says why, whichever face said so."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind


@dataclass(frozen=True)
class Seen:
    """An instance as a face shows it."""

    guid: str
    title: str
    state: str
    parameters: dict[str, str]
    connection: dict[str, str]
    demands: dict[str, str]
    timestamp: int
    place: tuple[str, str]


KINDS = {400: "wrong", 401: "unknown asker", 403: "forbidden", 404: "absent", 409: "conflict"}
Asker = ClassicDriver


class ClassicFace:
    """Forms in, marshalled XML out."""

    def call(self, asker: Asker, method: str, name: str, **fields: object) -> Any:
        texts = {key: value if isinstance(value, str) else marshalled(value)
                 for key, value in fields.items()}  # fmt: skip
        if "state" in fields and name == "requestComputerPartition":
            texts["state"] = marshalled(fields["state"])
        answer = asker.call(method, name, texts, status="*")
        if answer.status_int == 408:
            return None
        if answer.status_int != 200:
            raise Refused(KINDS[answer.status_int], answer.text)
        if answer.content_type != "text/xml" or answer.body == b"None":
            return answer.text
        return simple(marshal.decode(answer.body))

    def request(self, asker: Asker, title: str, **wanted: Any) -> Seen | None:
        found = self.call(
            asker, "POST", "requestComputerPartition", **asker.place,
            partition_reference=title, software_release=RELEASE,
            partition_parameter_xml=wanted.get("parameters", {}),
            filter_xml=wanted.get("demands", {}),
            state=wanted.get("state", "started"), shared_xml=wanted.get("shared", False),
        )  # fmt: skip
        return found and read_classic(found, found["instance_title"])

    def on(self, node: Asker) -> list[Seen]:
        found = self.call(node, "GET", "getFullComputerInformation", computer_id=node.reference)
        return [
            read_classic(
                {**place, **place["_parameter_dict"]}, place["_parameter_dict"]["instance_title"]
            )
            for place in found["_computer_partition_list"]
            if "_parameter_dict" in place
        ]

    def supply(self, asker: Asker, node: Asker, url: str, state: str = "available") -> None:
        self.call(asker, "POST", "supplySupply", computer_id=node.reference, url=url, state=state)

    def say(self, asker: Asker, seen: Seen, state: str) -> None:
        answer = self.call(asker, "POST", f"{state}ComputerPartition", **place_of(seen))
        if answer != "None" and answer is not True:
            raise Refused("conflict", answer)

    def publish(self, asker: Asker, seen: Seen, connection: dict[str, str]) -> None:
        self.call(
            asker, "POST", "setComputerPartitionConnectionXml", **place_of(seen),
            connection_xml=connection,
        )  # fmt: skip

    def bang(self, asker: Asker, seen: Seen) -> None:
        self.call(asker, "POST", "softwareInstanceBang", **place_of(seen), message="look")

    def fail(self, asker: Asker, seen: Seen, message: str) -> None:
        self.call(asker, "POST", "softwareInstanceError", **place_of(seen), error_log=message)

    def rename(self, asker: Asker, seen: Seen, title: str) -> None:
        self.call(asker, "POST", "softwareInstanceRename", **place_of(seen), new_name=title)

    def status(self, asker: Asker, seen: Seen) -> str:
        return self.call(asker, "GET", "getComputerPartitionStatus", **place_of(seen))["text"]

    def key(self, node: Asker, seen: Seen) -> str:
        return self.call(node, "GET", "getComputerPartitionCertificate", **place_of(seen))["key"]


class XmlFace(ClassicFace):
    """The same operations with native values."""

    def call(self, asker: Asker, method: str, name: str, **fields: object) -> Any:
        body = xmlrpc.client.dumps((fields,), name)
        answer = asker.call("POST", "RPC2", body, headers={"Content-Type": "text/xml"})
        try:
            (value,), _ = xmlrpc.client.loads(answer.body)
        except xmlrpc.client.Fault as fault:
            if fault.faultCode == 408:
                return None
            raise Refused(KINDS[fault.faultCode], fault.faultString) from fault
        return value


class JsonFace:
    """JSON in, JSON out."""

    def call(self, asker: Asker, name: str, **said: object) -> Any:
        headers = {"Content-Type": "application/json"}
        answer = asker.call(
            "POST", f"slapos.{name}", json.dumps(said), headers=headers, status="*"
        )
        if answer.status_int == 200:
            return answer.json
        word = answer.json["type"]
        kind = KINDS[answer.status_int]
        if word.endswith("-NOT-FOUND"):
            kind = "absent"
        elif word.endswith("-WRONG-REPORTED-STATE"):
            kind = "conflict"
        raise Refused(kind, answer.json["title"])

    def request(self, asker: Asker, title: str, **wanted: Any) -> Seen | None:
        found = self.call(
            asker, "post.v0.software_instance", title=title, software_release_uri=RELEASE,
            software_type="default", parameters=wanted.get("parameters", {}),
            sla_parameters=wanted.get("demands", {}), state=wanted.get("state", "started"),
            shared=wanted.get("shared", False),
        )  # fmt: skip
        return read_json(found) if found.get("computer_guid") else None

    def on(self, node: Asker) -> list[Seen]:
        rows = self.call(
            node, "allDocs.v0.compute_node_instance_list", computer_guid=node.reference
        )["result_list"]
        guids = [row["instance_guid"] for row in rows]
        return [
            read_json(self.call(node, "get.v0.software_instance", instance_guid=guid))
            for guid in guids
        ]

    def supply(self, asker: Asker, node: Asker, url: str, state: str = "available") -> None:
        self.call(
            asker, "post.v0.software_installation", computer_guid=node.reference,
            software_release_uri=url, state=state,
        )  # fmt: skip

    def say(self, asker: Asker, seen: Seen, state: str) -> None:
        self.call(
            asker, "put.v0.software_instance_reported_state",
            instance_guid=seen.guid, reported_state=state,
        )  # fmt: skip

    def publish(self, asker: Asker, seen: Seen, connection: dict[str, str]) -> None:
        self.call(
            asker, "put.v0.software_instance_connection_parameter",
            instance_guid=seen.guid, connection_parameter_dict=connection,
        )  # fmt: skip

    def bang(self, asker: Asker, seen: Seen) -> None:
        self.call(asker, "put.v0.software_instance_bang", instance_guid=seen.guid, message="look")

    def fail(self, asker: Asker, seen: Seen, message: str) -> None:
        name = "put.v0.software_instance_error"
        self.call(asker, name, instance_guid=seen.guid, message=message)

    def rename(self, asker: Asker, seen: Seen, title: str) -> None:
        self.call(asker, "put.v0.software_instance_title", instance_guid=seen.guid, title=title)

    def status(self, asker: Asker, seen: Seen) -> str:
        found = self.call(asker, "get.v0.software_instance", instance_guid=seen.guid)
        return found["access_status_message"]

    def key(self, node: Asker, seen: Seen) -> str:
        name = "get.v0.software_instance_certificate"
        return self.call(node, name, instance_guid=seen.guid)["key"]


FACES = {"classic": ClassicFace(), "json": JsonFace(), "xml": XmlFace()}


def simple(value: Any) -> Any:
    """Show a document as the dictionary of its attributes."""
    if isinstance(value, marshal.Document):
        return {name: simple(part) for name, part in value.attributes.items()}
    if isinstance(value, list | tuple):
        return [simple(part) for part in value]
    return value


def place_of(seen: Seen) -> dict[str, str]:
    return {"computer_id": seen.place[0], "computer_partition_id": seen.place[1]}


def read_classic(found: dict[str, Any], title: str) -> Seen:
    system = {"ip_list", "full_ip_list", "timestamp", "instance_title", "root_instance_title",
              "root_instance_short_title", "slave_instance_list"}  # fmt: skip
    parameters = {
        name: value
        for name, value in found["_parameter_dict"].items()
        if name not in system and not name.startswith("slap_")
    }
    return Seen(
        guid=found["_instance_guid"],
        title=title,
        state=found["_requested_state"],
        parameters=parameters,
        connection=found["_connection_dict"],
        demands=found["_filter_dict"],
        timestamp=found["timestamp"],
        place=(found["slap_computer_id"], found["slap_computer_partition_id"]),
    )


def read_json(found: dict[str, Any]) -> Seen:
    return Seen(
        guid=found["instance_guid"],
        title=found["title"],
        state=found["state"],
        parameters=found["parameters"],
        connection=found["connection_parameters"],
        demands=found["sla_parameters"],
        timestamp=found["processing_timestamp"],
        place=(found["computer_guid"], found["compute_partition_id"]),
    )
