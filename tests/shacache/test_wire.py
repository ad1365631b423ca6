"""Every call of the wire, and every wrong one: contents."""

import hashlib
import os
import socket
import threading
import time
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies

from tests.shacache.world import KEY
from tests.shacache.world import about
from tests.shacache.world import left_behind
from tests.shacache.world import make_cache
from tests.shacache.world import serving
from tests.shacache.world import sum_of

SMALL = b"a content of the cache\n" * 100
LONG = os.urandom(5_000_000)
NOWHERE = "0" * 128


def test_what_is_posted_is_answered_by_its_sum_and_can_be_got(door):
    answer = door.post(LONG, Content_Type="application/octet-stream")
    assert (answer.status_code, answer.text) == (201, sum_of(LONG))
    answer = door.get(sum_of(LONG))
    assert (answer.status_code, answer.content) == (200, LONG)
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert answer.headers["ETag"] == f'"{sum_of(LONG)}"'
    assert "immutable" in answer.headers["Cache-Control"]


def test_an_empty_content_is_one_too(door):
    assert door.post(b"").text == sum_of(b"")
    answer = door.get(sum_of(b""))
    assert (answer.status_code, answer.content) == (200, b"")
    assert door.get(sum_of(b""), Range="bytes=0-").status_code == 416


def test_the_slash_at_the_end_does_not_matter(door):
    assert door.ask("POST", "/shacache/", SMALL).text == sum_of(SMALL)


def test_a_content_may_be_put_under_its_sum_and_under_no_other(door):
    assert door.put(SMALL, sum_of(SMALL)).status_code == 201
    answer = door.put(b"other", sum_of(LONG))
    assert answer.status_code == 400
    assert sum_of(b"other") in answer.text
    assert door.get(sum_of(b"other")).status_code == 404
    assert door.get(sum_of(LONG)).status_code == 404


def test_a_content_may_come_in_chunks_without_a_length(door):
    pieces = (LONG[at : at + 77_777] for at in range(0, len(LONG), 77_777))
    assert door.ask("POST", "/shacache", pieces).text == sum_of(LONG)
    assert door.get(sum_of(LONG)).content == LONG


def test_the_same_content_twice_is_kept_once(door, folder):
    assert door.post(SMALL).text == door.post(SMALL).text
    assert len(list(folder.glob("contents/*/*"))) == 1


def test_the_same_content_from_many_at_once_is_kept_once(door, folder):
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(door.post(LONG))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {(answer.status_code, answer.text) for answer in answers} == {(201, sum_of(LONG))}
    assert len(list(folder.glob("contents/*/*"))) == 1


def test_head_tells_the_size_and_sends_nothing(door):
    door.post(LONG)
    answer = door.ask("HEAD", f"/shacache/{sum_of(LONG)}")
    assert answer.headers["Content-Length"] == str(len(LONG))
    assert answer.content == b""
    assert door.ask("HEAD", f"/shacache/{NOWHERE}").status_code == 404


def test_who_has_it_already_is_told_so(door):
    door.post(SMALL)
    answer = door.get(sum_of(SMALL), If_None_Match=f'"{sum_of(SMALL)}"')
    assert (answer.status_code, answer.content) == (304, b"")
    assert door.get(sum_of(SMALL), If_None_Match='"another"').status_code == 200


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("bytes=0-", 0, 2299),
        ("bytes=10-", 10, 2299),
        ("bytes=2299-", 2299, 2299),
        ("bytes=0-0", 0, 0),
        ("bytes=5-99999", 5, 2299),
        ("bytes=-7", 2293, 2299),
    ],
)
def test_a_part_is_exactly_what_was_asked_for(door, asked, first, last):
    door.post(SMALL)
    answer = door.get(sum_of(SMALL), Range=asked)
    assert answer.status_code == 206
    assert answer.headers["Content-Range"] == f"bytes {first}-{last}/{len(SMALL)}"
    assert answer.headers["Content-Length"] == str(last - first + 1)
    assert answer.content == SMALL[first : last + 1]


def test_a_part_behind_the_end_is_refused_with_the_size(door):
    door.post(SMALL)
    answer = door.get(sum_of(SMALL), Range="bytes=2300-")
    assert answer.status_code == 416
    assert answer.headers["Content-Range"] == f"bytes */{len(SMALL)}"


@pytest.mark.parametrize("asked", ["bytes=0-1,5-6", "lines=1-2", "bytes=5-2", "bytes=x", "junk"])
def test_parts_that_make_no_sense_are_the_whole(door, asked):
    door.post(SMALL)
    answer = door.get(sum_of(SMALL), Range=asked)
    assert (answer.status_code, answer.content) == (200, SMALL)


def test_a_part_of_what_has_changed_is_the_whole(door):
    door.post(SMALL)
    answer = door.get(sum_of(SMALL), Range="bytes=5-", If_Range='"another"')
    assert (answer.status_code, answer.content) == (200, SMALL)
    answer = door.get(sum_of(SMALL), Range="bytes=5-", If_Range=f'"{sum_of(SMALL)}"')
    assert (answer.status_code, answer.content) == (206, SMALL[5:])


@pytest.fixture(scope="module")
def shared_door(tmp_path_factory):
    with serving(make_cache(tmp_path_factory.mktemp("shared"))) as door:
        door.post(SMALL)
        yield door


@settings(deadline=None, max_examples=60)
@given(first=strategies.integers(0, 3000), size=strategies.integers(0, 3000))
def test_any_two_parts_make_the_whole(shared_door, first, size):
    answer = shared_door.get(sum_of(SMALL), Range=f"bytes={first}-{first + size}")
    if first >= len(SMALL):
        assert answer.status_code == 416
    else:
        assert answer.content == SMALL[first : first + size + 1]


@pytest.mark.parametrize(
    "name", [NOWHERE, "sha512sum", "..", "%2e%2e", "a%00b", NOWHERE[:-1], NOWHERE + "0", "A" * 128]
)
def test_what_is_not_here_is_not_found(door, name):
    assert door.get(name).status_code == 404


@pytest.mark.parametrize("name", ["sha512sum", NOWHERE[:-1], "A" * 128])
def test_nothing_is_put_under_what_is_no_sum(door, name):
    assert door.put(SMALL, name).status_code == 400


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/shacache"),
        ("DELETE", f"/shacache/{NOWHERE}"),
        ("POST", f"/shacache/{NOWHERE}"),
        ("POST", "/shadir/key"),
        ("DELETE", "/shadir/key"),
        ("POST", "/shacache/status"),
    ],
)
def test_what_is_not_done_is_said_to_be(door, method, path):
    assert door.ask(method, path, b"x").status_code == 405


@pytest.mark.parametrize("path", ["/", "/shacach", "/shadir", "/shadir/a/b/c", "/..%2f"])
def test_nothing_is_anywhere_else(door, path):
    assert door.ask("GET", path).status_code == 404


def raw(door, data):
    sock = socket.create_connection(("127.0.0.1", door.port), timeout=10)
    sock.sendall(data)
    return sock


def head(length, *, method="POST", path="/shacache"):
    return f"{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n".encode()


def test_a_content_that_breaks_off_leaves_nothing(door, folder):
    with closing(raw(door, head(1_000_000) + b"begin" * 1000)):
        deadline = time.monotonic() + 5
        while not left_behind(folder) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert left_behind(folder)
    # The fixture looks whether it is gone again.


def test_a_content_longer_than_announced_is_cut_where_it_was_announced(door):
    with closing(raw(door, head(5) + b"12345" + b"67890")) as sock:
        answer = b""
        while not answer.endswith(sum_of(b"12345").encode()):
            answer += sock.recv(2000)
    assert answer.startswith(b"HTTP/1.1 201")
    assert door.get(sum_of(b"1234567890")).status_code == 404


def test_the_test_for_existence_that_legacy_clients_make_costs_nothing(door):
    door.post(LONG)
    for _ in range(20):
        request = f"GET /shacache/{sum_of(LONG)} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        with closing(raw(door, request.encode())) as sock:
            assert sock.recv(12) == b"HTTP/1.1 200"
    assert door.get(sum_of(LONG)).content == LONG


def open_files():
    return len(os.listdir("/proc/self/fd"))


def test_readers_that_go_away_leave_no_file_open(door):
    door.post(LONG)
    request = f"GET /shacache/{sum_of(LONG)} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
    before = open_files()
    sockets = [raw(door, request) for _ in range(20)]
    for sock in sockets:
        assert sock.recv(12) == b"HTTP/1.1 200"
        sock.close()
    deadline = time.monotonic() + 5
    while open_files() > before + 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert open_files() <= before + 2


def test_a_content_that_is_too_large_is_refused_before_it_is_sent(folder):
    with serving(make_cache(folder, max_content=1000)) as door:
        with closing(raw(door, head(1001))) as sock:
            assert sock.recv(100).startswith(b"HTTP/1.1 413")
        assert door.post(b"x" * 1000).status_code == 201
        assert door.ask("POST", "/shacache", iter([b"x" * 600] * 2)).status_code == 413
    assert not left_behind(folder)


def test_what_was_left_by_a_server_that_died_is_removed(folder):
    with serving(make_cache(folder)):
        pass
    (folder / "incoming" / "rest").write_bytes(b"half")
    with serving(make_cache(folder)):
        assert not left_behind(folder)


def test_a_long_content_is_kept_without_its_being_in_memory(folder):
    size, piece = 128 << 20, os.urandom(1 << 20)
    with serving(make_cache(folder)) as door:
        before = peak_memory()
        answer = door.ask("POST", "/shacache", (piece for _ in range(size >> 20)))
        assert answer.status_code == 201
        wanted = hashlib.sha512()
        for _ in range(size >> 20):
            wanted.update(piece)
        assert answer.text == wanted.hexdigest()
        assert peak_memory() - before < 40 << 20


def peak_memory():
    with open("/proc/self/status") as status:
        line = next(line for line in status if line.startswith("VmHWM"))
    return int(line.split()[1]) << 10


def test_status_and_metrics_tell_what_was_asked_for(door, alice):
    door.post(SMALL)
    door.put_entry(KEY, alice.sign(about(SMALL)))
    assert door.look_up(KEY) and not door.look_up("nowhere")
    door.get(sum_of(SMALL))
    found = door.ask("GET", "/status").json()
    assert found["lookups"] == {"other": {"hit": 0, "miss": 1}, "release": {"hit": 1, "miss": 0}}
    assert found["events"] == {"download": 1, "upload": 1, "upload_bytes": len(SMALL)}
    assert (found["contents"], found["bytes"]) == (1, len(SMALL))
    assert found["signers"] == {"alice": 1}
    assert found["top"] == [[KEY, 1]]
    metrics = door.ask("GET", "/metrics").text
    assert 'shacache_lookups_total{kind="release",outcome="hit"} 1\n' in metrics
    assert door.ask("GET", "/shacache/metrics").text == metrics


def test_a_private_cache_is_read_by_accounts_only(folder):
    with serving(make_cache(folder, public=False, open_networks=())) as door:
        for path in (f"/shacache/{NOWHERE}", "/shadir/key", "/status", "/metrics"):
            answer = door.ask("GET", path)
            assert (answer.status_code, "WWW-Authenticate" in answer.headers) == (401, True)
