"""Services and their instances: where they live, or what they wait for."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from slapcore.errors import InvalidValue
from slapcore.errors import NotFound
from slapmaster.control.lookup import find_node
from slapmaster.control.lookup import find_person
from slapmaster.control.lookup import find_project
from slapmaster.control.lookup import write_time
from slapmaster.domain.act import Act
from slapmaster.domain.instance import Instance
from slapmaster.domain.node import ComputeNode
from slapmaster.domain.reasons import explain
from slapmaster.domain.tree import InstanceTree

Answer = dict[str, Any]


def list_services(
    act: Act, project: str | None = None, person: str | None = None, waiting: bool = False
) -> list[Answer]:
    """List services; with ``waiting`` those in which something has no place."""
    trees = trees_in(act, project)
    if person is not None:
        owner = find_person(act.site, person).reference
        trees = (tree for tree in trees if tree.owner == owner)
    answers = (write_service(tree) for tree in trees)
    return [answer for answer in answers if answer["waiting"] or not waiting]


def show_service(act: Act, service: str) -> Answer:
    tree = find_service(act, service)
    instances = [write_instance(instance) for instance in tree.everything()]
    return {**write_service(tree), "all": instances}


def list_instances(
    act: Act, project: str | None = None, node: str | None = None, waiting: bool = False
) -> list[Answer]:
    """List instances; with ``waiting`` those without a place."""
    if node is not None:
        found = instances_on(find_node(act.site, node))
    elif project is None:
        found = iter(act.site.instances)
    else:
        found = (one for tree in trees_in(act, project) for one in tree.everything())
    return [write_instance(one) for one in found if one.partition is None or not waiting]


def show_instance(act: Act, instance: str) -> Answer:
    found = find_instance(act, instance)
    return {
        **write_instance(found),
        "asked_for_by": found.requester.reference if found.requester is not None else "",
        "waits_since": write_time(found.turn.since) if found.turn is not None else "",
        "why_not": why_not(act, found),
        "said": write_time(found.access.reported),
        "parameters": dict(found.parameters),
        "demands": dict(found.demands),
        "connection": dict(found.connection.parameters),
    }


def why_not(act: Act, instance: Instance) -> list[Answer]:
    """Say why an instance has no place, as things are now; what it keeps is from when it asked."""
    if instance.turn is None:
        return []
    return [asdict(reason) for reason in explain(act.site, instance)]


def trees_in(act: Act, project: str | None) -> Iterator[InstanceTree]:
    if project is None:
        return iter(act.site.trees)
    return act.site.trees.all_by("project", find_project(act.site, project).reference)


def instances_on(node: ComputeNode) -> Iterator[Instance]:
    for place in node.partitions.values():
        if place.instance is not None:
            yield place.instance
        yield from place.shared_instances()


def find_service(act: Act, wanted: str) -> InstanceTree:
    """Find a service by reference, or by a title that only one has."""
    tree = act.site.trees.find(wanted)
    if tree is not None:
        return tree
    titled = [tree for tree in act.site.trees if tree.title == wanted]
    refuse_doubt("service", wanted, [tree.reference for tree in titled])
    return titled[0]


def find_instance(act: Act, wanted: str) -> Instance:
    """Find an instance by reference, or by a title that only one has."""
    instance = act.site.instances.find(wanted)
    if instance is not None:
        return instance
    titled = [instance for instance in act.site.instances if instance.title == wanted]
    refuse_doubt("instance", wanted, [instance.reference for instance in titled])
    return titled[0]


def refuse_doubt(kind: str, wanted: str, references: list[str]) -> None:
    if not references:
        raise NotFound(f"no {kind} {wanted!r}")
    if len(references) > 1:
        names = ", ".join(references[:10])
        raise InvalidValue(f"which {kind} {wanted!r} is meant? There are {names}")


def write_service(tree: InstanceTree) -> Answer:
    everything = list(tree.everything())
    return {
        "reference": tree.reference,
        "title": tree.title,
        "owner": tree.owner,
        "project": tree.project,
        "state": str(tree.state),
        "release": tree.root.release_url if tree.root is not None else "",
        "instances": len(everything),
        "waiting": sum(1 for one in everything if one.partition is None),
    }


def write_instance(instance: Instance) -> Answer:
    place = instance.partition
    return {
        "reference": instance.reference,
        "title": instance.title,
        "service": instance.tree.reference,
        "shared": instance.shared,
        "release": instance.release_url,
        "type": instance.software_type,
        "state": str(instance.wanted_state),
        "node": place.node.reference if place is not None else "",
        "partition": place.name if place is not None else "",
        "status": instance.access.text,
        "waiting_for": instance.waiting_for,
    }
