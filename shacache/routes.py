"""Where the cache is found: ``/shacache`` the contents, ``/shadir`` the entries.

``config.include("shacache.routes")`` after ``config.registry["shacache"]`` was set to a
``Cache`` puts both into any Pyramid application.
"""

from pyramid.config import Configurator

#: name of a route -> its pattern
ROUTES = {
    "shacache.status": "/shacache/status",
    "shacache.metrics": "/shacache/metrics",
    "shacache.contents": "/shacache",
    "shacache.contents.slash": "/shacache/",
    "shacache.content": "/shacache/{sha512}",
    "shadir.entries": "/shadir/{key}",
    "shadir.entries.for": "/shadir/@{reader}/{key}",
}


def includeme(config: Configurator) -> None:
    for name, pattern in ROUTES.items():
        config.add_route(name, pattern)
    config.scan("shacache.views")
