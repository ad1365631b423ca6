"""Attributes of answers: what is missing is nothing, what is of another kind is named."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slapcore.errors import ProtocolError
from slapcore.protocol.attributes import Attributes
from slapcore.protocol.attributes import as_texts

NOTHING = Attributes({}, "the answer")


def told(value):
    return Attributes({"x": value}, "the answer")


def test_what_is_missing_reads_as_nothing():
    assert not NOTHING.says("x")
    assert (NOTHING.read_text("x"), NOTHING.read_text("x", "y")) == ("", "y")
    assert (NOTHING.read_list("x"), NOTHING.read_mapping("x"), NOTHING.read_texts("x")) == (
        [], {}, {},
    )  # fmt: skip
    assert (NOTHING.read_pairs("x"), NOTHING.read_routes("x")) == ((), ())
    assert (NOTHING.read_moment("x"), NOTHING.read_number("x")) == (0, 0)
    assert NOTHING.read_flag("x") is False
    assert list(NOTHING.read_each("x")) == []
    assert NOTHING.read_part("x").read_text("y") == ""


def test_what_is_there_is_read():
    assert told("a").says("x")
    assert told("a").read_word("x", frozenset("ab")) == "a"
    assert told([["a", None]]).read_pairs("x") == (("a", ""),)
    assert told([list("abcde")]).read_routes("x") == (tuple("abcde"),)
    assert [told(value).read_flag("x") for value in (1, True, 0, False, None)] == [
        True, True, False, False, False,
    ]  # fmt: skip
    assert told(3).read_number("x") == 3
    assert [part.read_text("y") for part in told([{"y": "1"}, {"y": "2"}]).read_each("x")] == [
        "1", "2",
    ]  # fmt: skip
    assert told({"y": "1"}).read_part("x").read_text("y") == "1"
    assert as_texts({1: None, "b": 2}) == {"1": "", "b": "2"}


@pytest.mark.parametrize(("value", "moment"), [(5, 5), ("5", 5), ("1.5", 1500000), (0.5, 500000)])
def test_a_time_with_a_fraction_is_in_seconds(value, moment):
    assert told(value).read_moment("x") == moment


READERS = (
    ("read_text", 1, "x of the answer is a int, not text"),
    ("read_list", "a", "x of the answer is a str, not a list"),
    ("read_mapping", [], "x of the answer is a list, not a dictionary"),
    ("read_pairs", [["a"]], "x of the answer is no list of 2 words each"),
    ("read_routes", ["abcde"], "x of the answer is no list of 5 words each"),
    ("read_flag", "yes", "x of the answer is a str, not a truth"),
    ("read_number", "1", "x of the answer is a str, not a number"),
    ("read_moment", "-1", "x of the answer is '-1', not a time"),
    ("read_part", "a", "x of the answer is a str, not a dictionary"),
)


@pytest.mark.parametrize(("reader", "value", "fault"), READERS)
def test_what_is_of_another_kind_is_named(reader, value, fault):
    with pytest.raises(ProtocolError) as caught:
        getattr(told(value), reader)("x")
    assert str(caught.value) == fault


def test_a_member_that_is_no_dictionary_is_named():
    with pytest.raises(ProtocolError, match=r"x\[1\] of the answer is a int, no dictionary"):
        list(told([{}, 1]).read_each("x"))


def test_a_word_that_nobody_knows_is_named_with_those_that_are():
    with pytest.raises(ProtocolError, match="is 'c', not one of a, b"):
        told("c").read_word("x", frozenset("ab"))


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@given(ANYTHING, st.sampled_from([reader for reader, _, _ in READERS]))
def test_anything_is_read_or_is_a_protocol_error(value, reader):
    with suppress(ProtocolError):
        getattr(told(value), reader)("x")
