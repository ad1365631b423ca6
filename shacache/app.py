"""The WSGI application of a cache on its own."""

from collections.abc import Callable
from collections.abc import Iterable
from typing import Any

from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response

from shacache.cache import Cache

Application = Callable[..., Iterable[bytes]]


def make_app(cache: Cache) -> Application:
    """Make the application; it also answers ``/status`` and ``/metrics``."""
    config = Configurator()
    config.registry["shacache"] = cache
    config.include("shacache.routes")
    config.add_notfound_view(not_found)
    return _with_short_names(config.make_wsgi_app())


def not_found(request: Request) -> Response:
    """Say what is wrong: the address, or what is to be done with it."""
    if request.matched_route is not None:
        return Response("that is not done here\n", status=405, content_type="text/plain")
    return Response("nothing is here\n", status=404, content_type="text/plain")


def _with_short_names(application: Application) -> Application:
    def renamed(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ["PATH_INFO"] in ("/status", "/metrics"):
            environ["PATH_INFO"] = f"/shacache{environ['PATH_INFO']}"
        return application(environ, start_response)

    return renamed
