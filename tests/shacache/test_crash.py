"""kill -9 and a full disk, at whatever byte: what was acknowledged is there, and all is sound."""

import http.client
import os
import random
import shutil
import subprocess
import tempfile
import threading
import time
from contextlib import closing
from contextlib import contextmanager
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path

import pytest

from shacache import check
from slapcore.protocol import shadir
from tests.shacache.process import Shacache
from tests.shacache.world import KEY
from tests.shacache.world import about
from tests.shacache.world import left_behind
from tests.shacache.world import make_cache
from tests.shacache.world import sum_of

WRITERS = 3
LIFE = (0.05, 0.7)


@dataclass
class Diary:
    """What one writer was told is kept."""

    contents: dict[str, int] = field(default_factory=dict)
    #: key -> content of its last acknowledged entry, and of one that got no answer
    entries: dict[str, str] = field(default_factory=dict)
    doubtful: dict[str, str] = field(default_factory=dict)


def ask(port, method, path, body):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    with closing(connection):
        connection.request(method, path, body)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()


def write_until_it_dies(port, number, alice, diary):
    """Put contents of all sizes, and an entry for each, until the server is gone."""
    chance = random.Random(number)
    try:
        for turn in range(10_000):
            data = chance.randbytes(chance.choice([0, 10, 5_000, 300_000, 3_000_000]))
            status, text = ask(port, "POST", "/shacache", data)
            assert (status, text) == (201, sum_of(data))
            diary.contents[text] = len(data)
            key = f"key-{number}-{turn % 3}"
            entry = alice.sign({"sha512": text}, key)
            diary.doubtful[key] = text
            status, reason = ask(port, "PUT", f"/shadir/{key}", shadir.write_entry(entry))
            assert status == 201, reason
            diary.entries[key] = diary.doubtful.pop(key)
    except (OSError, http.client.HTTPException):
        pass


def test_nothing_acknowledged_is_lost_when_the_server_is_killed(folder, alice, cycles):
    cache = make_cache(folder)
    alice.register(cache)
    diaries = [Diary() for _ in range(WRITERS)]
    for cycle in range(cycles):
        process, port = Shacache(folder).start()
        threads = [
            threading.Thread(
                target=write_until_it_dies, args=(port, cycle * WRITERS + number, alice, diary)
            )
            for number, diary in enumerate(diaries)
        ]
        for thread in threads:
            thread.start()
        time.sleep(random.uniform(*LIFE))
        process.kill()
        process.wait()
        process.stdout.close()
        for thread in threads:
            thread.join()
        look_at_what_is_left(cache, diaries)
    cache.store.claim()
    assert not list(folder.glob("incoming/*"))
    assert sum(len(diary.entries) for diary in diaries)
    cache.close()


def look_at_what_is_left(cache, diaries):
    assert not list(check.find_problems(cache))
    assert not list(check.scrub(cache, lambda stored: None))
    for diary in diaries:
        for sha512, size in diary.contents.items():
            assert cache.store.look(sha512).size == size
        for key, sha512 in diary.entries.items():
            (entry,) = cache.look_up(key)
            found = shadir.read_metadata(entry.text)["sha512"]
            assert found in (sha512, diary.doubtful.get(key))
        diary.doubtful.clear()


@pytest.mark.parametrize("size", [1, 100_000, 1_048_575, 1_048_576, 1_048_577, 4_000_000])
def test_a_full_disk_is_said_and_leaves_nothing(folder, alice, size):
    """A limit on the size of files is a disk that is full at that byte."""
    data = os.urandom(size + 1)
    process, port = Shacache(folder).start(largest_file=max(size, 1))
    try:
        status, reason = ask(port, "POST", "/shacache", data)
        assert (status, "no room" in reason) == (507, True)
        deadline = time.monotonic() + 5
        while left_behind(folder) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert not left_behind(folder)
        status, text = ask(port, "POST", "/shacache", data[:size])
        assert (status, text) == (201, sum_of(data[:size]))
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()
    cache = make_cache(folder)
    assert not list(check.scrub(cache, lambda stored: None))
    assert [stored.size for stored in cache.store.list()] == [size]
    cache.close()


def test_an_entry_that_does_not_fit_leaves_the_old_one(folder, alice):
    cache = make_cache(folder)
    alice.register(cache)
    for data in (b"one", b"two"):
        receipt = cache.store.receive(10)
        receipt.write(data)
        cache.keep(receipt)
    process, port = Shacache(folder).start(largest_file=3000)
    try:
        small = shadir.write_entry(alice.sign(about(b"one")))
        assert ask(port, "PUT", f"/shadir/{KEY}", small)[0] == 201
        large = shadir.write_entry(alice.sign(about(b"two", junk="x" * 4000)))
        status, reason = ask(port, "PUT", f"/shadir/{KEY}", large)
        assert (status, "no room" in reason) == (507, True)
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()
    (entry,) = cache.look_up(KEY)
    assert shadir.read_metadata(entry.text)["sha512"] == sum_of(b"one")
    assert not left_behind(folder)
    cache.close()


@contextmanager
def small_disk(size):
    """A file system of its own of ``size`` bytes; skips where one can't be mounted."""
    mount = shutil.which("mount")
    folder = Path(tempfile.mkdtemp(prefix="shacache-disk-"))
    options = ["-t", "tmpfs", "-o", f"size={size},mode=700", "tmpfs"]
    done = subprocess.run([mount or "mount", *options, folder], capture_output=True)
    if done.returncode:
        folder.rmdir()
        pytest.skip("only root can mount a small disk")
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)
        folder.rmdir()


@pytest.mark.skipif(os.getuid() != 0, reason="only root can mount a small disk")
def test_a_disk_that_is_really_full_is_said_and_recovers(alice):
    with small_disk(4 << 20) as disk:
        process, port = Shacache(disk / "cache").start()
        try:
            kept = []
            for number in range(6):
                data = bytes([number]) * (1 << 20)
                status, text = ask(port, "POST", "/shacache", data)
                assert status in (201, 507), text
                kept += [text] if status == 201 else []
            assert 2 <= len(kept) <= 4
            for sha512 in kept:
                assert ask(port, "HEAD", f"/shacache/{sha512}", None)[0] == 200
            assert not left_behind(disk / "cache")
        finally:
            process.terminate()
            process.wait()
            process.stdout.close()
        cache = make_cache(disk / "cache")
        assert not list(check.scrub(cache, lambda stored: None))
        cache.store.remove(kept[0])
        receipt = cache.store.receive(1 << 21)
        receipt.write(b"y" * (1 << 20))
        assert cache.keep(receipt) == sum_of(b"y" * (1 << 20))
        cache.close()
