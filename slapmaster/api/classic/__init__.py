"""Classic SLAP over HTTP: forms in, marshalled XML out, at ``/`` and under ``/portal_slap/``.

Here are the routes and the errors; the operations are one module per subject.
"""

from pyramid.config import Configurator

from slapmaster.api.classic import endpoint
from slapmaster.api.classic.site import get_hateoas_url
from slapmaster.api.operation import Operation
from slapmaster.api.operation import add_operation
from slapmaster.api.route import WayIn
from slapmaster.api.route import add_way_in
from slapmaster.api.route import nothing

#: The modules whose views are the operations.
MODULES = ("node", "software", "instance", "partition", "usage", "certificate", "waiting")

HATEOAS_URL = Operation(
    name="getHateoasUrl",
    path="/getHateoasUrl",
    method="GET",
    required=(),
    optional=(),
    marshalled=(),
)


def includeme(config: Configurator) -> None:
    """Add every operation of the protocol."""
    for name in MODULES:
        endpoint.add_all(config, f"slapmaster.api.classic.{name}")
    for prefix in endpoint.PREFIXES:
        way = WayIn(
            name=f"classic{prefix}.getHateoasUrl",
            path=f"{prefix}/getHateoasUrl",
            method="GET",
            view=get_hateoas_url,
            about=nothing,
        )
        add_way_in(config, way)
    add_operation(config, HATEOAS_URL)
