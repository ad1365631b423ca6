"""Errors as this protocol tells them: ``{type, title, status}``, a word and a sentence.

What is not there, or not the asker's, is 403 with a word that says what was looked for.
"""

import logging
from collections.abc import Sequence

from pyramid.config import Configurator
from pyramid.httpexceptions import HTTPForbidden
from pyramid.httpexceptions import HTTPNotFound
from pyramid.request import Request
from pyramid.response import Response
from pyramid_retry import is_last_attempt
from ZODB.POSException import ConflictError

from slapcore import errors
from slapmaster.auth.permissions import Subject
from slapmaster.auth.permissions import may_see

log = logging.getLogger(__name__)

#: What the names of this face's routes begin with.
FACE = "jsonrpc"

NOT_READY = {
    "message": "Software Instance Not Ready",
    "name": "SoftwareInstanceNotReady",
    "status": 102,
}

#: error -> word and status, where a method has no word of its own; the first match counts
WORDS: tuple[tuple[type[errors.SlapError], str, int], ...] = (
    (errors.NotFound, "NOT-FOUND", 403),
    (errors.Unauthenticated, "UNAUTHENTICATED", 401),
    (errors.QuotaExceeded, "QUOTA-EXCEEDED", 403),
    (errors.Forbidden, "FORBIDDEN", 403),
    (errors.Conflict, "CONFLICT", 409),
    (errors.Gone, "GONE", 410),
    (errors.TooMany, "TOO-MANY-REQUESTS", 429),
    (errors.ProtocolError, "INVALID-REQUEST", 400),
    (errors.InvalidValue, "INVALID-VALUE", 400),
    (errors.PolicyFailed, "ALLOCATION-POLICY-FAILED", 503),
)

#: error -> word and status, in one method
Words = Sequence[tuple[type[errors.SlapError], str, int]]


class Refused(errors.SlapError):
    """An error that has a word of its own in the method that was called."""

    def __init__(self, text: str, word: str, status: int) -> None:
        super().__init__(text)
        self.word = word
        self.status = status


def find_word(error: errors.SlapError, words: Words) -> Refused | None:
    """Give ``error`` the word that ``words`` have for it."""
    for kind, word, status in words:
        if isinstance(error, kind):
            return Refused(str(error), word, status)
    return None


def answer_error(error: errors.SlapError, request: Request) -> Response:
    if isinstance(error, errors.NotReady):
        return answer(NOT_READY)
    refused = error if isinstance(error, Refused) else find_word(error, WORDS)
    if refused is None:
        return refusal("ERROR", str(error), 500)
    response = refusal(refused.word, str(refused), refused.status)
    if refused.status == 401:
        response.headers["WWW-Authenticate"] = f'X-Delegate uri="{request.application_url}"'
    if refused.status == 429:
        response.headers["Retry-After"] = "1"
    return response


def forbidden(error: HTTPForbidden, request: Request) -> Response:
    """Tell whoever may not even know of the subject that there is no such thing."""
    subject, method = request.context, request.called
    if isinstance(subject, Subject) and not may_see(request.asker, subject):
        return refusal(method.absent, subject.absent, 403)
    return refusal(method.denied, f"{request.asker.reference} may not do this", 403)


def not_found(error: HTTPNotFound, request: Request) -> Response:
    """Nothing but another verb comes here: unknown methods have no route."""
    text = f"{request.method} is not how this is asked for"
    response = refusal("METHOD-NOT-ALLOWED", text, 405)
    response.headers["Allow"] = "POST"
    return response


def busy(error: ConflictError, request: Request) -> Response:
    """Too many writers of the same thing, even after many tries."""
    if is_last_attempt(request):
        log.error("gave up after many conflicts: %s", request.path)
    response = refusal("BUSY", "too many requests change the same thing: try again", 503)
    response.headers["Retry-After"] = "1"
    return response


def refusal(word: str, text: str, status: int) -> Response:
    return answer({"type": word, "title": text, "status": status}, status)


def answer(document: object, status: int = 200) -> Response:
    """Answer a document; it is for the asker's eyes only."""
    response = Response(json_body=document, status=status)
    response.headers["Cache-Control"] = "private, no-store"
    return response


class OfFace:
    """A predicate: the request came in by one of the routes whose names begin so."""

    def __init__(self, face: str, config: Configurator) -> None:
        self.face = face

    def text(self) -> str:
        return f"face = {self.face}"

    phash = text

    def __call__(self, context: object, request: Request) -> bool:
        route = getattr(request, "matched_route", None)
        return route is not None and route.name.startswith(f"{self.face}.")


def includeme(config: Configurator) -> None:
    """Answer every named error in this protocol's way."""
    config.add_view_predicate("face", OfFace)
    config.add_exception_view(answer_error, context=errors.SlapError, face=FACE)
    config.add_exception_view(busy, context=ConflictError, face=FACE)
    config.add_forbidden_view(forbidden, face=FACE)
    config.add_notfound_view(not_found, face=FACE)
