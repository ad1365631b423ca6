"""Offer software to a project: make a product, and publish its releases."""

from slapmaster.domain.act import Act
from slapmaster.domain.catalog import SoftwareProduct
from slapmaster.domain.catalog import SoftwareRelease
from slapmaster.domain.project import Project
from slapmaster.domain.values import check_title
from slapmaster.domain.values import check_url
from slapmaster.domain.waiting import place_anywhere


def make_product(act: Act, project: Project, title: str) -> SoftwareProduct:
    """Make a product; raises ``Conflict`` when the project has one of that title."""
    check_title(title)
    product = SoftwareProduct(act.new_reference("SOFTPROD"), title, project.reference)
    act.site.catalog.add(product)
    act.note("product added", product.reference, title)
    return product


def publish_release(
    act: Act, product: SoftwareProduct, url: str, *, title: str = "", effective: int | None = None
) -> SoftwareRelease:
    """Make a release of a product, from the moment ``effective`` on; else from now on."""
    name = title or url.rpartition("/")[2] or url
    release = SoftwareRelease(check_url(url), name, act.now if effective is None else effective)
    product.add_release(release)
    act.note("release added", product.reference, url)
    place_anywhere(act, act.site.projects[product.project])
    return release
