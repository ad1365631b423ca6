"""A new site has a place for everything, and nothing in it."""

from slapmaster.domain.check import find_problems
from slapmaster.domain.site import Site


def test_a_new_site_is_empty_and_sound():
    site = Site()
    assert site.version == 0
    assert [len(part) for part in (site.persons, site.projects, site.nodes, site.trees)] == [0] * 4
    assert list(find_problems(site)) == []
