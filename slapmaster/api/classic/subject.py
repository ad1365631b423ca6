"""What a request is about, found by its fields."""

from pyramid.request import Request

from slapcore.errors import NotFound
from slapmaster.auth.permissions import Subject
from slapmaster.domain.node import ComputePartition


def the_site(request: Request, fields: dict[str, str]) -> Subject:
    return Subject(site=request.site)


def the_node(request: Request, fields: dict[str, str]) -> Subject:
    """Find the node ``computer_id``."""
    return node_called(request, fields["computer_id"])


def node_called(request: Request, reference: str) -> Subject:
    node = request.site.nodes[reference]
    return Subject(site=request.site, node=node, absent=f"no compute node {reference!r}")


def the_partition(request: Request, fields: dict[str, str]) -> Subject:
    """Find the partition ``computer_partition_id`` of the node ``computer_id``."""
    return partition_called(request, fields["computer_id"], fields["computer_partition_id"])


def the_registered_partition(request: Request, fields: dict[str, str]) -> Subject:
    return partition_called(
        request, fields["computer_reference"], fields["computer_partition_reference"]
    )


def partition_called(request: Request, reference: str, name: str) -> Subject:
    absent = f"no partition {name!r} on {reference}"
    node = request.site.nodes.find(reference)
    partition: ComputePartition | None = node.partitions.get(name) if node is not None else None
    if node is None or partition is None:
        raise NotFound(absent)
    instance = partition.instance
    return Subject(
        site=request.site,
        node=node,
        partition=partition,
        instance=instance,
        tree=instance.tree if instance is not None else None,
        absent=absent,
    )
