"""Find what is wrong with a site: every index and every rule, computed again and compared.

Walks the whole site and changes nothing.  A problem is a sentence that names the object and
its fault.  What is walked can be dropped from memory now and then by ``rest``.
"""

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from typing import Any
from typing import TypeVar

from BTrees.OOBTree import OOBTree
from persistent import Persistent

from slapcore.states import InstanceState
from slapcore.states import ReleaseState
from slapmaster.domain.allocation import wanted_place
from slapmaster.domain.certificate import Holder
from slapmaster.domain.container import Container
from slapmaster.domain.demand import choosing_demands
from slapmaster.domain.hosting import host_key
from slapmaster.domain.instance import Instance
from slapmaster.domain.instance import SharedInstance
from slapmaster.domain.instance import SoftwareInstance
from slapmaster.domain.instance import is_host
from slapmaster.domain.node import ComputeNode
from slapmaster.domain.node import ComputePartition
from slapmaster.domain.room import ANY
from slapmaster.domain.room import Turn
from slapmaster.domain.room import traits_of
from slapmaster.domain.site import Site
from slapmaster.domain.tree import InstanceTree
from slapmaster.domain.values import is_relative

#: How many objects are looked at between two rests.
STRIDE = 1_000

Thing = TypeVar("Thing")


def find_problems(site: Site, rest: Callable[[], object] | None = None) -> Iterator[str]:
    """Walk what is wrong with ``site``; ``rest`` is called every thousand objects or so.

    On a large site ``rest`` is to drop what the connection holds, as its ``cacheMinimize``
    does: then the walk needs little memory.
    """
    return Walk(site, rest).find_problems()


class Walk:
    """One walk over a site."""

    def __init__(self, site: Site, rest: Callable[[], object] | None) -> None:
        self.site = site
        self._rest = rest
        self._seen = 0

    def find_problems(self) -> Iterator[str]:
        for container in containers(self.site):
            yield from self._check_container(container)
        for node in self._walk(self.site.nodes):
            yield from self._check_node(node)
        for tree in self._walk(self.site.trees):
            yield from check_tree(tree)
        for instance in self._walk(self.site.instances):
            yield from check_instance(self.site, instance)
        yield from self._check_room()
        yield from self._check_roles()
        yield from self._check_tokens()
        yield from self._check_revocations()
        for holder in self._walk_holders():
            yield from check_certificates(self.site, holder)
        for reference in self._walk_references():
            yield from check_sequence(self.site, reference)

    def _walk(self, things: Iterable[Thing]) -> Iterator[Thing]:
        for thing in things:
            yield thing
            self._seen += 1
            if self._rest is not None and self._seen % STRIDE == 0:
                self._rest()

    def _walk_sets(self, index: OOBTree) -> Iterator[tuple[Any, str]]:
        for key, references in index.items():
            for reference in self._walk(references):
                yield key, reference

    def _check_container(self, container: Container[Any]) -> Iterator[str]:
        kind, found = container.kind, 0
        for reference, member in self._walk(container.members.items()):
            found += 1
            if member.reference != reference:
                yield f"{kind} {member.reference} is listed as {reference}"
            yield from check_keys(container, member)
        if found != len(container):
            yield f"{found} of kind {kind} are there, {len(container)} are counted"
        for name, key_of in container.unique.items():
            for key, member in self._walk(container.indexes[name].items()):
                if container.find(member.reference) is not member or key_of(member) != key:
                    yield f"{kind} {member.reference} is wrongly indexed by {name} {key!r}"
        for name, key_of in container.many.items():
            for key, reference in self._walk_sets(container.indexes[name]):
                listed = container.find(reference)
                if listed is None or key_of(listed) != key:
                    yield f"{kind} {reference} is wrongly indexed by {name} {key!r}"

    def _check_node(self, node: ComputeNode) -> Iterator[str]:
        yield from check_project(self.site, node.reference, node.project)
        free = 0
        for name, partition in self._walk(node.partitions.items()):
            where = f"partition {name} of {node.reference}"
            free += partition.is_free
            if partition.name != name or partition.node is not node:
                yield f"{where} does not know that it is"
            if (name in node.free) is not partition.is_free:
                said = "listed" if name in node.free else "not listed"
                yield f"{where} is {said} as free and {'is' if partition.is_free else 'is not'}"
            yield from self._check_partition(where, partition)
        for name in node.free:
            if name not in node.partitions:
                yield f"partition {name} of {node.reference} is listed as free and not there"
        if node.free_count() != free:
            yield f"{node.reference} has {free} free partitions and counts {node.free_count()}"
        for url, installation in self._walk(node.installations.items()):
            if installation.url != url or installation.node is not node:
                yield f"installation {installation.reference} on {node.reference} is not of {url}"
        yield from check_listed(self.site, node)

    def _check_partition(self, where: str, partition: ComputePartition) -> Iterator[str]:
        instance = partition.instance
        if instance is not None:
            if instance.partition is not partition:
                yield f"{where} is taken by {instance.reference}, which lives elsewhere"
            if self.site.instances.find(instance.reference) is not instance:
                yield f"{where} is taken by {instance.reference}, which is gone"
        elif partition.shared:
            yield f"{where} has shared instances and no host"
        for reference, shared in (partition.shared or {}).items():
            if shared.reference != reference or shared.partition is not partition:
                yield f"{where} wrongly lists the shared instance {reference}"
            if self.site.instances.find(reference) is not shared:
                yield f"{where} lists the shared instance {reference}, which is gone"

    def _check_room(self) -> Iterator[str]:
        for key, reference in self._walk_sets(self.site.room.nodes):
            node = self.site.nodes.find(reference)
            if node is None or key not in room_keys(node):
                yield f"room lists {reference} as having room under {key!r}: wrongly"
        for key, reference in self._walk_sets(self.site.room.supplied):
            node = self.site.nodes.find(reference)
            if node is None or key not in {(node.project, url) for url in node.standing.supplied}:
                yield f"room lists {reference} as supplied under {key!r}: wrongly"
        for key, reference in self._walk_sets(self.site.room.hosts):
            host = self.site.instances.find(reference)
            if not is_host(host) or key != host_key(self.site, host):
                yield f"room lists {reference} as host under {key!r}: wrongly"
        yield from self._check_traits()
        for key, queue in self.site.room.queues.items():
            for demands, line in queue.lines.items():
                for since, instance in self._walk(line.items()):
                    yield from self._check_turn(Turn(key, demands, since), instance)

    def _check_traits(self) -> Iterator[str]:
        for key, reference in self._walk_sets(self.site.room.states):
            node = self.site.nodes.find(reference)
            if node is None or key != (node.project, str(node.availability)):
                yield f"room lists {reference} as being in the state {key!r}: wrongly"
        for key, reference in self._walk_sets(self.site.room.traits):
            node = self.site.nodes.find(reference)
            if node is None or key[0] != node.project or key[1:] not in traits_of(node):
                yield f"room lists {reference} under {key!r}: wrongly"

    def _check_turn(self, turn: Turn, instance: Instance) -> Iterator[str]:
        if instance.turn != turn:
            yield f"{instance.reference} stands in the queue for {turn.key!r}: wrongly"
        if self.site.instances.find(instance.reference) is not instance:
            yield f"{instance.reference} stands in the queue for {turn.key!r} and is gone"

    def _check_roles(self) -> Iterator[str]:
        for project in self._walk(self.site.projects):
            for reference in self._walk(project.members):
                person = self.site.persons.find(reference)
                if person is None or project.reference not in person.projects:
                    yield f"{reference} is a member of {project.reference} and does not know it"
        for person in self._walk(self.site.persons):
            for reference in person.projects:
                joined = self.site.projects.find(reference)
                if joined is None or person.reference not in joined.members:
                    yield f"{person.reference} believes to be a member of {reference} and is not"

    def _check_tokens(self) -> Iterator[str]:
        for digest, token in self._walk(self.site.tokens.by_hash.items()):
            where = f"the token {digest[:8]}…"
            if token.person not in self.site.persons:
                yield f"{where} is of {token.person}, who is not there"
            if token.project and token.project not in self.site.projects:
                yield f"{where} is for {token.project}, which is not there"
            if (token.expires, digest) not in self.site.tokens.by_end:
                yield f"{where} is not listed by its end"
        for _, digest in self._walk(self.site.tokens.by_end):
            if digest not in self.site.tokens.by_hash:
                yield f"the token {digest[:8]}… is listed by its end and not there"

    def _check_revocations(self) -> Iterator[str]:
        for serial, revocation in self._walk(self.site.revocations.items()):
            if (revocation.not_after, serial) not in self.site.revocations_by_end:
                yield f"the revoked certificate {serial} is not listed by its end"
        for _, serial in self._walk(self.site.revocations_by_end):
            if serial not in self.site.revocations:
                yield f"the certificate {serial} is listed by its end and not revoked"

    def _walk_holders(self) -> Iterator[Holder]:
        yield from self._walk(self.site.persons)
        yield from self._walk(self.site.nodes)
        for instance in self._walk(self.site.instances):
            if isinstance(instance, SoftwareInstance):
                yield instance

    def _walk_references(self) -> Iterator[str]:
        for container in containers(self.site):
            yield from self._walk(container.members)
        for node in self._walk(self.site.nodes):
            for installation in self._walk(node.installations.values()):
                yield installation.reference


def containers(site: Site) -> tuple[Container[Any], ...]:
    return (site.persons, site.projects, site.nodes, site.catalog, site.trees, site.instances)


def check_keys(container: Container[Any], member: Persistent) -> Iterator[str]:
    """Look whether ``member`` is in every index under the key it has now."""
    what = f"{container.kind} {member.reference}"
    for name, key_of in container.unique.items():
        key = key_of(member)
        if key is not None and container.indexes[name].get(key) is not member:
            yield f"{what} is not indexed by {name} {key!r}"
    for name, key_of in container.many.items():
        key = key_of(member)
        if key is not None and member.reference not in container.indexes[name].get(key, ()):
            yield f"{what} is not indexed by {name} {key!r}"


def check_project(site: Site, reference: str, project: str) -> Iterator[str]:
    if project not in site.projects:
        yield f"{reference} belongs to {project}, which is not there"


def room_keys(node: ComputeNode) -> set[tuple[str, str]]:
    """Give where room has to list ``node``."""
    if not node.has_room:
        return set()
    return {(node.project, url) for url in (ANY, *node.standing.supplied)}


def check_listed(site: Site, node: ComputeNode) -> Iterator[str]:
    """Look whether ``node`` is listed wherever it has to be."""
    supplied = tuple(
        url
        for url, installation in node.installations.items()
        if installation.state is ReleaseState.AVAILABLE
    )
    if node.standing.supplied != supplied:
        yield f"{node.reference} has {supplied} supplied and stands for {node.standing.supplied}"
    if node.standing.listed is not node.has_room:
        yield f"{node.reference} {'has' if node.has_room else 'has no'} room and stands otherwise"
    for key in room_keys(node):
        if node.reference not in site.room.nodes.get(key, ()):
            yield f"{node.reference} has room for {key[1] or 'anything'} and is not listed"
    yield from check_described(site, node)
    for url in supplied:
        if node.reference not in site.room.supplied.get((node.project, url), ()):
            yield f"{node.reference} has {url} supplied and is not listed as having it"


def check_described(site: Site, node: ComputeNode) -> Iterator[str]:
    """Look whether ``node`` is listed by what it is, and carries what it says."""
    availability = (node.project, str(node.availability))
    if node.reference not in site.room.states.get(availability, ()):
        yield f"{node.reference} is {node.availability} and is not listed as that"
    for trait in traits_of(node):
        if node.reference not in site.room.traits.get((node.project, *trait), ()):
            yield f"{node.reference} is not listed under {trait!r}"
    standing = node.standing
    if standing.capacity and standing.load != node.weigh():
        yield f"{node.reference} carries {node.weigh()} and counts {standing.load}"


def check_tree(tree: InstanceTree) -> Iterator[str]:
    for title, instance in tree.instances.items():
        if instance.title != title or instance.tree is not tree:
            yield f"{tree.reference} wrongly lists {instance.reference} as {title!r}"
        if instance.state is InstanceState.DESTROYED:
            yield f"{instance.reference} is destroyed and keeps its title in {tree.reference}"
    root = tree.root
    if root is None or tree.instances.get(tree.title) is not root or root.requester is not None:
        yield f"{tree.reference} has no root called {tree.title!r}"
    elif root.state is not tree.state:
        yield f"{tree.reference} is {tree.state} and its root is {root.state}"
    for reference, instance in (tree.expecting or {}).items():
        if instance.turn is None or not is_relative(instance.demands):
            yield f"{tree.reference} wrongly lists {reference} as waiting for others of it"
    for reference, instance in tree.departing.items():
        if instance.reference != reference or instance.state is not InstanceState.DESTROYED:
            yield f"{tree.reference} wrongly lists {reference} as departing"


def check_instance(site: Site, instance: Instance) -> Iterator[str]:
    yield from check_project(site, instance.reference, instance.tree.project)
    yield from check_in_tree(site, instance)
    yield from check_requesters(instance)
    yield from check_children(instance)
    yield from check_place(instance)
    yield from check_waiting(site, instance)
    if is_host(instance):
        key = host_key(site, instance)
        if instance.reference not in site.room.hosts.get(key, ()):
            yield f"{instance.reference} is not listed as host for {key!r}"


def check_in_tree(site: Site, instance: Instance) -> Iterator[str]:
    tree, what = instance.tree, f"{instance.reference} in {instance.tree.reference}"
    if instance.state is InstanceState.DESTROYED:
        if tree.departing.get(instance.reference) is not instance:
            yield f"{what} is destroyed and not listed as departing"
        if instance.shared or instance.partition is None:
            yield f"{what} is destroyed, has no partition of its own, and is still there"
        return
    if tree.instances.get(instance.title) is not instance:
        yield f"{what} is not listed by its title {instance.title!r}"
    if site.trees.find(tree.reference) is not tree:
        yield f"{what} is wanted, but its tree is gone"
    if instance.requester is None and tree.root is not instance:
        yield f"{what} was asked for by nobody and is not the root"


def check_requesters(instance: Instance) -> Iterator[str]:
    """Look whether the way from ``instance`` up to the root is sound."""
    above, passed = instance.requester, {instance.reference}
    while above is not None:
        if above.tree is not instance.tree:
            yield f"{instance.reference} was asked for by {above.reference} of another tree"
            return
        if above.reference in passed:
            yield f"{instance.reference} was asked for in a circle, by way of {above.reference}"
            return
        passed.add(above.reference)
        above = above.requester
    requester = instance.requester
    if requester is None or instance.state is InstanceState.DESTROYED:
        return
    if requester.state is InstanceState.DESTROYED:
        yield f"{instance.reference} outlives {requester.reference}, which asked for it"
    if (requester.children or {}).get(instance.reference) is not instance:
        yield f"{instance.reference} is not listed as asked for by {requester.reference}"


def check_children(instance: Instance) -> Iterator[str]:
    if not isinstance(instance, SoftwareInstance):
        return
    for reference, child in (instance.children or {}).items():
        if child.reference != reference or child.requester is not instance:
            yield f"{instance.reference} wrongly lists {reference} as asked for"
        if child.state is InstanceState.DESTROYED:
            yield f"{instance.reference} lists {reference}, which is destroyed, as asked for"


def check_place(instance: Instance) -> Iterator[str]:
    place = instance.partition
    if place is None:
        return
    where = f"{place.name} of {place.node.reference}"
    if place.node.partitions.get(place.name) is not place:
        yield f"{instance.reference} lives in {where}, which is not there"
    if place.node.project != instance.tree.project:
        yield f"{instance.reference} lives in {where}, which is of another project"
    if isinstance(instance, SharedInstance):
        if (place.shared or {}).get(instance.reference) is not instance:
            yield f"{instance.reference} shares {where}, which does not list it"
    elif place.instance is not instance:
        yield f"{instance.reference} lives in {where}, which does not know it"


def check_waiting(site: Site, instance: Instance) -> Iterator[str]:
    """Look whether ``instance`` waits just when it has to, and in the right queue."""
    turn = instance.turn
    if instance.partition is not None or instance.state is InstanceState.DESTROYED:
        if turn is not None or instance.waiting_for:
            yield f"{instance.reference} waits for a place that it does not need"
        return
    if turn is None:
        yield f"{instance.reference} has no place and does not wait for one"
        return
    if (turn.key, turn.demands) != (wanted_place(site, instance), choosing_demands(site, instance)):
        yield f"{instance.reference} waits for something else than it wants"
    if is_relative(instance.demands) and instance.reference not in (instance.tree.expecting or ()):
        yield f"{instance.reference} waits for others of its tree, which does not know"
    queue = site.room.queues.get(turn.key)
    line = queue.lines.get(turn.demands, {}) if queue is not None else {}
    if line.get(turn.since) is not instance:
        yield f"{instance.reference} waits and does not stand in the queue for {turn.key!r}"


def check_certificates(site: Site, holder: Holder) -> Iterator[str]:
    for held in holder.certificates:
        if held.serial in site.revocations:
            yield f"{holder.reference} still holds the revoked certificate {held.serial}"


def check_sequence(site: Site, reference: str) -> Iterator[str]:
    """Look whether the number in ``reference`` can't be handed out again.

    A node of one person's own machine has the name that its owner chose.
    """
    prefix, _, number = reference.rpartition("-")
    if not (prefix and number.isdigit()):
        return
    sequence = site.sequences.by_prefix.get(prefix)
    if sequence is None or int(number) >= sequence.next_free:
        yield f"the number of {reference} was never reserved"
