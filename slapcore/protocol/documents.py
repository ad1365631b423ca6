"""The four documents of SLAP: written from what the master knows, read by its clients.

- What the system says of an instance wins over a parameter of the same name, for an instance as
  for the shared instances it hosts; nobody can pass for another by naming a parameter.
- Addresses with a route are in ``full_ip_list``.  SlapProxy calls that list
  ``full_address_list`` and leaves it empty; no client from 1.24 on reads that name, so it is
  not written.
- ``_parameter_dict`` of a ComputerPartition is overlaid with what the system says; that of a
  SoftwareInstance is what was asked for, and the system's words are attributes beside it.
- What is read may come from other masters.  SlapProxy says less, and a time as the text of
  seconds with a fraction; it is read as the microseconds that others say.
"""

from collections.abc import Iterable
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from typing import Any

from slapcore.errors import ProtocolError
from slapcore.protocol.attributes import Attributes
from slapcore.protocol.attributes import as_texts
from slapcore.protocol.marshal import Document
from slapcore.protocol.marshal import Fragment
from slapcore.states import InstanceState
from slapcore.states import ReleaseState

#: What the system says of an instance among its parameters.
SYSTEM_WORDS = frozenset({
    "full_address_list", "full_ip_list", "instance_title", "ip_list",
    "root_instance_short_title", "root_instance_title",
    "slap_computer_id", "slap_computer_partition_id", "slap_software_release_url",
    "slap_software_type", "slave_instance_list", "timestamp",
})  # fmt: skip
#: What it says of a shared instance to its host.
SHARED_WORDS = frozenset({"slap_software_type", "slave_reference", "slave_title", "timestamp"})


@dataclass(frozen=True, kw_only=True)
class SharedInstanceView:
    """What the host of a shared instance sees of it."""

    title: str
    reference: str
    software_type: str
    #: In microseconds.
    timestamp: int
    connection: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class InstanceView:
    """What a node or a requester sees of an instance."""

    computer_guid: str
    partition_id: str
    instance_guid: str
    title: str
    root_title: str
    root_short_title: str
    software_type: str
    release_url: str
    state: str
    #: In microseconds.
    timestamp: int
    parameters: Mapping[str, str] = field(default_factory=dict)
    connection: Mapping[str, str] = field(default_factory=dict)
    sla: Mapping[str, str] = field(default_factory=dict)
    #: Interface and address.
    ip_list: tuple[tuple[str, str], ...] = ()
    #: Interface, address, gateway, netmask and network, where there is a route.
    full_ip_list: tuple[tuple[str, str, str, str, str], ...] = ()
    shared_instances: tuple[SharedInstanceView, ...] = ()
    access_status: str = "#error no data found"


@dataclass(frozen=True, kw_only=True)
class ReleaseView:
    """A release that a node is to have, or to remove."""

    url: str
    computer_guid: str
    state: ReleaseState


@dataclass(frozen=True, kw_only=True)
class PartitionView:
    """A partition as its node is told of it; without an instance it is to be emptied."""

    computer_guid: str
    partition_id: str
    state: InstanceState
    instance: InstanceView | None = None


@dataclass(frozen=True, kw_only=True)
class NodeView:
    """Everything that a node is told."""

    computer_guid: str
    releases: tuple[ReleaseView, ...] = ()
    partitions: tuple[PartitionView, ...] = ()


def write_release(url: str, computer_guid: str, state: str | None = None) -> Document:
    """Write a release on a node; one that only says what a partition runs has no state."""
    attributes: dict[str, object] = {
        "_computer_guid": computer_guid,
        "_software_instance_list": [],
        "_software_release": url,
    }
    if state is not None:
        attributes["_requested_state"] = state
    return Document("SoftwareRelease", (url, computer_guid), attributes)


def write_free_partition(computer_guid: str, partition_id: str) -> Document:
    """Write a partition without an instance: to be emptied, if anything is left in it."""
    attributes = {
        **_write_place(computer_guid, partition_id),
        "_need_modification": 0,
        "_requested_state": "destroyed",
        "_software_release_document": None,
    }
    return Document("ComputerPartition", (computer_guid, partition_id, None), attributes)


def write_partition(view: InstanceView, *, with_status: bool = True) -> Document:
    """Write a partition and the instance in it.

    ``with_status`` is for the list of a node.  A partition asked for by itself carries no status
    and is marked as complete instead.
    """
    attributes = {
        **_write_place(view.computer_guid, view.partition_id),
        **_write_private_attributes(view),
        "_need_modification": 1,
        "_parameter_dict": {**view.parameters, **_write_system_words(view)},
        "_software_release_document": write_release(view.release_url, view.computer_guid),
    }
    if with_status:
        attributes["_access_status"] = view.access_status
    else:
        attributes["_synced"] = True
    args = (view.computer_guid, view.partition_id, None)
    return Document("ComputerPartition", args, attributes)


def write_computer(
    computer_guid: str,
    releases: Iterable[Document | Fragment],
    partitions: Iterable[Document | Fragment],
) -> Document:
    """Write everything a node has to know."""
    attributes = {
        "_computer_id": computer_guid,
        "_computer_partition_list": list(partitions),
        "_software_release_list": list(releases),
    }
    return Document("Computer", (computer_guid,), attributes)


def write_instance(view: InstanceView) -> Document:
    """Write the answer to a request."""
    attributes = {
        **_write_system_words(view),
        **_write_private_attributes(view),
        "_parameter_dict": dict(view.parameters),
    }
    return Document("SoftwareInstance", (), attributes)


def write_shared_instance(view: InstanceView) -> Document:
    """Write the answer to a request of a shared instance.

    ``view`` is of the shared instance; its place is the one of its host.  The host's other
    shared instances are not its business.
    """
    document = write_instance(view)
    attributes = dict(document.attributes)
    del attributes["slave_instance_list"]
    return Document("SoftwareInstance", (), attributes)


def _write_place(computer_guid: str, partition_id: str) -> dict[str, object]:
    return {"_computer_id": computer_guid, "_partition_id": partition_id, "_request_dict": None}


def _write_private_attributes(view: InstanceView) -> dict[str, object]:
    return {
        "_connection_dict": dict(view.connection),
        "_filter_dict": dict(view.sla),
        "_instance_guid": view.instance_guid,
        "_requested_state": view.state,
    }


def _write_system_words(view: InstanceView) -> dict[str, object]:
    return {
        "full_ip_list": list(view.full_ip_list),
        "instance_title": view.title,
        "ip_list": list(view.ip_list),
        "root_instance_short_title": view.root_short_title,
        "root_instance_title": view.root_title,
        "slap_computer_id": view.computer_guid,
        "slap_computer_partition_id": view.partition_id,
        "slap_software_release_url": view.release_url,
        "slap_software_type": view.software_type,
        "slave_instance_list": [_write_shared(shared) for shared in view.shared_instances],
        "timestamp": view.timestamp,
    }


def _write_shared(shared: SharedInstanceView) -> dict[str, object]:
    return {
        **shared.connection,
        **shared.parameters,
        "slap_software_type": shared.software_type,
        "slave_reference": shared.reference,
        "slave_title": shared.title,
        "timestamp": shared.timestamp,
    }


def read_computer(value: object) -> NodeView:
    """Read everything that a node is told; raises ``ProtocolError``."""
    computer = attributes_of(value, "Computer")
    return NodeView(
        computer_guid=computer.read_text("_computer_id"),
        releases=tuple(map(read_release, computer.read_list("_software_release_list"))),
        partitions=tuple(map(read_partition, computer.read_list("_computer_partition_list"))),
    )


def read_release(value: object) -> ReleaseView:
    release = attributes_of(value, "SoftwareRelease")
    return ReleaseView(
        url=release.read_text("_software_release"),
        computer_guid=release.read_text("_computer_guid"),
        state=ReleaseState(release.read_word("_requested_state", frozenset(ReleaseState))),
    )


def read_partition(value: object) -> PartitionView:
    """Read a partition, with the instance in it if there is one."""
    partition = attributes_of(value, "ComputerPartition")
    return PartitionView(
        computer_guid=partition.read_text("_computer_id"),
        partition_id=partition.read_text("_partition_id"),
        state=_read_state(partition),
        instance=_read_hosted(partition) if partition.says("_parameter_dict") else None,
    )


def _read_hosted(partition: Attributes) -> InstanceView:
    told = partition.read_mapping("_parameter_dict")
    words = {name: told[name] for name in SYSTEM_WORDS & told.keys()}
    release = partition.attributes.get("_software_release_document")
    if release is not None:
        url = attributes_of(release, "SoftwareRelease").read_text("_software_release")
        words.setdefault("slap_software_release_url", url)
    parameters = {name: told[name] for name in told if name not in SYSTEM_WORDS}
    return _read_instance(partition, words, parameters)


def read_instance(value: object) -> InstanceView:
    """Read the answer to a request; SlapProxy tells the time among the parameters."""
    answer = attributes_of(value, "SoftwareInstance")
    words = {name: answer.attributes[name] for name in SYSTEM_WORDS & answer.attributes.keys()}
    parameters = dict(answer.read_mapping("_parameter_dict"))
    if "timestamp" not in words and "timestamp" in parameters:
        words["timestamp"] = parameters.pop("timestamp")
    return _read_instance(answer, words, parameters)


def _read_instance(
    found: Attributes, words: Mapping[Any, Any], parameters: Mapping[Any, Any]
) -> InstanceView:
    system = Attributes(words, found.where)
    return InstanceView(
        computer_guid=system.read_text("slap_computer_id", found.read_text("_computer_id")),
        partition_id=system.read_text(
            "slap_computer_partition_id", found.read_text("_partition_id")
        ),
        instance_guid=found.read_text("_instance_guid"),
        title=system.read_text("instance_title"),
        root_title=system.read_text("root_instance_title"),
        root_short_title=system.read_text("root_instance_short_title"),
        software_type=system.read_text("slap_software_type"),
        release_url=system.read_text("slap_software_release_url"),
        state=_read_state(found).value,
        timestamp=system.read_moment("timestamp"),
        parameters=as_texts(parameters),
        connection=found.read_texts("_connection_dict"),
        sla=found.read_texts("_filter_dict"),
        ip_list=system.read_pairs("ip_list"),
        full_ip_list=system.read_routes("full_ip_list"),
        shared_instances=tuple(map(_read_shared, system.read_list("slave_instance_list"))),
        access_status=found.read_text("_access_status") or "#error no data found",
    )


def _read_state(found: Attributes) -> InstanceState:
    """Read what is wanted; SlapProxy doesn't say it of a shared instance, which is started."""
    return InstanceState(
        found.read_word("_requested_state", frozenset(InstanceState), InstanceState.STARTED)
    )


def _read_shared(value: object) -> SharedInstanceView:
    """Read what the host is told: connection and parameters come as one, and stay so."""
    if not isinstance(value, dict):
        raise ProtocolError(f"a shared instance is a {type(value).__name__}, not a dictionary")
    shared = Attributes(value, "a shared instance")
    return SharedInstanceView(
        title=shared.read_text("slave_title"),
        reference=shared.read_text("slave_reference"),
        software_type=shared.read_text("slap_software_type"),
        timestamp=shared.read_moment("timestamp"),
        parameters=as_texts({key: value[key] for key in value if key not in SHARED_WORDS}),
    )


def attributes_of(value: object, class_name: str) -> Attributes:
    """Give the attributes of a document of this class."""
    if not isinstance(value, Document) or value.class_name != class_name:
        found = value.class_name if isinstance(value, Document) else type(value).__name__
        raise ProtocolError(f"the answer is a {found}, not a {class_name}")
    return Attributes(value.attributes, class_name)
