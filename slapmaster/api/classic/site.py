"""What is asked of the master as such."""

from pyramid.request import Request
from pyramid.response import Response

HATEOAS_PATH = "/hateoas"


def get_hateoas_url(request: Request) -> Response:
    """Say where the HATEOAS documents begin; every client asks at every start."""
    response = Response(
        body=((request.registry.public_url or request.application_url) + HATEOAS_PATH).encode(),
        content_type="text/plain",
        charset="utf-8",
    )
    response.headers["Cache-Control"] = "public, max-age=3600"
    return response
