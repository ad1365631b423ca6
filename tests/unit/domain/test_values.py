"""What may be stored passes, what may not is named."""

import pytest

from slapcore.errors import InvalidValue
from slapmaster.domain.values import MAX_PARAMETER_COUNT
from slapmaster.domain.values import MAX_PARAMETERS
from slapmaster.domain.values import MAX_TITLE
from slapmaster.domain.values import MAX_URL
from slapmaster.domain.values import check_demands
from slapmaster.domain.values import check_title
from slapmaster.domain.values import check_type
from slapmaster.domain.values import check_url
from slapmaster.domain.values import freeze


@pytest.mark.parametrize("title", ["web", "été 2026", "x" * MAX_TITLE, "a/b", "🙂"])
def test_a_title_passes(title):
    assert check_title(title) == title


@pytest.mark.parametrize(
    ("title", "fault"),
    [
        ("", "the title is empty"),
        (" \u00a0", "the title is empty"),
        ("x" * (MAX_TITLE + 1), "201 characters; 200 are allowed"),
        ("a\nb", r"control character U\+000A"),
        ("a\x00b", r"control character U\+0000"),
        ("a\ud800b", r"control character U\+D800"),
    ],
)
def test_a_title_that_does_not_pass_says_why(title, fault):
    with pytest.raises(InvalidValue, match=fault):
        check_title(title)


@pytest.mark.parametrize("url", ["http://example.org/software.cfg", "/srv/a b/software.cfg", "~x"])
def test_an_address_of_a_release_passes(url):
    assert check_url(url) == url


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("", "the release's URL is empty"),
        ("x" * (MAX_URL + 1), "2049 characters; 2048 are allowed"),
        ("http://a\rb", r"the release's URL has the control character U\+000D"),
    ],
)
def test_an_address_that_does_not_pass_says_why(url, fault):
    with pytest.raises(InvalidValue, match=fault):
        check_url(url)


def test_a_type_is_named_as_such():
    with pytest.raises(InvalidValue, match="the software type is empty"):
        check_type("")


def test_parameters_are_kept_in_order_of_their_names():
    assert freeze({"b": "2", "a": "1"}, "parameters") == (("a", "1"), ("b", "2"))


def test_parameters_are_counted():
    many = {str(number): "" for number in range(MAX_PARAMETER_COUNT)}
    assert len(freeze(many, "parameters")) == MAX_PARAMETER_COUNT
    with pytest.raises(InvalidValue, match="10001 parameters; 10000 are allowed"):
        freeze({**many, "one more": ""}, "parameters")


def test_parameters_are_measured():
    assert freeze({"key": "x" * (MAX_PARAMETERS - 3)}, "parameters")
    with pytest.raises(InvalidValue, match="parameters of 1048577 characters"):
        freeze({"key": "x" * (MAX_PARAMETERS - 2)}, "parameters")


def test_known_demands_pass():
    check_demands({"node": "COMP-1", "region": "europe", "retention_delay": "7"})


def test_an_unknown_demand_is_named_with_the_nearest_known_one():
    with pytest.raises(InvalidValue, match="demand 'regoin'; did you mean 'region'"):
        check_demands({"regoin": "europe"})


def test_a_demand_like_no_other_is_named():
    with pytest.raises(InvalidValue, match=r"nothing is known of the demand 'xyzzy'$"):
        check_demands({"xyzzy": ""})
