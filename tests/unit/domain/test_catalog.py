"""A product knows its releases; the newest whose time has come is first."""

import pytest

from slapcore.errors import Conflict
from slapmaster.domain.catalog import Catalog
from slapmaster.domain.catalog import SoftwareProduct
from slapmaster.domain.catalog import SoftwareRelease


@pytest.fixture
def product():
    made = SoftwareProduct("PROD-1", "Web", "PROJ-1")
    for url, effective in (("http://old", 10), ("http://next", 1_000), ("http://new", 20)):
        made.add_release(SoftwareRelease(url, url, effective))
    return made


def test_the_newest_whose_time_has_come_is_first(product):
    assert [release.url for release in product.newest_first(50)] == ["http://new", "http://old"]
    assert next(product.newest_first(1_000)).url == "http://next"


def test_a_release_is_there_once(product):
    with pytest.raises(Conflict, match="http://old is a release of Web already"):
        product.add_release(SoftwareRelease("http://old", "again", 30))


def test_a_title_is_used_once_per_project(product):
    catalog = Catalog()
    catalog.add(product)
    catalog.add(SoftwareProduct("PROD-2", "Web", "PROJ-2"))
    with pytest.raises(Conflict, match="title 'Web' is taken by another software product"):
        catalog.add(SoftwareProduct("PROD-3", "Web", "PROJ-1"))
