"""Who may live where: what nodes are said to be, allocation supplies, hosts, policies; plans."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from slapcore.errors import InvalidValue
from slapcore.errors import NotFound
from slapmaster.api.demands import read_demands
from slapmaster.control.catalog import find_product
from slapmaster.control.lookup import find_node
from slapmaster.control.lookup import find_person
from slapmaster.control.lookup import find_project
from slapmaster.control.services import find_instance
from slapmaster.domain import provision
from slapmaster.domain.act import Act
from slapmaster.domain.allocation_supply import EVERY
from slapmaster.domain.allocation_supply import AllocationSupply
from slapmaster.domain.allocation_supply import InstanceNode
from slapmaster.domain.instance import SoftwareInstance
from slapmaster.domain.network import Network
from slapmaster.domain.plan import plan_service
from slapmaster.domain.policy import known_policies
from slapmaster.domain.provision import Offer
from slapmaster.domain.registration import change_capacity
from slapmaster.domain.registration import change_offer
from slapmaster.domain.request import Wanted

Answer = dict[str, Any]


def set_node(
    act: Act,
    node: str,
    network: str | None = None,
    categories: Sequence[str] = (),
    capacity: int | None = None,
) -> Answer:
    """Say what a node is: its network ('' for none), categories (key=value), its capacity."""
    found = find_node(act.site, node)
    said = {**dict(found.categories), **read_pairs(categories)}
    where = found.network
    if network is not None:
        where = find_network(act, found.project, network).reference if network else ""
    changed = change_offer(
        act, found, network=where, categories={key: value for key, value in said.items() if value}
    )
    if capacity is not None:
        changed |= change_capacity(act, found, capacity)
    return {
        "reference": found.reference,
        "changed": changed,
        "network": found.network,
        "categories": dict(found.categories),
        "capacity": found.standing.capacity,
    }


def read_pairs(texts: Sequence[str]) -> dict[str, str]:
    """Read texts like ``region=europe``."""
    for text in texts:
        if "=" not in text:
            raise InvalidValue(f"{text!r} is not like region=europe/france")
    return dict(text.split("=", 1) for text in texts)


def find_network(act: Act, project: str, which: str) -> Network:
    """Find a network of ``project`` by reference or title."""
    found = act.site.networks.find(which)
    if found is None or found.project != project:
        found = act.site.networks.find_by("title", (project, which))
    if found is None:
        raise NotFound(f"no network {which!r} in {project}")
    return found


def add_network(act: Act, title: str, project: str | None) -> Answer:
    return write_network(
        act, provision.add_network(act, find_project(act.site, project), title)
    )


def list_networks(act: Act, project: str | None = None) -> list[Answer]:
    if project is None:
        return [write_network(act, network) for network in act.site.networks]
    wanted = find_project(act.site, project).reference
    return [write_network(act, one) for one in act.site.networks.range_by("title", wanted)]


def write_network(act: Act, network: Network) -> Answer:
    key = (network.project, "network", network.reference)
    return {
        "reference": network.reference,
        "title": network.title,
        "project": network.project,
        "nodes": len(act.site.room.traits.get(key, ())),
    }


def choose_policy(act: Act, project: str, policy: str | None) -> Answer:
    """Have a policy choose in a project, or only say which one does."""
    found = find_project(act.site, project)
    changed = policy is not None and provision.choose_policy(act, found, policy)
    return {
        "project": found.reference,
        "policy": found.policy,
        "changed": changed,
        "installed": known_policies(act.hook),
    }


def declare_category(act: Act, project: str, key: str, value: str) -> Answer:
    found = find_project(act.site, project)
    changed = provision.declare_category(act, found, key, value)
    return {"project": found.reference, "category": f"{key}={value}", "changed": changed}


def weigh(act: Act, product: str, software_type: str, weight: int) -> Answer:
    """Have a type of a product take so much of a node's capacity."""
    found = find_product(act, product)
    project = act.site.projects[found.project]
    changed = provision.weigh(act, project, (found.reference, software_type, weight))
    return {"product": found.reference, "type": software_type, "weight": weight, "changed": changed}


def set_supply(act: Act, title: str, project: str | None, said: dict[str, Any]) -> Answer:
    """Have an allocation supply say what is ``said``; what is not said is not allowed."""
    found = find_project(act.site, project)
    person = said.get("person")
    offer = Offer(
        person=find_person(act.site, person).reference if person else "",
        nodes=tuple(
            sorted(
                EVERY if which == EVERY else find_node(act.site, which).reference
                for which in said.get("nodes", ())
            )
        ),
        hosts=tuple(sorted(find_host(act, which).reference for which in said.get("hosts", ()))),
        cells=provision.read_cells(
            [(name_product(act, product), *rest) for product, *rest in said.get("allow", ())]
        ),
        same_tree=bool(said.get("same_tree", False)),
    )
    return write_supply(act, provision.set_allocation_supply(act, found, title, offer))


def name_product(act: Act, which: str) -> str:
    return which if which in ("", "*") else find_product(act, which).reference


def list_supplies(act: Act, project: str | None = None) -> list[Answer]:
    if project is None:
        return [write_supply(act, supply) for supply in act.site.allocation_supplies]
    wanted = find_project(act.site, project)
    return [write_supply(act, act.site.allocation_supplies[one]) for one in wanted.supplies]


def remove_supply(act: Act, supply: str) -> Answer:
    found = find_supply(act, supply)
    provision.remove_allocation_supply(act, found)
    return {"reference": found.reference, "removed": True}


def find_supply(act: Act, which: str) -> AllocationSupply:
    """Find an allocation supply by reference, or by a title that only one has."""
    found = act.site.allocation_supplies.find(which)
    if found is not None:
        return found
    titled = [supply for supply in act.site.allocation_supplies if supply.title == which]
    if len(titled) != 1:
        raise NotFound(f"{len(titled) or 'no'} allocation supplies are called {which!r}")
    return titled[0]


def write_supply(act: Act, supply: AllocationSupply) -> Answer:
    return {
        "reference": supply.reference,
        "title": supply.title,
        "project": supply.project,
        "person": supply.person,
        "nodes": list(supply.nodes),
        "hosts": list(supply.hosts),
        "same_tree": supply.same_tree,
        "allow": [
            {
                "product": cell.product or "*",
                "type": cell.software_type or "*",
                "release": cell.release_url or "*",
            }
            for cell in supply.cells
        ],
    }


def offer_host(act: Act, instance: str, title: str | None) -> Answer:
    """Offer an instance as a host for shared ones."""
    found = find_instance(act, instance)
    if not isinstance(found, SoftwareInstance):
        raise InvalidValue(f"{found.reference} is shared itself and hosts nobody")
    project = act.site.projects[found.tree.project]
    return write_host(provision.offer_host(act, project, title or found.title, found))


def list_hosts(act: Act) -> list[Answer]:
    return [write_host(node) for node in act.site.instance_nodes]


def withdraw_host(act: Act, host: str) -> Answer:
    found = find_host(act, host)
    provision.withdraw_host(act, found)
    return {"reference": found.reference, "removed": True}


def find_host(act: Act, which: str) -> InstanceNode:
    """Find an instance node by its own reference, or that of its instance."""
    nodes = act.site.instance_nodes
    found = nodes.find(which) or nodes.find_by("instance", which)
    if found is None:
        raise NotFound(f"no instance node {which!r}")
    return found


def write_host(node: InstanceNode) -> Answer:
    return {
        "reference": node.reference,
        "title": node.title,
        "project": node.project,
        "instance": node.instance,
    }


def plan(
    act: Act, release: str, person: str | None, project: str | None, said: dict[str, Any]
) -> Answer:
    """Say where a request would lead, or why there is no place for it; nothing is stored."""
    who = find_person(act.site, person)
    where = find_project(act.site, project, who)
    wanted = Wanted(
        title=said.get("title") or "plan",
        release_url=release,
        software_type=said.get("type") or "default",
        demands=read_demands(read_pairs(said.get("demands", ()))),
        shared=bool(said.get("shared", False)),
    )
    found = plan_service(act, who, where, wanted)
    return {**asdict(found), "reasons": [asdict(reason) for reason in found.reasons]}
