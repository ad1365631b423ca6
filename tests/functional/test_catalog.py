"""Products made and releases published by those who run a project, by JSON-RPC."""

import pytest

from slapmaster.domain.project import Role
from tests.driver import RELEASE
from tests.json_calls import post

NEW = "https://example.com/new.cfg"


@pytest.fixture
def manager(master):
    return master.add_person("manager")


@pytest.fixture
def project(master, manager):
    return master.add_project("mine", manager)


def listed(asker, **said):
    return post(asker, "allDocs.WIP.software_product_list", said).json["result_list"]


def test_a_product_and_its_releases_are_listed_newest_first(manager, project):
    made = post(manager, "post.WIP.software_product", {"title": "web"}).json
    assert made == {
        "reference": made["reference"], "title": "web", "project_guid": project, "release_list": [],
    }  # fmt: skip
    first = {"software_product": "web", "software_release_uri": RELEASE, "title": "1.0"}
    post(manager, "post.WIP.software_release", {**first, "effective_date": "2026-01-31"})
    coming = {"software_product": made["reference"], "software_release_uri": NEW}
    post(manager, "post.WIP.software_release", {**coming, "effective_date": "2999-01-01T12:00"})
    (product,) = listed(manager)
    assert product["release_list"] == [
        {
            "title": "new.cfg", "software_release_uri": NEW,
            "effective_date": "2999-01-01T12:00:00Z", "current": False,
        },
        {
            "title": "1.0", "software_release_uri": RELEASE,
            "effective_date": "2026-01-31T00:00:00Z", "current": True,
        },
    ]  # fmt: skip
    node = master_releases(manager, "web")
    assert RELEASE in node and NEW not in node


def master_releases(asker, product):
    fields = {"software_product_reference": product}
    return asker.read("getSoftwareReleaseListFromSoftwareProduct", fields)


def test_a_customer_reads_the_catalogue_and_does_not_write_it(master, manager, project):
    post(manager, "post.WIP.software_product", {"title": "web"})
    customer = master.add_person("customer")
    assert listed(customer) == []
    master.give_role(project, customer, Role.CUSTOMER)
    assert [product["title"] for product in listed(customer)] == ["web"]
    wish = {"software_product": "web", "software_release_uri": RELEASE}
    with master.writing_nothing():
        for method, said, word in (
            ("post.WIP.software_product", {"title": "other"}, "PROJECT-NOT-FOUND"),
            ("post.WIP.software_release", wish, "SOFTWARE-PRODUCT-NOT-FOUND"),
        ):
            assert post(customer, method, said, status=403).json["type"] == word


def test_another_tenant_s_catalogue_is_not_seen(master, manager, project):
    post(manager, "post.WIP.software_product", {"title": "web"})
    stranger = master.add_person("stranger")
    master.add_project("theirs", stranger)
    assert listed(stranger) == []
    said = {"project_guid": project}
    method = "allDocs.WIP.software_product_list"
    assert post(stranger, method, said, status=403).json["type"] == "PROJECT-NOT-FOUND"


def test_a_product_is_told_from_its_namesake_by_its_project(master, manager, project):
    other = master.add_project("other", manager)
    for where in (project, other):
        post(manager, "post.WIP.software_product", {"title": "web", "project_guid": where})
    wish = {"software_product": "web", "software_release_uri": RELEASE}
    refused = post(manager, "post.WIP.software_release", wish, status=400).json
    assert "which software product" in refused["title"]
    assert post(
        manager, "post.WIP.software_release", {**wish, "project_guid": other}
    ).json["project_guid"] == other  # fmt: skip
    assert [len(one["release_list"]) for one in listed(manager, project_guid=other)] == [1]


@pytest.mark.parametrize("date", ["soon", "2026-02-30", "9999-12-31T23:59:59-12:00", ""])
def test_a_date_that_is_none_is_refused_and_stores_nothing(master, manager, project, date):
    post(manager, "post.WIP.software_product", {"title": "web"})
    wish = {"software_product": "web", "software_release_uri": RELEASE, "effective_date": date}
    with master.writing_nothing():
        refused = post(manager, "post.WIP.software_release", wish, status=400).json
    assert "is no date" in refused["title"]


def test_a_title_or_release_that_is_there_is_a_conflict(master, manager, project):
    post(manager, "post.WIP.software_product", {"title": "web"})
    wish = {"software_product": "web", "software_release_uri": RELEASE}
    post(manager, "post.WIP.software_release", wish)
    with master.writing_nothing():
        post(manager, "post.WIP.software_product", {"title": "web"}, status=409)
        post(manager, "post.WIP.software_release", wish, status=409)
