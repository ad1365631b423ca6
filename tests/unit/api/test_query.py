"""The search language: what is read, and what is refused with the place of the fault."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slapcore.errors import InvalidValue
from slapmaster.api.hateoas.query import MAX_LENGTH
from slapmaster.api.hateoas.query import Group
from slapmaster.api.hateoas.query import Term
from slapmaster.api.hateoas.query import read_query

A, B, C = Term("a", ("1",)), Term("b", ("2",)), Term("c", ("3",))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('a:"1"', A),
        ('a:="1"', A),
        ("a:1", A),
        (' a : = "1" ', A),
        ('a:("1", "2")', Term("a", ("1", "2"))),
        ('a:=("1")', A),
        ('title:="it is \\"so\\""', Term("title", ('it is "so"',))),
        ('title:="back\\\\slash"', Term("title", ("back\\slash",))),
        ('title:="C:\\dir"', Term("title", ("C:\\dir",))),
        ('title:=" (a) AND b: "', Term("title", (" (a) AND b: ",))),
        ('title:=""', Term("title", ("",))),
        ("a:1 AND b:2", Group(True, (A, B))),
        ("a:1 and b:2", Group(True, (A, B))),
        ("a:1 OR b:2", Group(False, (A, B))),
        ("a:1 or b:2 AND c:3", Group(False, (A, Group(True, (B, C))))),
        ("(a:1 OR b:2) AND c:3", Group(True, (Group(False, (A, B)), C))),
        ("((a:1))", A),
        ("and:1", Term("and", ("1",))),
    ],
)
def test_a_query_is_read(text, expected):
    assert read_query(text) == expected


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "its end at character 1, where a key"),
        ("a", "where ':' is expected"),
        ("a:", "where a value"),
        ('a:"1', "can't be read from '\"1'"),
        ("a:1 b:2", "'b' at character 5, where the end of the query"),
        ("a:1 AND", "where a key"),
        ("(a:1", "where ')' is expected"),
        ("a:1)", "')' at character 4"),
        ("a:()", "where a value"),
        ('a:("1" "2")', "where ')' is expected"),
        ("a:>1", "can't be read from '>1'"),
        ("a!=1", "can't be read from '!=1'"),
        ("NOT a:1", "'a' at character 5"),
        ('"a":1', "where a key"),
        ("(" * 30 + "a:1" + ")" * 30, "nested deeper than 20"),
        ("a:" + "1" * MAX_LENGTH, "10000 are allowed"),
    ],
)
def test_a_fault_is_named_with_its_place(text, fault):
    with pytest.raises(InvalidValue) as caught:
        read_query(text)
    assert fault in str(caught.value)


@given(st.text(alphabet='ab :="\\(),ANDORandor\n\0é', max_size=60))
def test_junk_is_refused_or_read_and_nothing_else(text):
    try:
        condition = read_query(text)
    except InvalidValue:
        return
    condition.holds(lambda key: None)


@given(st.text(max_size=50).filter(lambda text: not text.endswith("\\")))
def test_whatever_is_quoted_is_found_again(title):
    quoted = title.replace("\\", "\\\\").replace('"', '\\"')
    assert read_query(f'title:="{quoted}"') == Term("title", (title,))


def test_only_what_must_be_so_is_exact():
    exact = read_query('a:1 AND (b:2 OR c:3) AND (d:4 AND e:("5", "6"))').exact()
    assert exact == {"a": "1", "d": "4"}
