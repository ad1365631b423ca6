"""What most tests of the cache need: signers, and a cache that serves."""

import os
import tempfile
import time
from pathlib import Path

import pytest

from shacache import check
from tests.shacache.world import Signer
from tests.shacache.world import left_behind
from tests.shacache.world import make_cache
from tests.shacache.world import serving


@pytest.fixture(scope="session")
def alice():
    return Signer("alice")


@pytest.fixture(scope="session")
def bob():
    return Signer("bob")


@pytest.fixture(scope="session")
def mallory():
    """Somebody who is registered nowhere."""
    return Signer("mallory")


@pytest.fixture
def folder():
    """A place for a cache: in memory where that is possible, for a disk has to be waited for."""
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="shacache-", dir=memory) as name:
        yield Path(name) / "cache"


@pytest.fixture
def cache(folder, alice, bob):
    cache = make_cache(folder)
    alice.register(cache)
    bob.register(cache)
    yield cache
    cache.close()


@pytest.fixture
def door(cache, folder):
    """A cache that serves; after the test it is sound, and nothing unfinished is left."""
    with serving(cache) as door:
        yield door
        deadline = time.monotonic() + 5
        while left_behind(folder) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert not left_behind(folder)
        assert not list(check.find_problems(cache))


def pytest_addoption(parser):
    parser.addoption("--kills", type=int, default=5, help="how often the cache's server is killed")


@pytest.fixture
def cycles(request):
    return request.config.getoption("--kills")
