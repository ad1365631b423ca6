"""The parts documents are made of: links, and forms of fields with what is in them."""

from collections.abc import Mapping
from dataclasses import dataclass

from pyramid.request import Request
from pyramid.response import Response

from slapcore.errors import InvalidValue
from slapmaster.api.form import check_fields
from slapmaster.api.form import read_fields

JSON = dict[str, object]

#: The view of a document that there is, and that the legacy client asks for.
VIEW = "slaposjs_view"


@dataclass(frozen=True)
class Field:
    """A field of a form; legacy clients read some types of fields only, these among them."""

    value: object
    kind: str = "StringField"


def answer(document: JSON) -> Response:
    """Answer a document; it is for the asker's eyes only."""
    response = Response(json_body=document, content_type="application/hal+json")
    response.headers["Cache-Control"] = "private, no-cache"
    return response


def urn(path: str) -> str:
    """Write a link to the document at ``path`` as the legacy client reads it."""
    return f"urn:jio:get:{path}"


def check_view(request: Request) -> None:
    """Refuse any view of a document but the one there is."""
    fields = read_fields(request)
    check_fields(fields, (), ("view",))
    view = fields.get("view", VIEW)
    if view != VIEW:
        raise InvalidValue(f"there is no view {view[:80]!r}; known is {VIEW}")


def write_form(portal_type: str, path: str, fields: Mapping[str, Field]) -> JSON:
    """Write a document: links, and its fields, each under ``my_`` and its name."""
    module = path.rpartition("/")[0]
    view: JSON = {
        "form_id": {
            "type": "StringField",
            "key": "form_id",
            "default": f"{portal_type.replace(' ', '')}_view",
        }
    }
    for name, field in fields.items():
        view[f"my_{name}"] = {
            "type": field.kind,
            "key": f"field_my_{name}",
            "default": field.value,
            "editable": 0,
        }
    return {
        "_links": {
            "self": {"href": urn(path)},
            "type": {"href": urn(f"portal_types/{portal_type}"), "name": portal_type},
            "parent": {"href": urn(module), "name": module},
        },
        "_embedded": {"_view": view},
    }
