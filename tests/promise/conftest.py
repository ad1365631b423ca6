"""A launcher for all of a file's tests, and fresh partitions."""

import shutil
import tempfile
from pathlib import Path

import pytest

from slapcore.promise.launcher import Launcher
from tests.promise.world import Partition


@pytest.fixture(scope="module")
def launcher():
    with Launcher(timeout=10, parallel=4) as launcher:
        yield launcher


@pytest.fixture(scope="module")
def hasty():
    """Give a launcher that waits for a second only."""
    with Launcher(timeout=1, parallel=4) as launcher:
        yield launcher


@pytest.fixture
def open_folder():
    """Give a folder that every user may pass through."""
    folder = Path(tempfile.mkdtemp(prefix="promises-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def partition(open_folder, launcher):
    return Partition(open_folder, launcher)


@pytest.fixture
def hurried(open_folder, hasty):
    return Partition(open_folder, hasty)
