"""The wire of the cache: get and put, as legacy and new clients do it."""

import hashlib
import json
import logging
import re
from collections.abc import Callable
from collections.abc import Mapping
from typing import Any

from pyramid.request import Request
from pyramid.response import Response
from pyramid.security import NO_PERMISSION_REQUIRED
from pyramid.view import view_config

from shacache import errors as ours
from shacache.cache import EVERYBODY
from shacache.cache import Cache
from shacache.cache import Reader
from shacache.store import BLOCK
from shacache.store import Receipt
from slapcore import errors
from slapcore.protocol import shadir

log = logging.getLogger(__name__)

View = Callable[[Request], Response]

#: an error as HTTP says it; the first match counts
STATUS: tuple[tuple[type[errors.SlapError], int], ...] = (
    (errors.NotFound, 404),
    (errors.NotReady, 503),
    (errors.Unauthenticated, 401),
    (errors.Forbidden, 403),
    (errors.Conflict, 409),
    (errors.ProtocolError, 400),
    (errors.InvalidValue, 400),
    (ours.TooLarge, 413),
    (ours.TooMuch, 429),
    (ours.Full, 507),
)

CONTENT = "application/octet-stream"
FOREVER = "public, max-age=31536000, immutable"
#: an entry may be revoked or replaced at any moment
CHECK_EACH_TIME = "no-cache"


def status_of(error: errors.SlapError) -> int:
    return next((status for kind, status in STATUS if isinstance(error, kind)), 500)


def answering(view: View, request: Request) -> Response:
    """Answer with the status of a failure, and its reason in words."""
    try:
        return view(request)
    except errors.SlapError as error:
        return failed(request, error)
    except OSError as error:
        log.exception("the store has failed")
        return failed(request, ours.failure_of_disk(error))


def failed(request: Request, error: errors.SlapError) -> Response:
    response = Response(f"{error}\n", status=status_of(error), content_type="text/plain")
    if response.status_code != 404:
        cache_of(request).statistic.count("refused")
    if response.status_code == 503:
        response.retry_after = 10
    if response.status_code == 401:
        response.headers["WWW-Authenticate"] = 'Basic realm="shacache"'
    return response


class served(view_config):  # noqa: N801 -- a decorator like its parent
    """A view of the cache: for everybody, because the cache has rights of its own."""

    def __init__(self, **more: Any) -> None:  # noqa: ANN401
        super().__init__(permission=NO_PERMISSION_REQUIRED, decorator=_decorator, **more)


def _decorator(view: Callable[[Any, Request], Response]) -> Callable[[Any, Request], Response]:
    return lambda context, request: answering(lambda asked: view(context, asked), request)


def cache_of(request: Request) -> Cache:
    found: Cache = request.registry["shacache"]
    return found


@served(route_name="shacache.content", request_method=("GET", "HEAD"))
def get_content(request: Request) -> Response:
    cache = cache_of(request)
    cache.gate.check_reader(request.environ)
    sha512 = request.matchdict["sha512"]
    if not shadir.SHA512.fullmatch(sha512):
        raise errors.NotFound("contents are found by their sha512")
    content = cache.get(sha512)
    if "," in request.headers.get("Range", ""):
        del request.headers["Range"]  # several parts at once are nobody's need
    if cache.settings.accel_location:
        content.close()
        response = Response(content_type=CONTENT)
        place = f"{cache.settings.accel_location}/{cache.store.path(sha512)}"
        response.headers["X-Accel-Redirect"] = place
    else:
        response = Response(content_type=CONTENT, conditional_response=True)
        response.app_iter = content
        response.content_length = content.size
    response.etag = sha512
    response.accept_ranges = "bytes"
    response.headers["Cache-Control"] = FOREVER
    if request.method == "GET":
        cache.statistic.count("download")
    return response


@served(route_name="shacache.contents", request_method="POST")
@served(route_name="shacache.contents.slash", request_method="POST")
def post_content(request: Request) -> Response:
    return keep(request, None)


@served(route_name="shacache.content", request_method="PUT")
def put_content(request: Request) -> Response:
    sha512 = request.matchdict["sha512"]
    if not shadir.SHA512.fullmatch(sha512):
        raise errors.ProtocolError("contents are put under their sha512")
    return keep(request, sha512)


def keep(request: Request, wanted: str | None) -> Response:
    cache = cache_of(request)
    sha512 = cache.keep(receive(request), wanted)
    return Response(sha512, status=201, content_type="text/plain")


def receive(request: Request) -> Receipt:
    """Give the content that is put: received by the server already, or read from it now."""
    cache = cache_of(request)
    body = request.environ["wsgi.input"]
    if isinstance(body, Receipt):
        return body
    receipt = cache.begin(request.environ, request.content_length)
    try:
        copy_body(request, receipt)
    except BaseException:
        receipt.close()
        raise
    return receipt


def copy_body(request: Request, receipt: Receipt) -> None:
    missing = request.content_length
    if missing is None:
        raise errors.ProtocolError("the length of the content is not said")
    while missing:
        data = request.environ["wsgi.input"].read(min(BLOCK, missing))
        if not data:
            raise errors.ProtocolError(f"the content ends {missing} bytes too early")
        missing -= receipt.write(data)


@served(route_name="shadir.entries", request_method=("GET", "HEAD"))
@served(route_name="shadir.entries.for", request_method=("GET", "HEAD"))
def get_entries(request: Request) -> Response:
    cache = cache_of(request)
    cache.gate.check_reader(request.environ)
    reader = read_reader(request.matchdict.get("reader", ""), request.GET)
    entries = cache.look_up(request.matchdict["key"], reader)
    if not entries:
        raise errors.NotFound("no entry is here for this key")
    body = shadir.write_entries(entries)
    response = Response(body, content_type="application/json", conditional_response=True)
    response.etag = hashlib.sha256(body).hexdigest()
    response.headers["Cache-Control"] = CHECK_EACH_TIME
    return response


@served(route_name="shadir.entries", request_method="PUT")
@served(route_name="shadir.entries.for", request_method="PUT")
def put_entry(request: Request) -> Response:
    cache = cache_of(request)
    account = cache.gate.check_writer(request.environ)
    if (request.content_length or 0) > cache.settings.max_entry:
        raise ours.TooLarge(f"an entry has at most {cache.settings.max_entry} bytes")
    address = request.environ.get("REMOTE_ADDR", "")
    cache.put_entry(request.matchdict["key"], request.body, account, address)
    return Response(status=201, content_type="text/plain")


@served(route_name="shacache.status", request_method="GET")
def get_status(request: Request) -> Response:
    cache = cache_of(request)
    cache.gate.check_reader(request.environ)
    body = json.dumps(cache.statistic.as_dict(), indent=1)
    return uncached(Response(body, content_type="application/json", charset="utf-8"))


@served(route_name="shacache.metrics", request_method="GET")
def get_metrics(request: Request) -> Response:
    cache = cache_of(request)
    cache.gate.check_reader(request.environ)
    text = cache.statistic.as_prometheus()
    return uncached(Response(text, content_type="text/plain; version=0.0.4", charset="utf-8"))


def uncached(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response


def read_reader(path: str, query: Mapping[str, str]) -> Reader:
    """Read what a client says of itself: in the path, where a legacy one keeps it, or asked.

    ``multiarch=x86_64-linux-gnu,os=debian-12,signer=alice,signer=bob``
    """
    words = [word for word in path.split(",") if word]
    words += [f"{name}={value}" for name, value in query.items()]
    if not words:
        return EVERYBODY
    pairs = [tuple(word.split("=", 1)) for word in words]
    if any(len(pair) != 2 or pair[0] not in ("multiarch", "os", "signer") for pair in pairs):
        raise errors.ProtocolError("a reader says multiarch=…, os=NAME-VERSION and signer=…")
    said = dict(pairs)
    system = re.match(r"([^-]*)-?(.*)", said.get("os", ""))
    assert system is not None
    return Reader(
        architecture=said.get("multiarch", ""),
        system=shadir.read_system(system[1], system[2]),
        signers=tuple(value for name, value in pairs if name == "signer"),
    )
