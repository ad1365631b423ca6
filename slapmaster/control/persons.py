"""Persons, their certificates, and the one-time tokens given to them."""

from typing import Any

from slapcore.errors import NotFound
from slapmaster.auth.seal import hash_token
from slapmaster.auth.seal import new_token
from slapmaster.control.certificates import issue
from slapmaster.control.certificates import take_back
from slapmaster.control.certificates import write_certificate
from slapmaster.control.lookup import find_person
from slapmaster.control.lookup import find_project
from slapmaster.control.lookup import write_time
from slapmaster.domain.act import Act
from slapmaster.domain.certificate import active_certificates
from slapmaster.domain.person import Person
from slapmaster.domain.site import Site
from slapmaster.domain.token import LIFETIME
from slapmaster.domain.token import Token
from slapmaster.domain.token import TokenPurpose
from slapmaster.domain.values import check_title

Answer = dict[str, Any]


def add_person(act: Act, name: str, email: str, operator: bool = False) -> Answer:
    """Make a person; raises ``Conflict`` when the e-mail address is somebody's."""
    check_title(name, "name")
    check_title(email, "e-mail address")
    person = Person(act.new_reference("PERS"), name, email)
    person.operator = operator
    act.site.persons.add(person)
    act.note("person added", person.reference, email)
    return write_person(act, person)


def list_persons(act: Act) -> list[Answer]:
    return [write_person(act, person) for person in act.site.persons]


def show_person(act: Act, who: str) -> Answer:
    person = find_person(act.site, who)
    certificates = [write_certificate(held) for held in person.certificates]
    services = [tree.title for tree in act.site.trees if tree.owner == person.reference]
    return {**write_person(act, person), "certificates": certificates, "services": services}


def issue_person_certificate(act: Act, who: str) -> Answer:
    return issue(act, find_person(act.site, who), only_one=False)


def revoke_person_certificate(act: Act, who: str, serial: str | None, reason: str) -> Answer:
    return take_back(act, find_person(act.site, who), serial, reason)


def write_person(act: Act, person: Person) -> Answer:
    return {
        "reference": person.reference,
        "name": person.name,
        "email": person.email,
        "operator": person.operator,
        "projects": roles_of(act.site, person),
        "active_certificates": len(active_certificates(person, act.now)),
    }


def roles_of(site: Site, person: Person) -> list[str]:
    """Say in which projects ``person`` is what."""
    projects = [site.projects[reference] for reference in person.projects]
    return [f"{project.reference} ({project.role_of(person)})" for project in projects]


def add_token(act: Act, purpose: str, who: str | None, project: str | None) -> Answer:
    """Make a one-time token; it is in what is returned, and nowhere else."""
    if act.issuer is None:
        raise NotFound("this master works without certificates, so there are no tokens")
    person = find_person(act.site, who)
    place = find_project(act.site, project, person).reference if purpose == "node" else ""
    if place and place not in person.projects:
        raise NotFound(f"{person.reference} is not a member of {place}")
    token = new_token()
    expires = act.now + LIFETIME
    kept = Token(TokenPurpose(purpose), person.reference, place, expires)
    act.site.tokens.add(hash_token(token), kept, act.now)
    act.note("token given", person.reference, purpose)
    return {
        "token": token,
        "purpose": purpose,
        "person": person.reference,
        "project": place,
        "expires": write_time(expires),
    }
