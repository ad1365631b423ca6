"""Steps on an old database in a file: each runs once, in a transaction with its version."""

import pytest
import transaction
from ZODB.DB import DB
from ZODB.FileStorage import FileStorage

from slapcore.errors import ConfigurationError
from slapmaster import evolve
from slapmaster.domain.check import find_problems
from tests.factories import make_site

STEP = '''"""Every node called {old} is called {new}."""


def evolve(site):
    for node in site.nodes:
        if node.title == "{old}":
            site.nodes.change(node, title="{new}")
'''


@pytest.fixture
def path(tmp_path):
    """A database of version 0, closed."""
    name = str(tmp_path / "site.fs")
    with Opened(name) as root:
        root["site"] = make_site(nodes=1, instances=1)
    return name


@pytest.fixture
def steps(tmp_path, monkeypatch):
    """A program with two steps."""
    (tmp_path / "step_0001_first.py").write_text(STEP.format(old="node0", new="node1"))
    (tmp_path / "step_0002_second.py").write_text(STEP.format(old="node1", new="node2"))
    monkeypatch.setattr(evolve, "__path__", [*evolve.__path__, str(tmp_path)])
    monkeypatch.setattr(evolve, "STEPS", ("step_0001_first", "step_0002_second"))


class Opened:
    """A database in a file, opened for one transaction."""

    def __init__(self, path):
        self.db = DB(FileStorage(path))
        self.manager = transaction.TransactionManager()
        self.connection = self.db.open(self.manager)

    def __enter__(self):
        return self.connection.root()

    def __exit__(self, kind, *_):
        self.manager.commit() if kind is None else self.manager.abort()
        self.connection.close()
        self.db.close()


def titles(site):
    return [node.title for node in site.nodes]


def test_each_step_runs_once_and_in_order(path, steps):
    for version, title in ((1, "node1"), (2, "node2"), (2, "node2")):
        with Opened(path) as root:
            assert evolve.run_next_step(root["site"]) == version
        with Opened(path) as root:
            assert root["site"].version == version
            assert titles(root["site"]) == [title]
            assert list(find_problems(root["site"])) == []


def test_what_has_run_is_not_pending(path, steps):
    with Opened(path) as root:
        assert evolve.pending_steps(root["site"]) == ("step_0001_first", "step_0002_second")
        evolve.run_next_step(root["site"])
        assert evolve.pending_steps(root["site"]) == ("step_0002_second",)


def test_an_older_database_is_refused_until_its_steps_have_run(path, steps):
    with Opened(path) as root:
        with pytest.raises(ConfigurationError, match="version 0, this program of 2"):
            evolve.refuse_older(root["site"])
        evolve.run_next_step(root["site"])
        evolve.run_next_step(root["site"])
        evolve.refuse_older(root["site"])


def test_a_database_of_a_newer_program_is_refused(path):
    with Opened(path) as root:
        root["site"].version = evolve.latest_version() + 1
    known = f"this program knows {evolve.latest_version()}"
    with Opened(path) as root, pytest.raises(ConfigurationError, match=known):
        evolve.refuse_newer(root["site"])


def test_the_steps_are_numbered_without_a_gap():
    numbers = [int(step.split("_")[1]) for step in evolve.STEPS]
    assert numbers == list(range(1, evolve.latest_version() + 1))
