"""Most of what clients send is read without a parser: with the same outcome as with one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slapcore.errors import ProtocolError
from slapcore.protocol import marshal

#: What plain documents are made of, and what might be taken for a part of one.
PIECES = st.sampled_from(
    (
        "<marshal>", '<dictionary id="i2">', "<string>", "</string>", "</dictionary>",
        "</marshal>", "<none/>", "<bool>", "0", "1", "</bool>", "key", "value", " ", "\r", "\n",
        "&amp;", "&", "<", ">", "]]>", "é", "\x00", "\x7f", "<string/>", '<dictionary id="i3">',
    )
)  # fmt: skip
TEXTS = st.text(max_size=20) | st.text("ab&<>]\r\n é", max_size=10)


def outcome_of(read, text):
    try:
        return read(text)
    except ProtocolError as error:
        return str(error)


def read_by_parser(text):
    return marshal._decode_any(text, marshal.MAX_BYTES, marshal.MAX_DEPTH)


@given(st.lists(PIECES, max_size=20).map("".join))
def test_anything_like_a_plain_document_reads_the_same(text):
    assert outcome_of(marshal.decode, text) == outcome_of(read_by_parser, text)


@given(st.lists(TEXTS, max_size=6))
def test_texts_put_into_a_plain_document_read_the_same(texts):
    inside = "".join(f"<string>{text}</string>" for text in texts)
    text = f'<marshal><dictionary id="i2">{inside}</dictionary></marshal>'
    assert outcome_of(marshal.decode, text) == outcome_of(read_by_parser, text)


@given(st.dictionaries(TEXTS, TEXTS, max_size=6))
def test_what_was_written_reads_the_same(pairs):
    try:
        text = marshal.encode(pairs).decode()
    except ProtocolError:
        return
    assert marshal.decode(text) == read_by_parser(text)


@pytest.mark.parametrize("text", list(marshal.KNOWN))
def test_known_documents_are_what_a_parser_makes_of_them(text):
    assert marshal.decode(text) is read_by_parser(text)


def test_what_is_read_may_not_be_longer_or_deeper_than_allowed():
    text = marshal.encode({"a": "b"}).decode()
    with pytest.raises(ProtocolError):
        marshal.decode(text, max_bytes=len(text) - 1)
    with pytest.raises(ProtocolError):
        marshal.decode(text, max_depth=1)
