"""What most tests of the cache need: signers, and a cache that serves."""

import time

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
def folder(tmp_path):
    return tmp_path / "cache"


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
