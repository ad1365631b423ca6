"""Finding what an operator means: by reference, or by a name that only one thing has."""

from datetime import UTC
from datetime import datetime
from typing import TypeVar

from slapcore.errors import InvalidValue
from slapcore.errors import NotFound
from slapmaster.domain.node import ComputeNode
from slapmaster.domain.person import Person
from slapmaster.domain.project import Project
from slapmaster.domain.site import Site

Found = TypeVar("Found", Person, Project, ComputeNode)


def find_person(site: Site, who: str | None) -> Person:
    """Find a person by reference, e-mail address or name; without any of them, the only one."""
    if who is None:
        return the_only(list(site.persons), "person")
    found = site.persons.find(who) or site.persons.find_by("email", who.lower())
    return found or the_only([one for one in site.persons if one.name == who], "person", who)


def find_project(site: Site, which: str | None, person: Person | None = None) -> Project:
    """Find a project by reference or title; without either, the only one (of ``person``)."""
    if which is not None:
        found = site.projects.find(which) or site.projects.find_by("title", which)
        if found is None:
            raise NotFound(f"no project {which!r}")
        return found
    if person is None:
        return the_only(list(site.projects), "project")
    return the_only([site.projects[reference] for reference in person.projects], "project")


def find_node(site: Site, which: str) -> ComputeNode:
    """Find a node by reference or title."""
    found = site.nodes.find(which)
    return found or the_only([one for one in site.nodes if one.title == which], "node", which)


def the_only(found: list[Found], kind: str, wanted: str = "") -> Found:
    if len(found) == 1:
        return found[0]
    if not found:
        raise NotFound(f"no {kind} {wanted!r}" if wanted else f"there is no {kind} yet")
    names = ", ".join(one.reference for one in found[:10])
    raise InvalidValue(f"which {kind} is meant? There are {names}")


def write_time(microseconds: int) -> str:
    """Write a moment for people and programs; nothing for one that was never."""
    if not microseconds:
        return ""
    return f"{datetime.fromtimestamp(microseconds / 1_000_000, UTC):%Y-%m-%dT%H:%M:%SZ}"


def read_time(text: str) -> int:
    """Read a moment or a date; without a zone it is UTC."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidValue(f"{text!r} is no date like 2026-01-31 or 2026-01-31T12:00") from error
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return int(aware.timestamp() * 1_000_000)
