"""Lines of the log: one record, one line, no forgery, no secret."""

import io
import logging
import threading
from contextvars import copy_context

import pytest

from slapcore.log import configure
from slapcore.log import new_request_id
from slapcore.log import printable
from slapcore.log import request_id
from slapcore.log import with_request_id

log = logging.getLogger("slapmaster.test")


@pytest.fixture
def stream():
    root = logging.getLogger()
    level = root.level
    stream = io.StringIO()
    handler = configure("info", stream)
    yield stream
    root.removeHandler(handler)
    root.setLevel(level)


def test_a_line_says_when_what_and_where(stream):
    log.info("node %s: supplied", "COMP-1")
    line = stream.getvalue()
    assert line.endswith("Z INFO [-] slapmaster.test: node COMP-1: supplied\n")
    assert line[:4].isdigit() and line[10] == "T"


def test_configuring_again_does_not_double_the_lines(stream):
    again = io.StringIO()
    handler = configure("INFO", again)
    log.info("once")
    logging.getLogger().removeHandler(handler)
    assert stream.getvalue() == ""
    assert again.getvalue().count("once") == 1


def test_the_level_counts(stream):
    log.debug("not seen")
    assert stream.getvalue() == ""


def test_a_line_carries_the_id_of_its_request(stream):
    def handle():
        chosen = new_request_id()
        log.info("in")
        return chosen

    chosen = copy_context().run(handle)
    log.info("out")
    inside, outside = stream.getvalue().splitlines()
    assert f"[{chosen}]" in inside
    assert "[-]" in outside


def test_threads_do_not_share_the_id():
    found = []

    def handle():
        found.append((request_id.get(), new_request_id()))

    threads = [threading.Thread(target=handle) for _ in range(3)]
    for thread in threads:
        thread.start()
        thread.join()
    assert {before for before, _ in found} == {"-"}
    assert len({chosen for _, chosen in found}) == 3


def test_a_wsgi_application_is_given_an_id_where_it_has_none():
    def application(environ, start_response):
        return [environ["slapmaster.request_id"].encode()]

    wrapped = with_request_id(application)
    (first,) = copy_context().run(wrapped, {}, None)
    (second,) = copy_context().run(wrapped, {}, None)
    (kept,) = wrapped({"slapmaster.request_id": "given"}, None)
    assert first != second
    assert kept == b"given"


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n", "\x85", "\u2028", "\u2029", "\x0b", "\x0c"])
def test_an_argument_can_not_begin_a_line_of_its_own(stream, end):
    log.info("title %s", f"web{end}2026-01-01T00:00:00.000Z ERROR [-] root: the house is on fire")
    assert len(stream.getvalue().splitlines()) == 1


def test_terminal_codes_and_reversed_writing_are_written_out():
    assert printable("\x1b[2J\u202egnp") == "\\x1b[2J\\u202egnp"
    assert printable("Grüße, 世界") == "Grüße, 世界"


def test_a_traceback_can_not_be_taken_for_a_line(stream):
    try:
        raise ValueError("bad\n2026-01-01T00:00:00.000Z ERROR [-] root: forged")
    except ValueError:
        log.exception("failed")
    first, *others = stream.getvalue().splitlines()
    assert first.endswith("failed")
    assert "forged" in stream.getvalue()
    assert all(line.startswith("  | ") for line in others)


@pytest.mark.parametrize(
    "text",
    [
        "password=hunter2",
        "token: hunter2",
        "{'access_token': 'hunter2'}",
        "Authorization: Basic hunter2 more",
        "-----BEGIN EC PRIVATE KEY-----\nhunter2\n-----END EC PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----\nhunter2",
    ],
)
def test_what_looks_like_a_secret_is_masked(stream, text):
    log.info("received %s", text)
    assert "hunter2" not in stream.getvalue()
    assert "[masked]" in stream.getvalue()


def test_ordinary_words_are_not_masked(stream):
    log.info("key %s of %s, token spent by %s", "color", "SOFTINST-1", "PERS-2")
    assert "key color of SOFTINST-1, token spent by PERS-2" in stream.getvalue()
