"""One person on one machine: a node is known as soon as it describes itself."""

from pyramid.request import Request

from slapmaster.api.projects import find_project
from slapmaster.domain.registration import register_node


def welcome_node(request: Request, reference: str) -> None:
    """Register the node called ``reference`` when its only person may have any."""
    if request.asker.alone and reference not in request.site.nodes:
        register_node(request.act, find_project(request, None), reference, reference=reference)
