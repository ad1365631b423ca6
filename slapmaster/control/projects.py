"""Projects and their members."""

from typing import Any

from slapmaster.control.lookup import find_person
from slapmaster.control.lookup import find_project
from slapmaster.domain.act import Act
from slapmaster.domain.project import Project
from slapmaster.domain.project import Role
from slapmaster.domain.values import check_title

Answer = dict[str, Any]


def add_project(
    act: Act,
    title: str,
    manager: str | None = None,
    any_release: bool = False,
    open_hosts: bool = False,
) -> Answer:
    """Make a project, and perhaps somebody its manager; raises ``Conflict`` when there is one.

    The flags are the rules of one person on one machine; they can't be changed later.
    """
    check_title(title)
    project = Project(act.new_reference("PROJ"), title)
    project.any_release, project.open_hosts = any_release, open_hosts
    act.site.projects.add(project)
    act.note("project added", project.reference, title)
    if manager is not None:
        give_role(act, project.reference, manager, Role.MANAGER)
    return write_project(act, project)


def list_projects(act: Act) -> list[Answer]:
    return [write_project(act, project) for project in act.site.projects]


def show_project(act: Act, project: str) -> Answer:
    found = find_project(act.site, project)
    members = [
        {"person": reference, "name": act.site.persons[reference].name, "role": str(role)}
        for reference, role in found.members.items()
    ]
    return {
        **write_project(act, found),
        "policy": found.policy,
        "any_release": found.any_release,
        "open_hosts": found.open_hosts,
        "categories": [f"{key}={value}" for key, value in found.categories],
        "members": members,
    }


def give_role(act: Act, project: str, person: str, role: str) -> Answer:
    """Make somebody a member in ``role``, whatever they were before."""
    found, member = find_project(act.site, project), find_person(act.site, person)
    changed = found.give_role(member, Role(role))
    if changed:
        act.note(f"member as {role}", found.reference, member.reference)
    return {"project": found.reference, "person": member.reference, "changed": changed}


def dismiss(act: Act, project: str, person: str) -> Answer:
    """End a membership; services that were requested stay."""
    found, member = find_project(act.site, project), find_person(act.site, person)
    changed = found.dismiss(member)
    if changed:
        act.note("member dismissed", found.reference, member.reference)
    return {"project": found.reference, "person": member.reference, "changed": changed}


def write_project(act: Act, project: Project) -> Answer:
    nodes = sum(1 for _ in act.site.nodes.range_by("title", project.reference))
    services = sum(1 for _ in act.site.trees.all_by("project", project.reference))
    return {
        "reference": project.reference,
        "title": project.title,
        "members": len(project.members),
        "nodes": nodes,
        "services": services,
    }
