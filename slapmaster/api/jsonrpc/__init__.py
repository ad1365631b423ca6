"""JSON-RPC v0 and WIP: ``POST /<method>`` with one JSON object in, and one out.

Here are the routes; the methods are one module per subject, their schemas in
``slapcore/protocol/schemas``.
"""

import json
from collections.abc import Iterator
from importlib import import_module

from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response

from slapmaster.api.jsonrpc.method import Method
from slapmaster.api.jsonrpc.method import View
from slapmaster.api.jsonrpc.method import add_method
from slapmaster.api.jsonrpc.openapi import PATH
from slapmaster.api.jsonrpc.openapi import write_openapi
from slapmaster.api.route import WayIn
from slapmaster.api.route import add_way_in
from slapmaster.api.route import nothing

#: The modules whose views are the methods.
MODULES = (
    "site", "node", "software", "instance", "plan", "tree", "catalog", "certificate", "event",
    "closing", "moving",
)  # fmt: skip


def list_methods() -> Iterator[tuple[View, Method]]:
    """Walk every method of the protocol."""
    for name in MODULES:
        module = import_module(f"slapmaster.api.jsonrpc.{name}")
        for value in vars(module).values():
            method = getattr(value, "method", None)
            if isinstance(method, Method):
                yield value, method


def includeme(config: Configurator) -> None:
    """Add every method, and the document that describes them."""
    config.include("slapmaster.api.jsonrpc.refusal")
    document = json.dumps(write_openapi([method for _, method in list_methods()])).encode()

    def get_document(request: Request) -> Response:
        return Response(body=document, content_type="application/json", charset="utf-8")

    way = WayIn(name="openapi", path=PATH, method="GET", view=get_document, about=nothing)
    add_way_in(config, way)
    for view, method in list_methods():
        add_method(config, view, method)
