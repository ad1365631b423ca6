"""XML-RPC at ``/RPC2``: every operation of classic SLAP, with native values.

An operation takes one struct of its classic fields; the fields that are marshalled there hold
native values here.  Each call is passed on to the operation itself as a request of its own: so
it has its own transaction, and the same permissions, checks and errors.  An error is a fault:
its code is the HTTP status, its string the sentence.
"""

from pyramid.config import Configurator
from pyramid.events import ApplicationCreated
from pyramid.request import Request
from pyramid.response import Response

from slapcore.errors import ProtocolError
from slapcore.protocol.xmlrpc import read_call
from slapcore.protocol.xmlrpc import write_answer
from slapcore.protocol.xmlrpc import write_fault
from slapmaster.api.route import WayIn
from slapmaster.api.route import add_way_in
from slapmaster.api.route import nothing
from slapmaster.api.xmlrpc.caller import Caller
from slapmaster.api.xmlrpc.fault import Fault

PATH = "/RPC2"
MEDIA_TYPES = ("text/xml", "application/xml")


def answer_call(request: Request) -> Response:
    """Answer one call, or a fault; both with HTTP status 200, as XML-RPC has it."""
    try:
        if request.content_type not in MEDIA_TYPES:
            raise Fault(400, f"the body is {request.content_type[:80]!r}; text/xml is expected")
        call = read_call(request.body)
        body = write_answer(Caller(request).run(call.name, call.arguments))
    except ProtocolError as error:
        body = write_fault(400, str(error))
    except Fault as fault:
        body = write_fault(fault.code, str(fault))
    response = Response(body=body, content_type="text/xml", charset="utf-8")
    response.headers["Cache-Control"] = "private, no-store"
    return response


def remember_application(event: ApplicationCreated) -> None:
    event.app.registry.application = event.app


def includeme(config: Configurator) -> None:
    """Add the one address; the operations see to it who may call them."""
    config.add_subscriber(remember_application, ApplicationCreated)
    way = WayIn(name="xmlrpc", path=PATH, method="POST", view=answer_call, about=nothing)
    add_way_in(config, way)
