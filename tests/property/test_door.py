"""Whatever is posted: the answer is a 4xx that names the fault, and nothing is stored.

The good calls of ``tests/calls.py`` are made bad in every way one can think of.  What comes in
is never the cause of a 500, nor of a line in the log beside the one that the server writes.
"""

import logging
from contextlib import contextmanager
from urllib.parse import quote_from_bytes
from urllib.parse import quote_plus

import pytest
from hypothesis import HealthCheck
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from tests.calls import CALLS
from tests.calls import add_askers
from tests.driver import Master
from tests.driver import make_issuer
from tests.driver import marshalled

FORM = "application/x-www-form-urlencoded"
WITH_FIELDS = [call for call in CALLS if call[3]]

#: XML that is none, that is another's, or that wants too much
HOSTILE = [
    b"<marshal>",
    b"<marshal/>",
    b"<marshal><none/><none/></marshal>",
    b"<marshal><unknown/></marshal>",
    b"<marshal><int>" + b"9" * 5000 + b"</int></marshal>",
    b"<marshal><int>NaN</int></marshal>",
    b"<marshal><float>inf</float></marshal>",
    b'<marshal><list id="i2">' * 1000,
    b"<marshal>" + b'<list id="i2">' * 1000 + b"</list>" * 1000 + b"</marshal>",
    b'<!DOCTYPE x [<!ENTITY a "b">]><marshal><string>&a;</string></marshal>',
    b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><marshal><none/></marshal>',
    b"<marshal><string>&undefined;</string></marshal>",
    b"<marshal><string>&#0;</string></marshal>",
    b'<marshal><object id="i2" module="os" class="system"><tuple/></object></marshal>',
    b'<marshal><dictionary id="i2"><string>a</string></dictionary></marshal>',
    b'<marshal><reference id="i2"/></marshal>',
    b'<marshal><list id="i2"><reference id="i2"/></list></marshal>',
    b'<?xml version="1.0" encoding="utf-16"?><marshal><none/></marshal>',
    b"\xff\xfe<\x00m\x00",
    b"<journal><transaction/></journal>",
    b"<instance/>",
]
values = st.one_of(
    st.sampled_from(HOSTILE),
    st.binary(max_size=40),
    st.text(max_size=40).map(lambda text: text.encode("utf-8", "surrogatepass")),
    st.sampled_from([b"", b"None", b"\x00", b"a\nb", b"../..", b"running", b"x" * 3000]),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5).filter(str.isprintable),
        lambda inner: st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=5).filter(str.isprintable), inner, max_size=3),
    ).map(lambda value: marshalled(value).encode()),
)


@pytest.fixture(scope="module")
def world():
    master = Master(None, make_issuer())
    askers = add_askers(master)
    yield master, askers
    assert master.close() == []


class Diary(logging.Handler):
    """Keeps what is logged."""

    def __init__(self):
        super().__init__(logging.INFO)
        self.lines = []

    def emit(self, record):
        self.lines.append(record.getMessage())


@contextmanager
def keeping_diary():
    diary = Diary()
    root = logging.getLogger()
    root.addHandler(diary)
    try:
        yield diary
    finally:
        root.removeHandler(diary)


def ask(world, call, pairs, content_type=FORM):
    """Make the call with these fields; give the answer if it is a refusal that changed nothing."""
    master, askers = world
    body = "&".join(f"{quote_plus(name)}={quote_from_bytes(value)}" for name, value in pairs)
    who, method, name, _, _ = call
    before = master.last_transaction()
    with keeping_diary() as diary:
        answer = send(askers[who], method, name, body, content_type)
    assert answer.status_int < 500
    if answer.status_int < 400 or answer.status_int == 408:
        return None
    assert answer.text.strip()
    assert answer.status_int in {400, 401, 403, 404, 409}
    assert master.last_transaction() == before
    assert diary.lines == []
    return answer


def send(asker, method, name, body, content_type):
    environ = {"REMOTE_ADDR": "127.0.0.1", "webob.is_body_seekable": True}
    if asker.certificate is not None:
        environ["slapmaster.client_certificate"] = asker.certificate
    if method == "GET":
        return asker.app.get(f"/{name}?{body}", extra_environ=environ, status="*")
    return asker.app.post(
        f"/{name}", body, content_type=content_type, extra_environ=environ, status="*"
    )


def pairs_of(call):
    return [(name, value.encode()) for name, value in call[3].items()]


calls = st.sampled_from(WITH_FIELDS)
bounded = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

#: Fields without which a call still says something.
OPTIONAL = {
    "message", "error_log", "state", "slave_reference", "software_type", "shared_xml",
    "partition_parameter_xml", "filter_xml", "software_product_reference",
}  # fmt: skip


@bounded
@given(calls, st.data())
def test_a_missing_field_is_named(world, call, data):
    pairs = pairs_of(call)
    missing = data.draw(st.sampled_from(pairs))
    answer = ask(world, call, [pair for pair in pairs if pair != missing])
    if answer is not None and missing[0] not in OPTIONAL and answer.status_int == 400:
        assert f"field '{missing[0]}' is missing" in answer.text


@bounded
@given(calls, st.from_regex(r"[a-z_]{1,20}", fullmatch=True), values)
def test_a_surplus_field_is_named(world, call, name, value):
    surplus = f"surplus_{name}"
    answer = ask(world, call, [*pairs_of(call), (surplus, value)])
    assert answer is not None
    assert answer.status_int == 400
    assert surplus in answer.text or "not UTF-8" in answer.text


@bounded
@given(calls, st.data())
def test_a_field_that_is_there_twice_is_named(world, call, data):
    pairs = pairs_of(call)
    name, _ = data.draw(st.sampled_from(pairs))
    answer = ask(world, call, [*pairs, (name, b"another")])
    assert answer is not None
    assert answer.text == f"field '{name}' is there twice"


@settings(bounded, max_examples=600)
@given(calls, st.data())
def test_junk_in_a_field_is_refused_or_taken_but_never_trips(world, call, data):
    pairs = dict(pairs_of(call))
    changed = data.draw(st.sets(st.sampled_from(sorted(pairs)), min_size=1, max_size=2))
    for name in sorted(changed):
        pairs[name] = data.draw(values)
    ask(world, call, list(pairs.items()))


@bounded
@given(calls, st.binary(max_size=200))
def test_junk_instead_of_a_form_never_trips(world, call, body):
    answer = ask(world, call, [], content_type="application/json")
    assert answer is not None
    master, askers = world
    who, method, name, _, _ = call
    if method == "POST":
        with master.writing_nothing():
            answer = send(askers[who], method, name, body, FORM)
        assert 400 <= answer.status_int < 500


def test_more_fields_than_there_can_be_are_refused(world):
    for call in CALLS:
        pairs = [(f"field{number}", b"x") for number in range(1000)]
        answer = ask(world, call, pairs)
        assert call[2] == "getHateoasUrl" or "more than 50 fields" in answer.text


@pytest.mark.parametrize("call", WITH_FIELDS, ids=lambda call: f"{call[0]}-{call[2]}")
def test_ten_megabytes_in_a_field_are_refused_or_cut(world, call):
    for name, value in pairs_of(call):
        if call[1] == "POST":
            large = marshalled({"a": "x" * 10_000_000}).encode() if value[:1] == b"<" else b"x"
            pairs = {**dict(pairs_of(call)), name: large.ljust(10_000_000, b"x")}
            answer = ask(world, call, list(pairs.items()))
            assert answer is not None or name in {"message", "error_log"}, name


TOKEN_PATHS = ("Person_requestComputer", "Person_getCertificate")
headers = st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=60).map(
    lambda text: text.strip().replace("\x7f", "")
)


@bounded
@given(headers, headers, headers, st.sampled_from(TOKEN_PATHS))
def test_junk_in_a_header_never_trips(world, token, claim, shown, path):
    master, askers = world
    said = {
        "X-Access-Token": token,
        "Authorization": f"X-SlapPartition computer_id={claim}",
        "Client-Cert": shown,
    }
    with master.writing_nothing(), keeping_diary() as diary:
        refused = askers["nobody"].post(path, {"title": "new"}, headers=said, status="4*")
        answer = askers["node"].get("hateoas", headers=said, status="*")
    assert refused.status_int in {400, 403}
    assert answer.status_int in {200, 404}
    assert diary.lines == []


@bounded
@given(st.text(max_size=80), st.text(max_size=20), st.text(max_size=20))
def test_junk_in_a_search_never_trips(world, query, column, limit):
    master, askers = world
    fields = {"query": query, "select_list": column, "limit": limit}
    texts = {name: text.encode("utf-8", "replace").decode() for name, text in fields.items()}
    with master.writing_nothing(), keeping_diary() as diary:
        answer = askers["person"].get("hateoas/search", texts, status="*")
    assert answer.status_int == 400
    assert diary.lines == []


@bounded
@given(
    st.sampled_from(["person", "compute_node", "instance_tree", "software_instance"]),
    st.text(min_size=1, max_size=30),
)
def test_junk_in_a_path_finds_nothing(world, kind, reference):
    master, askers = world
    text = reference.encode("utf-8", "replace").decode()
    path = f"hateoas/{kind}_module/{quote_plus(text)}"
    with master.writing_nothing():
        assert askers["person"].get(path, status="*").status_int in {404, 400}
