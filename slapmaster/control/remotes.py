"""Remote nodes, as operators make them."""

from typing import Any

from slapmaster.api.demands import read_demands
from slapmaster.control.lookup import find_person
from slapmaster.control.lookup import find_project
from slapmaster.control.placing import read_pairs
from slapmaster.domain.act import Act
from slapmaster.domain.node import ComputeNode
from slapmaster.domain.remote import Way
from slapmaster.domain.remote import make_remote_node
from slapmaster.domain.values import freeze

Answer = dict[str, Any]
FILES = ("certificate", "key", "authority")


def add_remote(
    act: Act, title: str, project: str | None, partitions: int, way: dict[str, Any]
) -> Answer:
    """Make a node that another master, or another project of this one, stands for."""
    found = find_project(act.site, project)
    person, there = way.get("person"), way.get("remote_project") or ""
    said = Way(
        url=way.get("url") or "",
        person=find_person(act.site, person).reference if person else "",
        project=find_project(act.site, there).reference if person else there,
        fingerprint=way.get("fingerprint") or "",
        demands=freeze(read_demands(read_pairs(way.get("demands") or ())), "demands"),
        **{name: way.get(name) or "" for name in FILES},
    )
    return write_remote(make_remote_node(act, found, title, partitions, said))


def list_remotes(act: Act) -> list[Answer]:
    return [write_remote(act.site.nodes[reference]) for reference in act.site.remote_nodes]


def write_remote(node: ComputeNode) -> Answer:
    assert node.remote is not None
    way = node.remote.way
    return {
        "reference": node.reference,
        "title": node.title,
        "project": node.project,
        "url": way.url,
        "person": way.person,
        "remote_project": way.project,
        "partitions": len(node.partitions),
        "forwarded": len(node.remote.forwarded),
        "demands": dict(way.demands),
        "status": node.access.text,
    }
