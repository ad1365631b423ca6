"""The catalogue as clients see it: the releases of a product, newest first."""

import pytest

from slapmaster.domain.catalog import SoftwareProduct
from slapmaster.domain.catalog import SoftwareRelease
from slapmaster.domain.project import Role

OLD, NEW, COMING = (f"https://example.com/{name}.cfg" for name in ("old", "new", "coming"))
DAY = 24 * 3600 * 1_000_000


@pytest.fixture
def person(master):
    return master.add_person("owner")


@pytest.fixture
def project(master, person):
    project = master.add_project("mine", person)

    def add(act):
        product = SoftwareProduct(act.new_reference("PROD"), "web server", project)
        for url, days in ((OLD, -10), (NEW, -1), (COMING, 1)):
            product.add_release(SoftwareRelease(url, url, act.now + days * DAY))
        act.site.catalog.add(product)

    master.change(add)
    return project


def ask(asker, **fields):
    return asker.read("getSoftwareReleaseListFromSoftwareProduct", fields)


@pytest.mark.parametrize(
    "fields",
    [
        {"software_product_reference": "PROD-1"},
        {"software_product_reference": "web server"},
        {"software_release_url": OLD},
    ],
)
def test_releases_are_listed_newest_first_and_none_before_its_time(person, project, fields):
    assert ask(person, **fields) == [NEW, OLD]
    assert ask(person, project_reference=project, **fields) == [NEW, OLD]


def test_whoever_is_in_the_project_reads_its_catalogue(master, person, project):
    customer = master.add_person("customer")
    node = master.add_node(project, "n", partitions=1)
    person.supply(node)
    person.request("web")
    stranger = master.add_person("stranger")
    assert ask(customer, software_release_url=OLD) == []
    master.give_role(project, customer, Role.CUSTOMER)
    for asker in (customer, node, master.instance(node, "web")):
        assert ask(asker, software_release_url=OLD) == [NEW, OLD]
    assert ask(stranger, software_release_url=OLD) == []


def test_an_unknown_product_has_no_releases(person, project):
    assert ask(person, software_product_reference="nonsense") == []


@pytest.mark.parametrize(
    "fields", [{}, {"software_product_reference": "a", "software_release_url": "b"}]
)
def test_a_product_is_named_in_one_way(person, project, fields):
    answer = person.get("getSoftwareReleaseListFromSoftwareProduct", fields, status=400)
    assert "either software_product_reference or software_release_url" in answer.text
