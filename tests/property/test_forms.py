"""Forms are read faster than the standard library does it, and not otherwise."""

from urllib.parse import parse_qsl
from urllib.parse import urlencode

from hypothesis import given
from hypothesis import strategies as st

from slapcore.errors import ProtocolError
from slapmaster.api.form import MAX_FIELDS
from slapmaster.api.form import parse_fields

PIECES = st.sampled_from(
    ("%", "%3", "C", "%3C", "%3c", "%3E", "%2F", "%22", "%3A", "%25", "%26", "%3D", "%C3", "%A9",
     "3C", "A", "&", "=", "+", "é", "a", "%00")
)  # fmt: skip


def read_by_library(text):
    pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_FIELDS, errors="strict")
    return None if len(dict(pairs)) < len(pairs) else dict(pairs)


def outcome_of(read, text):
    try:
        return read(text)
    except (ProtocolError, ValueError):
        return None


@given(st.lists(PIECES, max_size=30).map("".join))
def test_whatever_comes_is_read_as_the_library_reads_it(text):
    assert outcome_of(parse_fields, text) == outcome_of(read_by_library, text)


@given(st.dictionaries(st.text(min_size=1, max_size=5), st.text(max_size=10), max_size=5))
def test_what_was_posted_comes_back(fields):
    assert parse_fields(urlencode(fields)) == fields
