"""Demands on a place: the names of the wire and those of the domain."""

from collections.abc import Mapping

#: wire -> domain; whatever is not here has the same name in both
NAMES = {
    "computer_guid": "node",
    "instance_guid": "instance",
    "project_guid": "project",
    "network_guid": "network",
}
WIRE_NAMES = {ours: theirs for theirs, ours in NAMES.items()}


def read_demands(wire: Mapping[str, str]) -> dict[str, str]:
    return {NAMES.get(key, key): value for key, value in wire.items()}


def write_demands(demands: Mapping[str, str]) -> dict[str, str]:
    return {WIRE_NAMES.get(key, key): value for key, value in demands.items()}
