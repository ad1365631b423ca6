"""The WSGI application of a cache on its own, and what a server has to know to stream into it."""

import logging
from collections.abc import Callable
from collections.abc import Iterable
from typing import Any

from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response

from shacache.cache import Cache
from shacache.errors import failure_of_disk
from shacache.store import Receipt
from shacache.views import status_of
from slapcore.errors import SlapError
from slapcore.server.http1 import Refused

log = logging.getLogger(__name__)

Environ = dict[str, Any]
WSGI = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]


class Receiving:
    """A WSGI application with a cache in it: contents are received right where they are kept."""

    def __init__(self, cache: Cache, application: WSGI) -> None:
        self._cache = cache
        self._application = application

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        return self._application(environ, start_response)

    def open_body(self, environ: Environ, length: int | None) -> Receipt | None:
        """Give a content its place when it begins to come in; other bodies have the usual one."""
        path = environ["PATH_INFO"]
        if path != "/shacache" and not path.startswith("/shacache/"):
            return None
        if environ["REQUEST_METHOD"] not in ("POST", "PUT"):
            return None
        try:
            return self._cache.begin(environ, length)
        except SlapError as error:
            raise Refused(status_of(error), str(error)) from error
        except OSError as error:
            log.exception("the store has failed")
            failure = failure_of_disk(error)
            raise Refused(status_of(failure), str(failure)) from error


class Application(Receiving):
    """A cache that has the server for itself."""

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ["PATH_INFO"] in ("/status", "/metrics"):
            environ["PATH_INFO"] = f"/shacache{environ['PATH_INFO']}"
        return super().__call__(environ, start_response)


def make_app(cache: Cache) -> Application:
    """Make the application; it also answers ``/status`` and ``/metrics``."""
    config = Configurator()
    config.registry["shacache"] = cache
    config.include("shacache.routes")
    config.add_notfound_view(not_found)
    return Application(cache, config.make_wsgi_app())


def not_found(request: Request) -> Response:
    """Say what is wrong: the address, or what is to be done with it."""
    if request.matched_route is not None:
        return Response("that is not done here\n", status=405, content_type="text/plain")
    return Response("nothing is here\n", status=404, content_type="text/plain")
