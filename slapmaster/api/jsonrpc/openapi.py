"""The OpenAPI document: made from the same methods and schemas that answer the calls."""

from collections.abc import Iterable
from importlib.metadata import version

from slapcore.protocol.jsonrpc import JSON
from slapcore.protocol.jsonrpc import read_command
from slapcore.protocol.jsonrpc import read_definitions
from slapmaster.api.jsonrpc.method import EVERYBODY
from slapmaster.api.jsonrpc.method import MEDIA_TYPE
from slapmaster.api.jsonrpc.method import PREFIXES
from slapmaster.api.jsonrpc.method import Method

PATH = "/openapi.json"

#: What any method may answer beside what it promises.
REFUSALS = {
    "400": "malformed, or a value that is not allowed",
    "401": "no certificate, or no longer a good one",
    "403": "not there, not yours, or not allowed: `type` says which",
    "409": "contradicts what is there",
    "410": "was there once and is no longer kept",
    "429": "more than the asker may do at once: try again later",
    "503": "too many writers of the same thing: try again",
}


def write_openapi(methods: Iterable[Method]) -> JSON:
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "SlapOS Master, JSON-RPC",
            "version": version("slapmaster"),
            "description": "Every method is a POST of one JSON object.",
        },
        "servers": [{"url": prefix or "/"} for prefix in PREFIXES],
        "paths": {f"/{method.name}": {"post": write_operation(method)} for method in methods},
        "components": {
            "schemas": read_definitions(),
            "responses": {
                code: {"description": text, "content": write_content(refer("Error"))}
                for code, text in REFUSALS.items()
            },
            "securitySchemes": {"certificate": {"type": "mutualTLS"}},
        },
        "security": [{"certificate": []}],
    }


def write_operation(method: Method) -> JSON:
    command = read_command(method.name)
    operation: JSON = {
        "operationId": method.name,
        "summary": command.summary,
        "requestBody": {"required": True, "content": write_content(command.input)},
        "responses": {
            "200": {"description": "done", "content": write_content(command.output)},
            **{code: {"$ref": f"#/components/responses/{code}"} for code in REFUSALS},
        },
    }
    if method.permission == EVERYBODY:
        operation["security"] = []
    return operation


def write_content(schema: JSON) -> JSON:
    return {MEDIA_TYPE: {"schema": schema}}


def refer(name: str) -> JSON:
    return {"$ref": f"#/components/schemas/{name}"}
