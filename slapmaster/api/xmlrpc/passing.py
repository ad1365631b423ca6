"""Passes a call on to the classic operation, and its answer back: native values both ways."""

from collections.abc import Mapping
from io import BytesIO
from urllib.parse import urlencode

from pyramid.request import Request
from pyramid.response import Response

from slapcore.errors import ProtocolError
from slapcore.protocol import marshal
from slapcore.protocol.xmlrpc import Value
from slapmaster.api.form import FORM
from slapmaster.api.operation import Operation

#: What belongs to the request that came in and not to the one that is passed on.  Everything
#: else is: whoever asks, from where, and with which claim.
LEFT_OUT = (
    "webob.", "tm.", "repoze.", "retry.", "pyramid.", "bfg.", "wsgi.input", "CONTENT_",
    "HTTP_CONTENT_", "HTTP_TRANSFER_ENCODING", "HTTP_IF_", "HTTP_RANGE", "HTTP_ACCEPT",
    "PATH_INFO", "QUERY_STRING", "REQUEST_METHOD",
)  # fmt: skip

#: What a call without a result is answered in classic SLAP.
NOTHING = b"None"


def pass_on(request: Request, operation: Operation, fields: Mapping[str, str]) -> Response:
    """Have the application answer the operation as if it were asked for over HTTP."""
    text = urlencode(fields)
    body = text.encode() if operation.method == "POST" else b""
    environ = {
        **{name: value for name, value in request.environ.items() if is_passed_on(name)},
        "PATH_INFO": operation.path,
        "QUERY_STRING": text if operation.method == "GET" else "",
        "REQUEST_METHOD": operation.method,
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": BytesIO(body),
        "webob.is_body_seekable": True,
    }
    if operation.method == "POST":
        environ["CONTENT_TYPE"] = FORM
    return Request(environ).get_response(request.registry.application)


def is_passed_on(name: str) -> bool:
    return not name.startswith(LEFT_OUT)


def write_fields(operation: Operation, struct: Mapping[str, Value]) -> dict[str, str]:
    """Write a struct as the fields of ``operation``; nothing is not said."""
    return {
        name: write_field(operation, name, value)
        for name, value in struct.items()
        if value is not None
    }


def write_field(operation: Operation, name: str, value: Value) -> str:
    if name in operation.marshalled:
        return marshal.encode(value).decode()
    if not isinstance(value, str):
        raise ProtocolError(f"field {name[:80]!r} is text, and a {type(value).__name__} was said")
    return value


def native(response: Response) -> object:
    """Read what an operation has answered; true stands for no result."""
    if response.content_type != "text/xml":
        return response.text
    if response.body == NOTHING:
        return True
    return as_native(marshal.decode(response.body, max_bytes=len(response.body)))


def as_native(value: object) -> object:
    """Show a document as the struct of its attributes."""
    if isinstance(value, marshal.Document):
        return {name: as_native(part) for name, part in value.attributes.items()}
    if isinstance(value, dict):
        return {name: as_native(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [as_native(part) for part in value]
    return value
