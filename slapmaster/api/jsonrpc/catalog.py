"""The catalogue: products of the asker's projects, and their releases."""

from datetime import UTC
from datetime import datetime

from pyramid.request import Request

from slapcore.errors import InvalidValue
from slapcore.errors import NotFound
from slapcore.protocol.jsonrpc import JSON
from slapmaster.api.jsonrpc.method import Method
from slapmaster.api.jsonrpc.subject import the_site
from slapmaster.api.projects import find_project
from slapmaster.api.projects import products_in
from slapmaster.api.projects import projects_of
from slapmaster.api.projects import projects_to_read
from slapmaster.domain.catalog import SoftwareProduct
from slapmaster.domain.catalog import SoftwareRelease
from slapmaster.domain.offering import make_product
from slapmaster.domain.offering import publish_release

PROJECT_ABSENT = "PROJECT-NOT-FOUND"
PRODUCT_ABSENT = "SOFTWARE-PRODUCT-NOT-FOUND"


@Method(
    name="slapos.allDocs.WIP.software_product_list", about=the_site,
    permission="catalog.read", writes=False, words=((NotFound, PROJECT_ABSENT, 403),),
)  # fmt: skip
def list_products(request: Request) -> JSON:
    projects = projects_to_read(request, request.said.get("project_guid"))
    products = products_in(request, projects)
    return {"result_list": [write_product(request, product) for product in products]}


@Method(
    name="slapos.post.WIP.software_product", about=the_site,
    permission="catalog.write", words=((NotFound, PROJECT_ABSENT, 403),),
)  # fmt: skip
def add_product(request: Request) -> JSON:
    project = find_project(request, request.said.get("project_guid"), to_run_nodes=True)
    return write_product(request, make_product(request.act, project, request.said["title"]))


@Method(
    name="slapos.post.WIP.software_release", about=the_site,
    permission="catalog.write", words=((NotFound, PRODUCT_ABSENT, 403),),
)  # fmt: skip
def add_release(request: Request) -> JSON:
    said = request.said
    product = find_product(request, said["software_product"])
    publish_release(
        request.act,
        product,
        said["software_release_uri"],
        title=said.get("title", ""),
        effective=read_date(said["effective_date"]) if "effective_date" in said else None,
    )
    return write_product(request, product)


def find_product(request: Request, wanted: str) -> SoftwareProduct:
    """Find a product by reference or title, in the projects that the asker runs."""
    projects = projects_of(request, request.asker.person, to_run_nodes=True)
    if "project_guid" in request.said:
        projects = [find_project(request, request.said["project_guid"], to_run_nodes=True)]
    products = list(products_in(request, projects))
    found = [product for product in products if wanted in (product.reference, product.title)]
    if not found:
        raise NotFound(f"no software product {wanted!r} in a project that you run")
    if len(found) > 1:
        names = ", ".join(product.reference for product in found[:10])
        raise InvalidValue(f"which software product {wanted!r} is meant? There are {names}")
    return found[0]


def read_date(text: str) -> int:
    """Read a date into microseconds."""
    try:
        moment = datetime.fromisoformat(text)
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return int(aware.astimezone(UTC).timestamp() * 1_000_000)
    except (ValueError, OverflowError) as error:
        raise InvalidValue(f"{text!r} is no date like 2026-01-31 or 2026-01-31T12:00") from error


def write_product(request: Request, product: SoftwareProduct) -> JSON:
    releases = sorted(product.releases.values(), key=lambda one: one.effective, reverse=True)
    return {
        "reference": product.reference,
        "title": product.title,
        "project_guid": product.project,
        "release_list": [write_release(request, release) for release in releases],
    }


def write_release(request: Request, release: SoftwareRelease) -> JSON:
    effective = datetime.fromtimestamp(release.effective / 1_000_000, UTC)
    return {
        "title": release.title,
        "software_release_uri": release.url,
        "effective_date": f"{effective:%Y-%m-%dT%H:%M:%SZ}",
        "current": release.effective <= request.act.now,
    }
