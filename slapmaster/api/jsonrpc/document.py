"""Instances as this protocol shows them."""

import math

from slapcore.protocol import status as wire_status
from slapcore.protocol.jsonrpc import JSON
from slapmaster.api import nodeview
from slapmaster.api.demands import write_demands
from slapmaster.domain.instance import Instance

#: The demand that travels as a number.
DELAY = "retention_delay"


def write_instance(instance: Instance) -> JSON:
    """Write what is known of an instance, with its place or without one."""
    root = instance.tree.root or instance
    return {
        "title": instance.title,
        "instance_guid": instance.reference,
        "software_release_uri": instance.release_url,
        "software_type": instance.software_type,
        "state": instance.wanted_state.value,
        "connection_parameters": dict(instance.connection.parameters),
        "parameters": dict(instance.parameters),
        "shared": instance.shared,
        "root_instance_title": root.title,
        "sla_parameters": write_sla(instance),
        "access_status_message": write_status(instance),
        **write_place(instance),
    }


def write_place(instance: Instance) -> JSON:
    place = instance.partition
    if place is None:
        return {
            "ip_list": [],
            "full_ip_list": [],
            "computer_guid": "",
            "compute_partition_id": "",
            "processing_timestamp": 0,
        }
    return {
        "ip_list": [list(found) for found in nodeview.ip_list(place)],
        "full_ip_list": [list(found) for found in nodeview.full_ip_list(place)],
        "computer_guid": place.node.reference,
        "compute_partition_id": place.name,
        "processing_timestamp": place.timestamp,
    }


def write_status(instance: Instance) -> str:
    """Say what its node last said of it, or why it has no place."""
    if instance.partition is None and instance.waiting_for:
        return f"#error {instance.waiting_for}"
    return instance.access.text or wire_status.no_data(instance.reference).text


def write_sla(instance: Instance) -> JSON:
    sla: JSON = write_demands(dict(instance.demands))
    if DELAY in sla:
        sla[DELAY] = as_number(sla[DELAY])
    return sla


def as_number(text: str) -> float | str:
    """Give the number that ``text`` says; other faces may have said what is none."""
    try:
        number = float(text)
    except ValueError:
        return text
    return number if math.isfinite(number) else text
