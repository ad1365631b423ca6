"""An operation of classic SLAP: its name, its fields, what it is about, who may, and its view."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response

from slapcore.protocol import marshal
from slapmaster.api.form import check_fields
from slapmaster.api.form import read_fields
from slapmaster.api.operation import Operation
from slapmaster.api.operation import add_operation
from slapmaster.api.route import View
from slapmaster.api.route import WayIn
from slapmaster.api.route import add_way_in
from slapmaster.auth.permissions import Subject

log = logging.getLogger(__name__)

#: Where the operations are: the second is what ERP5 calls its tool.
PREFIXES = ("", "/portal_slap")

XML = "text/xml; charset=utf-8"
#: What a call without a result is answered.
NOTHING = b"None"


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """``about`` finds what the request is about from its fields, or raises ``NotFound``.

    ``marshalled`` are the fields that hold marshalled values; ``report`` says that the same is
    said again and again, which changes nothing; ``waits`` that the answer may take its time, so
    that no other face passes it on.
    """

    name: str
    method: str
    about: Callable[[Request, dict[str, str]], Subject]
    permission: str
    required: tuple[str, ...]
    optional: tuple[str, ...] = ()
    marshalled: tuple[str, ...] = ()
    report: bool = False
    waits: bool = False

    def __call__(self, view: View) -> View:
        view.endpoint = self  # type: ignore[attr-defined]
        return view

    def find_subject(self, request: Request) -> Subject:
        """Read the fields and find what the request is about; nobody unknown learns of it."""
        if self.method == "POST" and not self.report:
            request.take_turn()
        log.debug("%s calls %s", request.asker.reference, self.name)
        fields = read_fields(request)
        check_fields(fields, self.required, self.optional)
        request.fields = fields
        return self.about(request, fields)


def add_all(config: Configurator, module_name: str) -> None:
    """Add the routes of every operation in a module."""
    module = import_module(module_name)
    for value in vars(module).values():
        if hasattr(value, "endpoint"):
            add_endpoint(config, value, value.endpoint)


def add_endpoint(config: Configurator, view: View, endpoint: Endpoint) -> None:
    for prefix in PREFIXES:
        way = WayIn(
            name=f"classic{prefix}.{endpoint.name}",
            path=f"{prefix}/{endpoint.name}",
            method=endpoint.method,
            view=view,
            about=endpoint.find_subject,
            permission=endpoint.permission,
        )
        add_way_in(config, way)
    if endpoint.waits:
        return
    operation = Operation(
        name=endpoint.name,
        path=f"/{endpoint.name}",
        method=endpoint.method,
        required=endpoint.required,
        optional=endpoint.optional,
        marshalled=endpoint.marshalled,
    )
    add_operation(config, operation)


def answer(value: object) -> Response:
    """Answer a marshalled value."""
    return answer_encoded(marshal.encode(value))


def answer_encoded(body: bytes) -> Response:
    """Answer what is marshalled already."""
    return Response(body=body, content_type="text/xml", charset="utf-8")


def nothing() -> Response:
    """Answer a call that has no result."""
    return Response(body=NOTHING, content_type="text/xml", charset="utf-8")


def words(text: str) -> Response:
    """Answer a few words."""
    return Response(body=text.encode(), content_type="text/plain", charset="utf-8")
