"""Errors as classic clients understand them: a code they know, and a body that says why."""

import logging

from pyramid.config import Configurator
from pyramid.exceptions import URLDecodeError
from pyramid.httpexceptions import HTTPForbidden
from pyramid.httpexceptions import HTTPNotFound
from pyramid.request import Request
from pyramid.response import Response
from pyramid_retry import is_last_attempt
from ZODB.POSException import ConflictError

from slapcore import errors
from slapmaster.api.route import About
from slapmaster.auth.permissions import Subject
from slapmaster.auth.permissions import may_see

log = logging.getLogger(__name__)

#: what a classic client understands of our errors; the first match counts
STATUS: tuple[tuple[type[errors.SlapError], int], ...] = (
    (errors.NotFound, 404),
    (errors.NotReady, 408),
    (errors.Gone, 410),
    (errors.TooMany, 429),
    (errors.Unauthenticated, 401),
    (errors.Forbidden, 403),
    (errors.Conflict, 409),
    (errors.ProtocolError, 400),
    (errors.InvalidValue, 400),
    (errors.PolicyFailed, 503),
)


def slap_error(error: errors.SlapError, request: Request) -> Response:
    status = next((code for kind, code in STATUS if isinstance(error, kind)), 500)
    response = refusal(str(error), status)
    if status == 401:
        response.headers["WWW-Authenticate"] = f'X-Delegate uri="{request.application_url}"'
    if status == 429:
        response.headers["Retry-After"] = "1"
    return response


def forbidden(error: HTTPForbidden, request: Request) -> Response:
    """Tell whoever may not even know of the subject that there is no such thing."""
    subject = request.context
    if isinstance(subject, Subject) and not may_see(request.asker, subject):
        return refusal(subject.absent, 404)
    return refusal(f"{request.asker.reference} may not do this", 403)


def not_found(error: HTTPNotFound, request: Request) -> Response:
    route = request.matched_route
    if route is None:
        return refusal("nothing is here", 404)
    response = refusal(f"{request.method} is not how this is asked for", 405)
    if isinstance(route.factory, About):
        response.headers["Allow"] = ", ".join(route.factory.methods)
    return response


def unreadable_path(error: URLDecodeError, request: Request) -> Response:
    return refusal("the path is not UTF-8", 400)


def busy(error: ConflictError, request: Request) -> Response:
    """Too many writers of the same thing, even after many tries."""
    if is_last_attempt(request):
        log.error("gave up after many conflicts: %s", request.path)
    response = refusal("too many requests change the same thing: try again", 503)
    response.headers["Retry-After"] = "1"
    return response


def refusal(text: str, status: int) -> Response:
    """Answer ``text``; it is also the reason phrase, which is all that legacy clients print.

    The server writes that phrase into its log, one line per refused request.
    """
    response = Response(body=text.encode(), content_type="text/plain", charset="utf-8")
    response.status = f"{status} {reason_phrase(text)}"
    return response


def reason_phrase(text: str) -> str:
    printable = "".join(c if " " <= c <= "~" else "?" for c in text)
    return printable[:200] or "Error"


def includeme(config: Configurator) -> None:
    """Answer every named error with its code."""
    config.add_exception_view(slap_error, context=errors.SlapError)
    config.add_exception_view(unreadable_path, context=URLDecodeError)
    config.add_exception_view(busy, context=ConflictError)
    config.add_forbidden_view(forbidden)
    config.add_notfound_view(not_found)
