"""The first person and the first project of a new master."""

import getpass
from collections.abc import Sequence
from typing import Any

from slapmaster.control.catalog import set_only_release
from slapmaster.control.lookup import find_person
from slapmaster.control.persons import add_person
from slapmaster.control.persons import write_person
from slapmaster.control.projects import add_project
from slapmaster.domain.act import Act
from slapmaster.domain.person import Person
from slapmaster.domain.project import Project
from slapmaster.domain.project import Role
from slapmaster.domain.registration import register_node

Answer = dict[str, Any]

#: The reference of the only person where there are no certificates.
ALONE = "PERS-1"


def begin(act: Act, name: str, email: str, project: str) -> Answer:
    """Make the first operator, manager of a first project; does nothing where there is one."""
    known = next((person for person in act.site.persons if person.operator), None)
    if known is not None:
        return {"made": False, "person": write_person(act, known)}
    reference = add_person(act, name, email, operator=True)["reference"]
    add_project(act, project, manager=reference)
    return {"made": True, "person": write_person(act, find_person(act.site, reference))}


def begin_alone(act: Act, node: str, products: Sequence[tuple[str, str]]) -> None:
    """Make the only person of a master without certificates, their project and their node.

    ``products`` are pairs of a title and the URL of its only release.  What is there stays.
    """
    person = act.site.persons.find(ALONE)
    if person is None:
        act.next_number("PERS")  # so that ALONE is not given again
        person = Person(ALONE, getpass.getuser(), f"{getpass.getuser()}@localhost")
        person.operator = True
        act.site.persons.add(person)
    if not person.projects:
        project = Project(act.new_reference("PROJ"), "main")
        project.any_release = project.open_hosts = True
        act.site.projects.add(project)
        project.give_role(person, Role.MANAGER)
    project = act.site.projects[person.projects.minKey()]
    if node not in act.site.nodes:
        register_node(act, project, node, reference=node)
    for title, url in products:
        set_only_release(act, project, title, url)
