"""The catalogue: software products and their releases."""

from typing import Any

from slapcore.errors import NotFound
from slapmaster.control.lookup import find_project
from slapmaster.control.lookup import read_time
from slapmaster.control.lookup import write_time
from slapmaster.domain.act import Act
from slapmaster.domain.catalog import SoftwareProduct
from slapmaster.domain.catalog import SoftwareRelease
from slapmaster.domain.offering import make_product
from slapmaster.domain.offering import publish_release
from slapmaster.domain.project import Project
from slapmaster.domain.values import check_url

Answer = dict[str, Any]


def add_product(act: Act, title: str, project: str | None) -> Answer:
    """Make a product in a project; raises ``Conflict`` when there is one of that title."""
    return write_product(make_product(act, find_project(act.site, project), title))


def add_release(
    act: Act, product: str, url: str, title: str | None, effective: str | None
) -> Answer:
    """Make a release of a product, from the moment ``effective`` on; else from now on."""
    found = find_product(act, product)
    moment = read_time(effective) if effective is not None else None
    release = publish_release(act, found, url, title=title or "", effective=moment)
    return {"product": found.reference, **write_release(release)}


def list_products(act: Act, project: str | None = None) -> list[Answer]:
    if project is None:
        return [write_product(product) for product in act.site.catalog]
    wanted = find_project(act.site, project).reference
    return [write_product(found) for found in act.site.catalog.range_by("title", wanted)]


def show_product(act: Act, product: str) -> Answer:
    found = find_product(act, product)
    releases = sorted(found.releases.values(), key=lambda one: one.effective, reverse=True)
    return {**write_product(found), "versions": [write_release(one) for one in releases]}


def find_product(act: Act, wanted: str) -> SoftwareProduct:
    """Find a product by reference, or by a title that only one has."""
    found = act.site.catalog.find(wanted)
    if found is not None:
        return found
    titled = [product for product in act.site.catalog if product.title == wanted]
    if len(titled) != 1:
        raise NotFound(f"{len(titled) or 'no'} software products are called {wanted!r}")
    return titled[0]


def set_only_release(act: Act, project: Project, title: str, url: str) -> None:
    """Have a product called ``title`` whose only release is at ``url``."""
    product = act.site.catalog.find_by("title", (project.reference, title))
    if product is None:
        product = make_product(act, project, title)
    if list(product.releases) != [url]:
        product.releases.clear()
        product.add_release(SoftwareRelease(check_url(url), title, act.now))


def write_product(product: SoftwareProduct) -> Answer:
    return {
        "reference": product.reference,
        "title": product.title,
        "project": product.project,
        "releases": len(product.releases),
    }


def write_release(release: SoftwareRelease) -> Answer:
    return {
        "title": release.title,
        "url": release.url,
        "effective": write_time(release.effective),
    }
