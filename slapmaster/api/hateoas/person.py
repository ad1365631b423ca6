"""A person: shown to themselves, and given a token to register a node with."""

from pyramid.request import Request
from pyramid.response import Response

from slapcore.errors import NotFound
from slapmaster.api.form import check_fields
from slapmaster.api.form import read_fields
from slapmaster.api.hateoas.begin import PERSONS
from slapmaster.api.hateoas.begin import absent
from slapmaster.api.hateoas.begin import look_up
from slapmaster.api.hateoas.document import Field
from slapmaster.api.hateoas.document import answer
from slapmaster.api.hateoas.document import check_view
from slapmaster.api.hateoas.document import write_form
from slapmaster.api.projects import find_project
from slapmaster.auth.permissions import Subject
from slapmaster.auth.seal import hash_token
from slapmaster.auth.seal import new_token
from slapmaster.domain.token import LIFETIME
from slapmaster.domain.token import Token
from slapmaster.domain.token import TokenPurpose


def the_person(request: Request) -> Subject:
    persons = request.site.persons
    return Subject(
        site=request.site, person=look_up(request, persons), absent=absent(request, persons)
    )


def get_form(request: Request) -> Response:
    check_view(request)
    person = request.context.person
    fields = {
        "reference": Field(person.reference),
        "title": Field(person.name),
        "default_email_coordinate_text": Field(person.email, "EmailField"),
    }
    return answer(write_form("Person", f"{PERSONS}/{person.reference}", fields))


def get_node_token(request: Request) -> Response:
    """Give a one-time token to register a node with; who has several projects names one."""
    fields = read_fields(request)
    check_fields(fields, (), ("project_reference",))
    if request.registry.issuer is None:
        raise NotFound("this master works without certificates, so there are no tokens")
    project = find_project(request, fields.get("project_reference"), to_run_nodes=True)
    act, shown = request.act, new_token()
    token = Token(
        TokenPurpose.NODE, request.asker.reference, project.reference, act.now + LIFETIME
    )
    act.site.tokens.add(hash_token(shown), token, act.now)
    act.note("token given", request.asker.reference, TokenPurpose.NODE)
    response = answer({"access_token": shown})
    response.headers["Cache-Control"] = "private, no-store"
    return response
