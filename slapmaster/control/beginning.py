"""The first person and the first project of a new master."""

from typing import Any

from slapmaster.control.lookup import find_person
from slapmaster.control.persons import add_person
from slapmaster.control.persons import write_person
from slapmaster.control.projects import add_project
from slapmaster.domain.act import Act

Answer = dict[str, Any]


def begin(act: Act, name: str, email: str, project: str) -> Answer:
    """Make the first operator, manager of a first project; does nothing where there is one."""
    known = next((person for person in act.site.persons if person.operator), None)
    if known is not None:
        return {"made": False, "person": write_person(act, known)}
    reference = add_person(act, name, email, operator=True)["reference"]
    add_project(act, project, manager=reference)
    return {"made": True, "person": write_person(act, find_person(act.site, reference))}
