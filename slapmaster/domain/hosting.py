"""Hosts: the instances that a shared one may live in.

Without allocation supplies these are those of its owner, of its release and type; where the
project has its hosts open, anybody's.  With allocation supplies they are the instance nodes that
the supplies offer, and those of its own tree if they say so.
"""

from collections.abc import Iterator
from itertools import islice

from BTrees.OOBTree import OOSet

from slapmaster.domain.allocation_supply import hosts_offered
from slapmaster.domain.allocation_supply import supplies_for
from slapmaster.domain.demand import FEW
from slapmaster.domain.demand import meets
from slapmaster.domain.demand import sieves_for
from slapmaster.domain.instance import Instance
from slapmaster.domain.instance import SharedInstance
from slapmaster.domain.instance import SoftwareInstance
from slapmaster.domain.instance import is_host
from slapmaster.domain.node import ComputePartition
from slapmaster.domain.room import ANY
from slapmaster.domain.room import Key
from slapmaster.domain.site import Site

#: How many hosts are looked at for one that meets all demands.
LOOKED_AT = 10_000


def host_key(site: Site, instance: Instance) -> Key:
    """Give the key that room has ``instance`` under as a host, or its possible hosts."""
    project = site.projects[instance.tree.project]
    owner = ANY if project.open_hosts else instance.tree.owner
    return (project.reference, owner, instance.release_url, instance.software_type)


def possible_hosts(site: Site, instance: SharedInstance) -> Iterator[SoftwareInstance]:
    """Walk the instances that ``instance`` may share, whatever it demands."""
    supplies = supplies_for(site, instance)
    for reference in hosts_offered(site, supplies):
        offered = site.instances.find(reference)
        if is_host(offered) and offered.tree.project == instance.tree.project:
            yield offered
    if supplies is None or site.projects[instance.tree.project].open_hosts:
        for reference in islice(site.room.find_hosts(host_key(site, instance)), LOOKED_AT):
            host = site.instances[reference]
            assert isinstance(host, SoftwareInstance)
            yield host
    elif any(supply.same_tree for supply in supplies):
        yield from hosts_in_tree(instance)


def hosts_in_tree(instance: SharedInstance) -> Iterator[SoftwareInstance]:
    """Walk the possible hosts of the tree itself."""
    wanted = (instance.release_url, instance.software_type)
    for host in instance.tree.instances.values():
        if is_host(host) and (host.release_url, host.software_type) == wanted:
            yield host


def hosts_for(site: Site, instance: SharedInstance) -> Iterator[ComputePartition]:
    """Walk the partitions of instances that ``instance`` may live in."""
    for host in named_or_possible(site, instance):
        assert host.partition is not None
        if meets(site, host.partition.node, instance):
            yield host.partition


def named_or_possible(site: Site, instance: SharedInstance) -> Iterator[SoftwareInstance]:
    """Walk the host that is demanded, or those on the few nodes that are; else all there are."""
    wanted, nodes = dict(instance.demands).get("instance"), few_nodes(site, instance)
    if wanted is not None:
        named = site.instances.find(wanted)
        if is_host(named) and can_host(site, named, instance):
            yield named
    elif nodes is not None:
        yield from hosts_on(site, nodes, instance)
    else:
        yield from possible_hosts(site, instance)


def few_nodes(site: Site, instance: Instance) -> OOSet | None:
    """Give the nodes where ``instance`` has to live, if its demands leave only a few."""
    for sieve in sieves_for(site, instance):
        if sieve.keep and isinstance(sieve.nodes, OOSet) and len(sieve.nodes) <= FEW:
            return sieve.nodes
    return None


def hosts_on(site: Site, nodes: OOSet, instance: Instance) -> Iterator[SoftwareInstance]:
    """Walk the hosts that ``instance`` may share on ``nodes``."""
    for reference in nodes:
        node = site.nodes.find(reference)
        for partition in node.partitions.values() if node is not None else ():
            host = partition.instance
            if is_host(host) and can_host(site, host, instance):
                yield host


def can_host(site: Site, host: SoftwareInstance, instance: Instance) -> bool:
    """Tell whether ``instance`` may live in ``host`` and demands nothing else."""
    assert host.partition is not None
    if dict(instance.demands).get("instance", host.reference) != host.reference:
        return False
    return may_share(site, host, instance) and meets(site, host.partition.node, instance)


def may_share(site: Site, host: SoftwareInstance, instance: Instance) -> bool:
    if host.tree.project != instance.tree.project:
        return False
    supplies = supplies_for(site, instance)
    if host.reference in hosts_offered(site, supplies):
        return True
    if host_key(site, host) != host_key(site, instance):
        return False
    if supplies is None or site.projects[host.tree.project].open_hosts:
        return True
    return host.tree is instance.tree and any(supply.same_tree for supply in supplies)
