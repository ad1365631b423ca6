"""The first document: who asks, and where to search and to look things up."""

import logging

from pyramid.request import Request
from pyramid.response import Response

from slapmaster.api.address import hateoas_url
from slapmaster.api.form import check_fields
from slapmaster.api.form import read_fields
from slapmaster.api.hateoas.document import answer
from slapmaster.api.hateoas.document import urn
from slapmaster.auth.identity import Identity
from slapmaster.auth.permissions import Subject
from slapmaster.domain.container import Container
from slapmaster.domain.container import Member

log = logging.getLogger(__name__)

#: Where the documents of persons, nodes and instances are.
PERSONS = "person_module"
NODES = "compute_node_module"
INSTANCES = "software_instance_module"


def the_site(request: Request) -> Subject:
    """Find nothing in particular; who asks must be known all the same."""
    return Subject(site=request.site)


def look_up(request: Request, container: Container[Member]) -> Member:
    """Find what the path names, for somebody; nobody unknown learns what there is."""
    log.debug("%s looks at %s", request.asker.reference, request.path)
    return container[request.matchdict["reference"]]


def absent(request: Request, container: Container[Member]) -> str:
    """Say what is answered when there is nothing of the name, and when it is not shown."""
    return f"no {container.kind} {request.matchdict['reference']!r}"


def get_beginning(request: Request) -> Response:
    """Link to whoever asks, and to what can be asked.

    The template of the search has no place for a limit: the legacy client puts 40 there and
    never asks for what follows, so it is shown everything.
    """
    check_fields(read_fields(request), ())
    url = hateoas_url(request)
    links = {
        "self": {"href": url},
        "me": {"href": urn(path_of(request.asker))},
        "raw_search": {"href": url + "/search{?query,select_list*}", "templated": True},
        "traverse": {"href": url + "/{+relative_url}{?view}", "templated": True},
    }
    return answer({"_links": links, "title": "SlapOS Master"})


def path_of(asker: Identity) -> str:
    """Give the path of the document about ``asker``."""
    if asker.node is not None:
        return f"{NODES}/{asker.reference}"
    if asker.instance is not None:
        return f"{INSTANCES}/{asker.reference}"
    return f"{PERSONS}/{asker.reference}"
