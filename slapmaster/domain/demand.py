"""What a request demands of the place: is it known, and which nodes meet it?

A demand becomes a :class:`Sieve`: the nodes that meet it, or those that don't, as a set that
an index holds already.  Looking for a place and saying why there is none are both done with the
same sieves, so they never contradict one another.
"""

from collections.abc import Iterable
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from math import isfinite
from typing import Any

from BTrees.OOBTree import OOSet
from BTrees.OOBTree import difference
from BTrees.OOBTree import intersection

from slapcore.errors import InvalidValue
from slapmaster.domain.act import Act
from slapmaster.domain.allocation_supply import EVERY
from slapmaster.domain.allocation_supply import AllocationSupply
from slapmaster.domain.allocation_supply import nodes_allowed
from slapmaster.domain.allocation_supply import supplies_for
from slapmaster.domain.category import VALUES
from slapmaster.domain.category import branches
from slapmaster.domain.category import is_known
from slapmaster.domain.instance import Instance
from slapmaster.domain.node import ComputeNode
from slapmaster.domain.policy import find_policy
from slapmaster.domain.reliance import rely_on
from slapmaster.domain.reliance import rely_on_members
from slapmaster.domain.room import ANY
from slapmaster.domain.site import Site
from slapmaster.domain.values import CATEGORY_DEMANDS
from slapmaster.domain.values import FORWARDED
from slapmaster.domain.values import PLACE_DEMANDS
from slapmaster.domain.values import POLICY
from slapmaster.domain.values import TREE_DEMANDS
from slapmaster.domain.values import Parameters
from slapmaster.domain.values import is_relative
from slapmaster.domain.values import nearest

#: Up to so many are looked up one by one rather than walked beside the others.
FEW = 64
DELAY = "retention_delay"

#: a set of references: of an index, or made here
References = Any


class Mode(StrEnum):
    """How the instances of a tree are kept apart."""

    BY_NODE = "unique_by_node"
    BY_NETWORK = "unique_by_network"


MODES = tuple(str(mode) for mode in Mode)


@dataclass(frozen=True, slots=True)
class Sieve:
    """Lets pass the ``nodes`` or, where it does not ``keep`` them, all others.

    ``why`` is what is wrong with those that don't pass, in words.
    """

    why: str
    nodes: References
    keep: bool = True

    def passes(self, node: str) -> bool:
        return (node in self.nodes) is self.keep

    def apply(self, found: References) -> References:
        """Give those of ``found`` that pass; what is given is a set of its own."""
        if isinstance(self.nodes, OOSet) and len(self.nodes) <= FEW:
            known = OOSet([node for node in self.nodes if node in found])
            return known if self.keep else difference(found, known)
        return intersection(found, self.nodes) if self.keep else difference(found, self.nodes)


def sieves_for(site: Site, instance: Instance) -> Iterator[Sieve]:
    """Walk what the nodes for ``instance`` have to pass."""
    project, demands = instance.tree.project, dict(instance.demands)
    if "node" in demands:
        yield Sieve(f"not {demands['node']}", OOSet([demands["node"]]))
    if demands.get("project", project) != project:
        yield Sieve(f"not of {demands['project']}", OOSet())
    if site.remote_nodes and instance.tree.title.startswith(FORWARDED):
        yield Sieve("remote, and it was forwarded already", OOSet(site.remote_nodes), keep=False)
    if not instance.shared:
        allowed = nodes_allowed(supplies_for(site, instance))
        if allowed != (EVERY,):
            yield Sieve("no allocation supply allows this release and type", OOSet(allowed))
    for key in ("network", "capability", *CATEGORY_DEMANDS):
        if key in demands and not (instance.shared and key == "capability"):
            nodes = site.room.traits.get((project, key, demands[key]), OOSet())
            yield Sieve(f"without {key} {demands[key]}", nodes)
    if is_relative(instance.demands):
        yield from relative_sieves(site, instance, demands)


def relative_sieves(site: Site, instance: Instance, demands: dict[str, str]) -> Iterator[Sieve]:
    """Walk what depends on where the others of the tree live; nobody may settle meanwhile."""
    tree = instance.tree
    rely_on_members(tree.instances, tree.departing)
    rely_on(*tree.everything())
    taken = OOSet([place.node.reference for place in tree.places_beside(instance)])
    match demands.get("mode"):
        case Mode.BY_NODE:
            yield Sieve("another instance of the tree is there", taken, keep=False)
        case Mode.BY_NETWORK:
            project, traits = tree.project, site.room.traits
            yield Sieve("in no network", traits.get((project, "network", ANY), OOSet()))
            for network in {site.nodes[node].network for node in taken} - {""}:
                nodes = traits.get((project, "network", network), OOSet())
                yield Sieve(f"another instance of the tree is in {network}", nodes, keep=False)
    for key in ("affinity", "anti_affinity"):
        if key in demands:
            where = node_of(instance, demands[key])
            keep = key == "affinity"
            nearby = "not where" if keep else "where"
            yield Sieve(f"{nearby} {demands[key]!r} is", OOSet(where), keep=keep)


def node_of(instance: Instance, title: str) -> list[str]:
    """Give the node that the instance ``title`` of the same tree lives on, if it does."""
    other: Instance | None = instance.tree.instances.get(title)
    if other is None or other.partition is None:
        return []
    return [other.partition.node.reference]


def meets(site: Site, node: ComputeNode, instance: Instance) -> bool:
    """Tell whether ``node`` is what ``instance`` demands, whether it has room or not."""
    return all(sieve.passes(node.reference) for sieve in sieves_for(site, instance))


def choosing_demands(site: Site, instance: Instance) -> Parameters:
    """Give what decides where ``instance`` can live besides what room is asked for.

    Whoever waits with the same can live in the same places.  That is its demands; its tree if
    they look at that; the allocation supplies that allow it, where the project has any; and what
    it takes of a node's capacity if that is not 1.
    """
    keys = (*PLACE_DEMANDS, *TREE_DEMANDS, *CATEGORY_DEMANDS)
    found = [(key, value) for key, value in instance.demands if key in keys]
    supplies = supplies_for(site, instance)
    if supplies is not None:
        found.append(("supplies", " ".join(supply.reference for supply in supplies)))
    if instance.tree.title.startswith(FORWARDED) and not is_relative(instance.demands):
        found.append(("forwarded", "yes"))
    if is_relative(instance.demands) or looks_in_own_tree(instance, supplies):
        found.append(("tree", instance.tree.reference))
    weight = weight_of(site, instance)
    if weight != 1:
        found.append(("weight", str(weight)))
    return tuple(found)


def looks_in_own_tree(
    instance: Instance, supplies: tuple[AllocationSupply, ...] | None
) -> bool:
    return instance.shared and any(supply.same_tree for supply in supplies or ())


def weight_of(site: Site, instance: Instance) -> int:
    """Tell how much of a node's capacity ``instance`` takes."""
    if instance.shared:
        return 0
    for product, software_type, weight in site.projects[instance.tree.project].weights:
        releases = site.catalog[product].releases
        if software_type == instance.software_type and instance.release_url in releases:
            return weight
    return 1


def check_demanded(act: Act, instance: Instance) -> None:
    """Refuse a demand for what is not known, and say what perhaps was meant."""
    for key, value in instance.demands:
        if key in CATEGORY_DEMANDS:
            check_category(act.site, instance.tree.project, key, value)
        elif key == "mode":
            refuse_unknown(key, value, MODES)
        elif key in ("affinity", "anti_affinity"):
            if value == instance.title:
                raise InvalidValue(f"{value!r} can't demand {key} to itself")
        elif key == POLICY:
            find_policy(act.hook, value)
        elif key == DELAY:
            check_delay(value)
        else:
            check_thing(act.site, instance, key, value)


def check_category(site: Site, project: str, key: str, value: str) -> None:
    """Refuse a value of a category that neither everybody nor ``project`` knows."""
    if is_known(key, value):
        return
    declared = [known for name, known in site.projects[project].categories if name == key]
    known = {*VALUES[key], *site.room.values_of(project, key)}
    refuse_unknown(key, value, known.union(*map(branches, declared)))


def check_thing(site: Site, instance: Instance, key: str, value: str) -> None:
    """Refuse a node, an instance, a network or a project that is not there to be demanded."""
    project = instance.tree.project
    if key == "node":
        node = site.nodes.find(value)
        is_there = node is not None and node.project == project
    elif key == "network":
        network = site.networks.find(value)
        is_there = bool(site.room.traits.get((project, key, value)))
        is_there |= network is not None and network.project == project
    elif key == "instance":
        is_there = can_be_named(site, instance, value)
    else:
        is_there = key != "project" or value == project
    if not is_there:
        raise InvalidValue(f"there is no {key} {value!r} in {project}")


def can_be_named(site: Site, instance: Instance, host: str) -> bool:
    """Tell whether whoever asks for ``instance`` may know of the instance ``host``."""
    found, tree = site.instances.find(host), instance.tree
    if found is None or found.tree.project != tree.project:
        return False
    is_open = site.projects[tree.project].open_hosts
    is_offered = site.instance_nodes.find_by("instance", host) is not None
    return is_open or is_offered or found.tree.owner == tree.owner


def check_delay(value: str) -> None:
    try:
        days = float(value)
    except ValueError as error:
        raise InvalidValue(f"{value[:80]!r} can't be the {DELAY}: it is days, a number") from error
    if not (isfinite(days) and days >= 0):
        raise InvalidValue(f"the {DELAY} can't be {value[:80]}")


def refuse_unknown(key: str, value: str, known: Iterable[str]) -> None:
    words = sorted(known)
    if value not in words:
        hint = nearest(value, words)
        if not hint and len(words) <= FEW // 4:
            hint = f"; known are {', '.join(words)}"
        raise InvalidValue(f"nothing is known of the {key} {value[:80]!r}{hint}")
