"""How the master is reached from outside."""

from pyramid.request import Request

HATEOAS_PATH = "/hateoas"


def hateoas_url(request: Request) -> str:
    """Give the address at which the HATEOAS documents begin."""
    outside: str = request.registry.public_url or request.application_url
    return outside + HATEOAS_PATH
