"""A method of JSON-RPC: its name, what it is about, who may, its words for errors, its view."""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response
from pyramid.security import NO_PERMISSION_REQUIRED

from slapcore.errors import NotFound
from slapcore.errors import ProtocolError
from slapcore.errors import SlapError
from slapcore.protocol.jsonrpc import JSON
from slapcore.protocol.jsonrpc import read_body
from slapmaster.api.jsonrpc.refusal import FACE
from slapmaster.api.jsonrpc.refusal import Refused
from slapmaster.api.jsonrpc.refusal import Words
from slapmaster.api.jsonrpc.refusal import answer
from slapmaster.api.jsonrpc.refusal import find_word
from slapmaster.api.jsonrpc.schema import find_checks
from slapmaster.api.route import WayIn
from slapmaster.api.route import add_way_in
from slapmaster.auth.permissions import Subject

log = logging.getLogger(__name__)

#: Where the methods are: the second is what ERP5 calls its tool.
PREFIXES = ("", "/portal_web_services/slapos_master_api")
MEDIA_TYPE = "application/json"
#: Who may call a method that needs no proof of who asks.
EVERYBODY = NO_PERMISSION_REQUIRED

View = Callable[[Request], JSON]


@dataclass(frozen=True, kw_only=True)
class Method:
    """``about`` finds what the request is about from what is said, or raises ``NotFound``.

    ``absent`` is the word for that, ``denied`` the one for what the asker may see and not do,
    ``words`` those for what goes wrong after.  ``writes`` says that it may change anything;
    to say ``repeated`` again, as nodes do, changes nothing.
    """

    name: str
    about: Callable[[Request, JSON], Subject]
    permission: str
    absent: str = "NOT-FOUND"
    denied: str = "FORBIDDEN"
    words: Words = ()
    writes: bool = True
    repeated: tuple[str, ...] = ()

    def __call__(self, view: View) -> View:
        view.method = self  # type: ignore[attr-defined]
        return view

    def find_subject(self, request: Request) -> Subject | None:
        """Read what is said and find what it is about; nobody unknown learns of it."""
        request.called = self
        if self.writes and not self.is_repeated(request):
            request.take_turn()
        if self.permission != EVERYBODY:
            log.debug("%s calls %s", request.asker.reference, self.name)
        request.said = read_said(request)
        find_checks(self.name).check_input(request.said)
        try:
            return self.about(request, request.said)
        except NotFound as error:
            raise Refused(str(error), self.absent, 403) from error

    def is_repeated(self, request: Request) -> bool:
        """Tell whether this says what is likely to have been said before, or can't be read."""
        if not self.repeated:
            return False
        try:
            return read_body(request.body).get("reported_state") in self.repeated
        except ProtocolError:
            return True


def read_said(request: Request) -> JSON:
    if request.content_type != MEDIA_TYPE:
        raise ProtocolError(f"the body is {request.content_type[:80]!r}; {MEDIA_TYPE} is expected")
    return read_body(request.body)


def make_view(view: View, method: Method) -> Callable[[Request], Response]:
    """Wrap ``view``: its result is checked, its errors get the words of ``method``."""

    def call(request: Request) -> Response:
        try:
            told = view(request)
        except SlapError as error:
            refused = find_word(error, method.words)
            if refused is None:
                raise
            raise refused from error
        find_checks(method.name).check_output(told)
        return answer(told)

    call.method = method  # type: ignore[attr-defined]
    call.__doc__ = view.__doc__
    return call


def add_method(config: Configurator, view: View, method: Method) -> None:
    for prefix in PREFIXES:
        way = WayIn(
            name=f"{FACE}.{prefix}/{method.name}",
            path=f"{prefix}/{method.name}",
            method="POST",
            view=make_view(view, method),
            about=method.find_subject,
            permission=method.permission,
        )
        add_way_in(config, way)


def succeeded(title: str) -> JSON:
    """Tell that what was asked has been done."""
    return {"title": title, "type": "success"}
