"""Classic SLAP over HTTP: forms in, marshalled XML out, at ``/`` and under ``/portal_slap/``.

Here are the routes and the errors; the operations are one module per subject.
"""

from pyramid.config import Configurator
from pyramid.security import NO_PERMISSION_REQUIRED

from slapmaster.api.classic import endpoint
from slapmaster.api.classic.site import get_hateoas_url

#: The modules whose views are the operations.
MODULES = ("node", "software", "instance", "partition", "usage", "certificate")


def includeme(config: Configurator) -> None:
    """Add every operation of the protocol."""
    for name in MODULES:
        endpoint.add_all(config, f"slapmaster.api.classic.{name}")
    for prefix in endpoint.PREFIXES:
        route = f"classic{prefix}.getHateoasUrl"
        config.add_route(route, f"{prefix}/getHateoasUrl")
        config.add_view(
            get_hateoas_url,
            route_name=route,
            request_method="GET",
            permission=NO_PERMISSION_REQUIRED,
        )
