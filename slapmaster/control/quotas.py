"""How much persons and projects may have."""

from dataclasses import asdict
from typing import Any

from slapmaster.control.lookup import find_person
from slapmaster.control.lookup import find_project
from slapmaster.domain.act import Act
from slapmaster.domain.person import Person
from slapmaster.domain.person import Quota
from slapmaster.domain.project import Project
from slapmaster.domain.quota import count
from slapmaster.domain.quota import set_quota

Answer = dict[str, Any]


def list_quotas(act: Act) -> list[Answer]:
    """Give whoever has a quota, and what they have."""
    site = act.site
    holders = [one for one in (*site.persons, *site.projects) if one.quota != Quota()]
    return [write_quota(act, holder) for holder in holders]


def limit_person(act: Act, who: str, **limits: int | None) -> Answer:
    return limit(act, find_person(act.site, who), limits)


def limit_project(act: Act, who: str, **limits: int | None) -> Answer:
    return limit(act, find_project(act.site, who), limits)


def limit(act: Act, holder: Person | Project, limits: dict[str, int | None]) -> Answer:
    said = {name: value for name, value in limits.items() if value is not None}
    set_quota(act, holder, said)
    return write_quota(act, holder)


def write_quota(act: Act, holder: Person | Project) -> Answer:
    trees = act.site.trees
    if isinstance(holder, Person):
        name, there = holder.name, count(trees.range_by("title", holder.reference))
    else:
        name, there = holder.title, count(trees.all_by("project", holder.reference))
    return {
        "reference": holder.reference,
        "name": name,
        **asdict(holder.quota),
        "has_instances": there.instances,
        "has_partitions": there.partitions,
    }
