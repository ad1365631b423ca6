"""What the tests with the real client share: environments, and stages that depend on earlier ones.

Environments are kept between runs, where PEER_ENVIRONMENTS says or in a cache directory.
"""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from slapcore.errors import ConfigurationError
from slapmaster.demo.account import Account
from slapmaster.demo.account import find_account
from slapmaster.demo.account import find_ourselves
from slapmaster.demo.environment import Environment
from slapmaster.demo.environment import cache_directory
from slapmaster.demo.environment import make_environment_of
from slapmaster.demo.master import Master

pytest.register_assert_rewrite("tests.peers.life", "tests.peers.world")

#: class -> the stage of it that failed
FAILED: dict[type, str] = {}


def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo) -> None:
    broken = call.excinfo and not call.excinfo.errisinstance(pytest.skip.Exception)
    if item.cls is not None and broken:
        FAILED.setdefault(item.cls, item.name)


@pytest.fixture(autouse=True)
def earlier_stages_passed(request: pytest.FixtureRequest) -> None:
    """A stage begins where the one before it ended; without that it says nothing."""
    failed = request.cls and FAILED.get(request.cls)
    if failed:
        pytest.skip(f"an earlier stage failed: {failed}")


@pytest.fixture(scope="session")
def account() -> Account:
    return find_account()


@pytest.fixture(scope="session")
def install(account):
    """Give an environment with a version of the client, or skip with the reason why not."""

    def install(version: str) -> Environment:
        try:
            return make_environment_of(version, account, cache_directory(account))
        except ConfigurationError as error:
            pytest.skip(str(error))

    return install


@pytest.fixture(scope="module")
def module_directory() -> Iterator[Path]:
    """A directory that the node's user reaches: pytest's own are nobody else's."""
    path = Path(tempfile.mkdtemp(prefix="peer-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture(scope="class")
def directory(account) -> Iterator[Path]:
    """A directory with a short name, because supervisord puts a socket into it."""
    path = Path(tempfile.mkdtemp(prefix="peer-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture(scope="class")
def master(directory) -> Master:
    """A master that is not started yet."""
    return Master(directory / "master", find_ourselves())
