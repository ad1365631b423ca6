"""Nodes, and the releases supplied to them."""

from dataclasses import asdict
from typing import Any

from slapcore.errors import InvalidValue
from slapcore.states import ReleaseState
from slapmaster.control.certificates import issue
from slapmaster.control.certificates import take_back
from slapmaster.control.certificates import write_certificate
from slapmaster.control.lookup import find_node
from slapmaster.control.lookup import find_project
from slapmaster.control.lookup import read_time
from slapmaster.control.lookup import write_time
from slapmaster.domain.act import Act
from slapmaster.domain.certificate import active_certificates
from slapmaster.domain.certification import revoke_all
from slapmaster.domain.closure import cordon
from slapmaster.domain.closure import declare_lost
from slapmaster.domain.closure import drain
from slapmaster.domain.closure import uncordon
from slapmaster.domain.installation import SoftwareInstallation
from slapmaster.domain.installation import supply
from slapmaster.domain.node import AllocationScope
from slapmaster.domain.node import Closure
from slapmaster.domain.node import ComputeNode
from slapmaster.domain.node import ComputePartition
from slapmaster.domain.registration import change_scope
from slapmaster.storage import Pulse

Answer = dict[str, Any]


def list_nodes(act: Act, project: str | None = None, *, pulse: Pulse) -> list[Answer]:
    if project is None:
        return [write_node(act, node, pulse) for node in act.site.nodes]
    wanted = find_project(act.site, project).reference
    return [write_node(act, node, pulse) for node in act.site.nodes.range_by("title", wanted)]


def show_node(act: Act, node: str, *, pulse: Pulse) -> Answer:
    found = find_node(act.site, node)
    return {
        **write_node(act, found, pulse),
        "closed": write_closure(found.closure),
        "reported": write_time(found.access.reported),
        "agent": found.facts.agent_version,
        "system": found.facts.os_type,
        "address": found.facts.address,
        "network": found.network,
        "categories": dict(found.categories),
        "capacity": found.standing.capacity,
        "availability": str(found.availability),
        "certificates": [write_certificate(held) for held in found.certificates],
        "releases": [write_installation(one) for one in found.installations.values()],
        "places": [write_place(place) for place in found.partitions.values()],
    }


def scope_node(act: Act, node: str, scope: str) -> Answer:
    """Open or close a node to new instances."""
    found = find_node(act.site, node)
    try:
        wanted = AllocationScope(scope)
    except ValueError as error:
        known = ", ".join(AllocationScope)
        raise InvalidValue(f"{scope!r} is no scope; known are {known}") from error
    return {"reference": found.reference, "changed": change_scope(act, found, wanted)}


def cordon_node(act: Act, node: str, reason: str, until: str | None) -> Answer:
    found = find_node(act.site, node)
    changed = cordon(act, found, reason, read_until(until))
    return {"reference": found.reference, "changed": changed}


def drain_node(act: Act, node: str, reason: str, until: str | None, move: bool) -> list[Answer]:
    """Want a node empty; give what became of what is to leave it now."""
    found = find_node(act.site, node)
    return [asdict(left) for left in drain(act, found, reason, read_until(until), moves=move)]


def uncordon_node(act: Act, node: str) -> Answer:
    found = find_node(act.site, node)
    return {"reference": found.reference, "changed": uncordon(act, found)}


def lose_node(act: Act, node: str, reason: str) -> list[Answer]:
    """Give a node up; give what became of what lived on it."""
    return [asdict(left) for left in declare_lost(act, find_node(act.site, node), reason)]


def read_until(text: str | None) -> int:
    return read_time(text) if text is not None else 0


def revoke_node_certificate(act: Act, node: str, reason: str) -> Answer:
    return take_back(act, find_node(act.site, node), None, reason)


def renew_node_certificate(act: Act, node: str) -> Answer:
    """Revoke what the node has, and make it another certificate."""
    found = find_node(act.site, node)
    revoke_all(act, found, "renewed")
    return issue(act, found, only_one=True)


def supply_release(act: Act, node: str, url: str, state: str) -> Answer:
    found = find_node(act.site, node)
    supply(act, found, url, ReleaseState(state))
    return {"node": found.reference, "release": url, "state": state}


def list_supplied(act: Act, node: str | None = None) -> list[Answer]:
    nodes = act.site.nodes if node is None else [find_node(act.site, node)]
    return [
        {"node": found.reference, **write_installation(one)}
        for found in nodes
        for one in found.installations.values()
    ]


def write_closure(closure: Closure | None) -> Answer:
    """Write why a node is closed, if there is more to say than its scope."""
    if closure is None:
        return {}
    return {
        "kind": str(closure.kind),
        "reason": closure.reason,
        "by": closure.by,
        "since": write_time(closure.since),
        "until": write_time(closure.until),
        "move": closure.moves,
    }


def write_node(act: Act, node: ComputeNode, pulse: Pulse) -> Answer:
    return {
        "reference": node.reference,
        "title": node.title,
        "project": node.project,
        "scope": str(node.scope),
        "partitions": len(node.partitions),
        "free": node.free_count(),
        "releases": len(node.installations),
        "active_certificates": len(active_certificates(node, act.now)),
        "heard": write_time(max(pulse.last(node.reference) or 0, node.access.reported)),
        "reason": node.closure.reason if node.closure is not None else "",
        "status": node.access.text,
    }


def write_installation(installation: SoftwareInstallation) -> Answer:
    return {
        "reference": installation.reference,
        "release": installation.url,
        "state": str(installation.state),
        "status": installation.access.text,
        "reported": write_time(installation.access.reported),
    }


def write_place(place: ComputePartition) -> Answer:
    instance = place.instance
    return {
        "name": place.name,
        "active": place.active,
        "instance": instance.reference if instance is not None else "",
        "title": instance.title if instance is not None else "",
        "shared": sum(1 for _ in place.shared_instances()),
        "addresses": [address.ip for address in place.addresses],
    }
