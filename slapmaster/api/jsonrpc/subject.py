"""What a call is about, found by what it says."""

from pyramid.request import Request

from slapcore.errors import InvalidValue
from slapcore.errors import NotFound
from slapcore.protocol.description import read_json_description
from slapcore.protocol.jsonrpc import JSON
from slapmaster.api.alone import welcome_node
from slapmaster.auth.permissions import Subject
from slapmaster.domain.instance import Instance
from slapmaster.domain.node import ComputePartition
from slapmaster.domain.tree import InstanceTree

# Words for what is not there, or not the asker's.
NODE_ABSENT = "COMPUTE-NODE-NOT-FOUND"
INSTANCE_ABSENT = "SOFTWARE-INSTANCE-NOT-FOUND"
INSTALLATION_ABSENT = "SOFTWARE-INSTALLATION-NOT-FOUND"
HOST_ABSENT = "HOST-INSTANCE-NOT-FOUND"
TREE_ABSENT = "INSTANCE-TREE-NOT-FOUND"


def nothing(request: Request, said: JSON) -> None:
    """What is told to everybody is about nothing."""


def the_site(request: Request, said: JSON) -> Subject:
    return Subject(site=request.site)


def the_node(request: Request, said: JSON) -> Subject:
    node = request.site.nodes[said["computer_guid"]]
    return Subject(site=request.site, node=node, absent=f"no compute node {node.reference!r}")


def the_described_node(request: Request, said: JSON) -> Subject:
    """Find the node that describes itself; to its only person any node is known."""
    request.description = read_json_description(said)
    welcome_node(request, request.description.reference)
    return the_node(request, said)


def the_partition(request: Request, said: JSON) -> Subject:
    reference, name = said["computer_guid"], said["compute_partition_id"]
    absent = f"no partition {name!r} on {reference}"
    node = request.site.nodes.find(reference)
    partition: ComputePartition | None = node.partitions.get(name) if node is not None else None
    if partition is None:
        raise NotFound(absent)
    return about_partition(request, partition, absent)


def about_partition(request: Request, partition: ComputePartition, absent: str) -> Subject:
    instance = partition.instance
    return Subject(
        site=request.site,
        node=partition.node,
        partition=partition,
        instance=instance,
        tree=instance.tree if instance is not None else None,
        absent=absent,
    )


def the_instance(request: Request, said: JSON) -> Subject:
    reference = said["instance_guid"]
    return about_instance(request, request.site.instances[reference], f"no instance {reference!r}")


def about_instance(request: Request, instance: Instance, absent: str) -> Subject:
    place = instance.partition
    return Subject(
        site=request.site,
        node=place.node if place is not None else None,
        partition=place,
        instance=instance,
        tree=instance.tree,
        absent=absent,
    )


def the_service(request: Request, said: JSON) -> Subject:
    """Find the root instance of the asker's service of this title."""
    absent = f"no service {said['title']!r}"
    project = said.get("project_guid")
    trees = trees_of(request, said["title"])
    found = [tree for tree in trees if tree.root and project in (None, tree.project)]
    if not found:
        raise NotFound(absent)
    if len(found) > 1:
        names = ", ".join(tree.project for tree in found[:10])
        raise InvalidValue(f"you have a service {said['title']!r} in each of {names}")
    assert found[0].root is not None
    return about_instance(request, found[0].root, absent)


def trees_of(request: Request, title: str) -> list[InstanceTree]:
    """Give the services called ``title`` of the asker, or the asker's own one."""
    asker = request.asker
    if asker.instance is not None:
        tree = asker.instance.tree
        return [tree] if tree.title == title else []
    if asker.person is None:
        return []
    keys = ((asker.person.reference, project, title) for project in asker.person.projects)
    found = (request.site.trees.find_by("title", key) for key in keys)
    return [tree for tree in found if tree is not None]


def the_requester(request: Request, said: JSON) -> Subject:
    """Find the instance that asks, known by its certificate; or the site when a person does.

    One person on one machine needs no certificate: there the partition that is claimed counts.
    """
    asker = request.asker
    if asker.instance is not None:
        return about_instance(request, asker.instance, "no such instance any more")
    if asker.alone and asker.claim is not None:
        node, name = asker.claim
        return the_partition(request, {"computer_guid": node, "compute_partition_id": name})
    return Subject(site=request.site)
