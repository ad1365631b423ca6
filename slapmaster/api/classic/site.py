"""What is asked of the master as such."""

from pyramid.request import Request
from pyramid.response import Response

from slapmaster.api.address import hateoas_url


def get_hateoas_url(request: Request) -> Response:
    """Say where the HATEOAS documents begin; every client asks at every start."""
    response = Response(
        body=hateoas_url(request).encode(), content_type="text/plain", charset="utf-8"
    )
    response.headers["Cache-Control"] = "public, max-age=3600"
    return response
