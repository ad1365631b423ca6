"""What a node or a requester may see: persistent objects -> protocol documents.

A node's document is put together from one fragment per partition.  A fragment is made again
only when one of the records it shows has changed, the whole only when the node's revision has.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b

from persistent import Persistent

from slapcore.protocol import documents
from slapcore.protocol import marshal
from slapmaster.api.demands import write_demands
from slapmaster.api.kept import Kept
from slapmaster.api.kept import Versions
from slapmaster.api.kept import versions_of
from slapmaster.domain.instance import Instance
from slapmaster.domain.instance import SharedInstance
from slapmaster.domain.node import ComputeNode
from slapmaster.domain.node import ComputePartition

#: How many bytes of documents and fragments a process keeps, unless told otherwise.
KEPT_BYTES = 256 * 1024 * 1024

IPList = tuple[tuple[str, str], ...]
KnownFragment = tuple[Versions | None, marshal.Fragment]
Fragments = dict[str, KnownFragment]


@dataclass(frozen=True, slots=True)
class NodeDocument:
    """A node's document as it travels, its entity tag, and what it was put together from.

    ``orders`` changes when there is something to do for the node, and not when the document only
    shows what the node itself has said.
    """

    revision: int
    body: bytes
    etag: str
    orders: str
    fragments: Fragments

    @property
    def size(self) -> int:
        return 2 * len(self.body)  # the fragments hold about as much as the whole


class NodeDocuments:
    """The documents of nodes, kept as long as they are true and there is room."""

    def __init__(self, kept_bytes: int = KEPT_BYTES) -> None:
        self._kept: Kept[NodeDocument] = Kept(kept_bytes)

    def document_of(self, node: ComputeNode) -> NodeDocument:
        """Give the document of ``node``, as it is in its own connection's snapshot."""
        if node.revision._p_changed:
            return put_together(node, {})
        known = self._kept.get(node.reference)
        if known is not None and known.revision == node.revision():
            return known
        document = put_together(node, known.fragments if known is not None else {})
        self._kept.keep(node.reference, document, document.size)
        return document


def put_together(node: ComputeNode, known: Fragments) -> NodeDocument:
    fragments = {
        partition.name: fragment_of(partition, known.get(partition.name))
        for partition in node.in_service()
    }
    body = marshal.encode(
        documents.write_computer(
            node.reference, releases_of(node), [fragment for _, fragment in fragments.values()]
        )
    )
    etag = blake2b(body, digest_size=16).hexdigest()
    return NodeDocument(node.revision(), body, etag, orders_of(node), fragments)


def orders_of(node: ComputeNode) -> str:
    """Digest what ``node`` has to do: which releases, and which partitions since when."""
    told = [
        *((one.url, one.state.value) for one in node.installations.values()),
        *((place.name, str(place.timestamp)) for place in node.in_service()),
    ]
    text = "\n".join(" ".join(pair) for pair in told)
    return blake2b(text.encode(), digest_size=16).hexdigest()


def fragment_of(
    partition: ComputePartition, known: KnownFragment | None
) -> KnownFragment:
    versions = versions_of(records_of_partition(partition))
    if known is not None and versions is not None and known[0] == versions:
        return known
    return versions, marshal.encode_fragment(write_partition(partition))


def records_of_partition(partition: ComputePartition) -> list[Persistent]:
    """Give all records that the document of ``partition`` shows."""
    shown: list[Persistent] = [partition]
    instance = partition.instance
    if instance is not None:
        shown += [*records_of(instance), instance.access]
        for shared in partition.shared_instances():
            shown += records_of(shared)
    return shown


def records_of_answer(instance: Instance) -> list[Persistent]:
    """Give all records that the answer to a request of ``instance`` shows."""
    assert instance.partition is not None
    if instance.shared:
        return [*records_of(instance), instance.access, instance.partition]
    return records_of_partition(instance.partition)


def records_of(instance: Instance) -> list[Persistent]:
    root = instance.tree.root
    return [instance, instance.connection, instance.tree, *([root] if root is not None else [])]


def releases_of(node: ComputeNode) -> list[marshal.Document]:
    return [
        documents.write_release(installation.url, node.reference, installation.state.value)
        for installation in node.installations.values()
    ]


def write_partition(
    partition: ComputePartition, *, with_status: bool = True
) -> marshal.Document:
    """Write a partition as its node sees it: a free one is to be destroyed there."""
    if partition.instance is None:
        return documents.write_free_partition(partition.node.reference, partition.name)
    return documents.write_partition(
        view_of(partition.instance, partition), with_status=with_status
    )


def write_glimpse(node: ComputeNode, places: Iterable[ComputePartition]) -> bytes:
    """Write ``node`` with these partitions only, and without its releases."""
    return marshal.encode(
        documents.write_computer(node.reference, [], [write_partition(place) for place in places])
    )


def write_requested(instance: Instance) -> marshal.Document:
    """Write the answer to a request; ``instance`` has a place."""
    assert instance.partition is not None
    view = view_of(instance, instance.partition)
    if instance.shared:
        return documents.write_shared_instance(view)
    return documents.write_instance(view)


def view_of(instance: Instance, place: ComputePartition) -> documents.InstanceView:
    root = instance.tree.root or instance
    return documents.InstanceView(
        computer_guid=place.node.reference,
        partition_id=place.name,
        instance_guid=instance.reference,
        title=instance.title,
        root_title=root.title,
        root_short_title="",
        software_type=instance.software_type,
        release_url=instance.release_url,
        state=instance.wanted_state.value,
        parameters=dict(instance.parameters),
        connection=dict(instance.connection.parameters),
        sla=write_demands(dict(instance.demands)),
        ip_list=ip_list(place),
        full_ip_list=full_ip_list(place),
        shared_instances=() if instance.shared else shared_views(place),
        timestamp=place.timestamp,
        access_status=instance.access.text or f"#error no data found for {instance.reference}",
    )


def shared_views(place: ComputePartition) -> tuple[documents.SharedInstanceView, ...]:
    """Show the host which shared instances live in it: only those to be started."""
    return tuple(
        shared_view(shared)
        for shared in place.shared_instances()
        if shared.wanted_state.value == "started"
    )


def shared_view(shared: SharedInstance) -> documents.SharedInstanceView:
    return documents.SharedInstanceView(
        title=shared.title,
        reference=shared.reference,
        software_type=shared.software_type,
        timestamp=shared.changed,
        connection=dict(shared.connection.parameters),
        parameters=dict(shared.parameters),
    )


def ip_list(place: ComputePartition) -> IPList:
    return tuple((address.interface, address.ip) for address in place.addresses)


def full_ip_list(place: ComputePartition) -> tuple[tuple[str, str, str, str, str], ...]:
    """Give the addresses of routed interfaces with what is needed to route them."""
    return tuple(
        (address.interface, address.ip, address.gateway, address.netmask, address.network)
        for address in place.addresses
        if address.gateway
    )
