"""What is relied on must not be changed by another meanwhile."""

import pytest
import transaction
from BTrees.OOBTree import OOBTree
from persistent import Persistent
from ZODB.DB import DB
from ZODB.MappingStorage import MappingStorage
from ZODB.POSException import ConflictError

from slapmaster.domain.reliance import rely_on
from slapmaster.domain.reliance import rely_on_members


class Note(Persistent):
    """A record with a text."""

    text = ""


@pytest.fixture
def db():
    storage = DB(MappingStorage())
    manager = transaction.TransactionManager()
    connection = storage.open(manager)
    root = connection.root()
    root["relied"], root["written"] = Note(), Note()
    root["few"] = OOBTree({str(number): number for number in range(5)})
    root["many"] = OOBTree({str(number): number for number in range(500)})
    manager.commit()
    connection.close()
    yield storage
    storage.close()


def conflicts(db, relies, changes):
    """Tell whether who ``relies`` and writes something meets one who ``changes`` before it ends."""
    managers = [transaction.TransactionManager() for _ in range(2)]
    first, second = [db.open(manager) for manager in managers]
    relies(first.root())
    first.root()["written"].text = "new"
    changes(second.root())
    managers[1].commit()
    try:
        managers[0].commit()
    except ConflictError:
        return True
    finally:
        for manager, connection in zip(managers, (first, second), strict=True):
            manager.abort()
            connection.close()
    return False


def write(root):
    root["relied"].text = "changed"


def test_what_is_changed_by_another_makes_a_conflict(db):
    assert conflicts(db, lambda root: rely_on(root["relied"]), write)


def test_what_was_never_looked_at_is_relied_on_as_well(db):
    def relies(root):
        root["relied"]._p_deactivate()
        rely_on(root["relied"])

    assert conflicts(db, relies, write)


def test_what_is_not_relied_on_makes_none(db):
    assert not conflicts(db, lambda root: root["relied"].text, write)


def test_what_is_new_can_be_relied_on(db):
    rely_on(Note())
    assert not conflicts(db, lambda root: rely_on(Note()), write)


@pytest.mark.parametrize("name", ["few", "many"])
@pytest.mark.parametrize("key", ["0", "250", "499", "new"])
def test_whoever_adds_to_a_tree_or_removes_makes_a_conflict(db, name, key):
    def changes(root):
        if root[name].pop(key, None) is None:
            root[name][key] = 1

    assert conflicts(db, lambda root: rely_on_members(root[name]), changes)
    assert not conflicts(db, lambda root: None, changes)


def test_an_empty_tree_is_relied_on_too(db):
    manager = transaction.TransactionManager()
    connection = db.open(manager)
    connection.root()["empty"] = OOBTree()
    manager.commit()
    connection.close()
    assert conflicts(
        db, lambda root: rely_on_members(root["empty"]), lambda root: root["empty"].update({"a": 1})
    )
