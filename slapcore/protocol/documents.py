"""The four documents of SLAP, written from what the master knows.

- What the system says of an instance wins over a parameter of the same name, for an instance as
  for the shared instances it hosts; nobody can pass for another by naming a parameter.
- Addresses with a route are in ``full_ip_list``.  SlapProxy calls that list
  ``full_address_list`` and leaves it empty; no client from 1.24 on reads that name, so it is
  not written.
- ``_parameter_dict`` of a ComputerPartition is overlaid with what the system says; that of a
  SoftwareInstance is what was asked for, and the system's words are attributes beside it.
"""

from collections.abc import Iterable
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field

from slapcore.protocol.marshal import Document
from slapcore.protocol.marshal import Fragment


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
