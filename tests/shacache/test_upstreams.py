"""Other caches: what is not here is taken over from them, verified and kept."""

import threading
import time
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler
from http.server import ThreadingHTTPServer

import pytest

from shacache import check
from shacache import upstream
from shacache.settings import read_settings
from slapcore.errors import ConfigurationError
from slapcore.protocol import shadir
from slapcore.protocol.shadir import Entry
from tests.shacache.world import KEY
from tests.shacache.world import about
from tests.shacache.world import left_behind
from tests.shacache.world import make_cache
from tests.shacache.world import serving
from tests.shacache.world import sum_of

DATA = b"what another cache has " * 100_000


@pytest.fixture
def stack():
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def make(folder, alice, stack):
    """Make a cache that serves, with other caches as its upstreams."""

    def make(name, *upstreams, **settings):
        places = tuple((each.contents, each.entries) for each in upstreams)
        cache = make_cache(folder / name, upstreams=places, **settings)
        alice.register(cache)
        return stack.enter_context(serving(cache))

    folder.mkdir()
    return make


@pytest.fixture
def origin(make, alice):
    door = make("origin")
    door.post(DATA)
    door.put_entry(KEY, alice.sign(about(DATA), KEY))
    return door


def test_what_is_not_here_is_taken_over_and_kept(make, origin, folder):
    edge = make("edge", origin)
    assert edge.look_up(KEY) == origin.look_up(KEY)
    assert not list((folder / "edge").glob("contents/*/*"))
    assert edge.get(sum_of(DATA)).content == DATA
    downloads = origin.cache.statistic.events["download"]
    assert edge.get(sum_of(DATA), Range="bytes=10-").content == DATA[10:]
    assert edge.sums(KEY) == [sum_of(DATA)]
    assert origin.cache.statistic.events["download"] == downloads == 1
    assert not list(check.find_problems(edge.cache))
    assert not left_behind(folder / "edge")


def test_it_goes_through_several_caches(make, origin):
    edge = make("edge", make("middle", origin))
    assert edge.sums(KEY) == [sum_of(DATA)]
    assert edge.get(sum_of(DATA)).content == DATA


def test_entries_keep_their_order(make, origin, alice):
    other = b"for another machine"
    origin.post(other)
    origin.put_entry(KEY, alice.sign(about(other, system="11"), KEY))
    edge = make("edge", origin)
    assert edge.sums(KEY) == origin.sums(KEY) == [sum_of(other), sum_of(DATA)]


def test_a_content_that_no_entry_has_named_is_not_fetched(make, origin):
    edge = make("edge", origin)
    assert edge.get(sum_of(DATA)).status_code == 404
    assert origin.cache.statistic.events["download"] == 0


def test_many_readers_have_it_fetched_once(make, origin):
    edge = make("edge", origin)
    edge.look_up(KEY)
    answers = []
    threads = [
        threading.Thread(target=lambda: answers.append(edge.get(sum_of(DATA)))) for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answer.content for answer in answers] == [DATA] * 3
    assert origin.cache.statistic.events["download"] == 1


def test_what_only_they_believe_is_not_taken_over(make, folder, mallory):
    origin = make("origin", foreign=True, unsigned=True)
    origin.post(DATA)
    assert origin.put_entry(KEY, mallory.sign(about(DATA))).status_code == 201
    assert origin.put_entry(KEY, shadir.make_entry(about(DATA), None)).status_code == 201
    edge = make("edge", origin)
    assert edge.look_up(KEY) == []
    assert edge.get(sum_of(DATA)).status_code == 404


def test_what_is_unknown_everywhere_is_not_asked_for_again_at_once(make, origin, monkeypatch):
    edge = make("edge", origin)
    for _ in range(3):
        assert edge.look_up("unknown") == []
    assert origin.cache.statistic.lookups["other", "miss"] == 1
    monkeypatch.setattr(upstream, "UNKNOWN_SECONDS", 0.0)
    edge.look_up("another")
    edge.look_up("another")
    assert origin.cache.statistic.lookups["other", "miss"] == 3


def test_the_next_is_asked_when_one_fails(make, origin, stack):
    dead = stack.enter_context(Liar({}))
    dead.server.shutdown()
    dead.server.server_close()
    edge = make("edge", dead, origin)
    assert edge.sums(KEY) == [sum_of(DATA)]
    assert edge.get(sum_of(DATA)).content == DATA


class Liar:
    """A server that says what it is told to, whatever is asked."""

    def __init__(self, answers):
        self.answers = answers
        self.asked = []
        liar = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                liar.asked.append(self.path)
                code, body, length = liar.answers.get(self.path.split("/")[1], (404, b"", 0))
                self.send_response(code)
                self.send_header("Content-Length", str(length or len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *words):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.contents = f"http://127.0.0.1:{self.server.server_port}/contents"
        self.entries = f"http://127.0.0.1:{self.server.server_port}/entries"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


@pytest.mark.parametrize(
    "content",
    [(200, b"something else", 0), (200, DATA[:-1], 0), (200, DATA[:1000], len(DATA)),
     (500, b"", 0), (404, b"", 0)],
    ids=["other", "short", "broken off", "failing", "gone"],
)  # fmt: skip
def test_a_content_that_is_not_what_it_should_be_is_never_shown(
    make, stack, folder, alice, content
):
    entries = shadir.write_entries([alice.sign(about(DATA), KEY)])
    liar = stack.enter_context(Liar({"entries": (200, entries, 0), "contents": content}))
    edge = make("edge", liar)
    assert edge.sums(KEY) == [sum_of(DATA)]
    assert edge.get(sum_of(DATA)).status_code == 404
    assert edge.look_up(KEY) == []
    assert not list((folder / "edge").glob("contents/*/*"))
    assert not left_behind(folder / "edge")


@pytest.mark.parametrize(
    "body",
    [b"", b"no JSON", b"{}", b'["x"]', b'[["{}", ""]]', b"[" * 10_000],
    ids=["empty", "text", "object", "no pair", "no sum", "deep"],
)
def test_nonsense_for_entries_is_a_miss(make, stack, body):
    liar = stack.enter_context(Liar({"entries": (200, body, 0)}))
    assert make("edge", liar).look_up(KEY) == []


def test_an_entry_under_another_key_is_not_taken_over(make, stack, alice):
    entry = alice.sign(about(DATA))
    changed = Entry(entry.text.replace("12", "13"), entry.signature)
    entries = shadir.write_entries([entry, changed])
    liar = stack.enter_context(Liar({"entries": (200, entries, 0)}))
    edge = make("edge", liar)
    assert edge.look_up("0" * 32) == []
    assert edge.sums(KEY) == [sum_of(DATA)]


def test_who_waits_too_long_is_told_to_come_again(make, origin, monkeypatch):
    monkeypatch.setattr(upstream, "WAIT_SECONDS", 0.2)
    edge = make("edge", origin)
    edge.look_up(KEY)
    fetch, arrived = edge.cache._fetch, threading.Event()

    def slow(client, sha512):
        time.sleep(0.6)
        fetch(client, sha512)
        arrived.set()

    edge.cache._fetch = slow
    answer = edge.get(sum_of(DATA))
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "10")
    assert arrived.wait(10)
    assert edge.get(sum_of(DATA)).content == DATA


def test_upstreams_are_pairs_of_urls():
    text = "\nhttp://a/c http://a/d\nhttps://b:1/c https://b:1/d"
    found = read_settings(None, {"upstreams": text})
    assert found.upstreams == (("http://a/c", "http://a/d"), ("https://b:1/c", "https://b:1/d"))
    for wrong in ("http://a/c", "ftp://a/c http://a/d", "http://a http://b http://c"):
        with pytest.raises(ConfigurationError, match="upstreams"):
            read_settings(None, {"upstreams": wrong})
