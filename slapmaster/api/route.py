"""A way in: its path, its one method, what it is about, who may, and its view."""

from collections.abc import Callable
from dataclasses import dataclass

from pyramid.config import Configurator
from pyramid.httpexceptions import HTTPNotFound
from pyramid.request import Request
from pyramid.response import Response
from pyramid.security import NO_PERMISSION_REQUIRED

View = Callable[[Request], Response]


@dataclass(frozen=True)
class About:
    """Finds what a request is about; for any but its own method there is nothing to find."""

    method: str
    find: Callable[[Request], object]

    def __call__(self, request: Request) -> object:
        if request.method not in self.methods:
            raise HTTPNotFound()
        return self.find(request)

    @property
    def methods(self) -> tuple[str, ...]:
        return ("GET", "HEAD") if self.method == "GET" else (self.method,)


@dataclass(frozen=True, kw_only=True)
class WayIn:
    """``about`` is called with the request; without a permission the way is open to all."""

    name: str
    path: str
    method: str
    view: View
    about: Callable[[Request], object]
    permission: str = NO_PERMISSION_REQUIRED


def nothing(request: Request) -> None:
    """A request that is about nothing."""


def add_way_in(config: Configurator, way: WayIn) -> None:
    config.add_route(way.name, way.path, factory=About(way.method, way.about))
    config.add_view(
        way.view, route_name=way.name, request_method=way.method, permission=way.permission
    )
