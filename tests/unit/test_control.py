"""The control socket: who is answered, and what is no question."""

import io
import json
import os

import pytest

from slapcore import errors
from slapmaster.control.client import error_called
from slapmaster.control.listener import ControlApplication
from slapmaster.control.operation import Asked
from slapmaster.control.operation import name_of_user
from slapmaster.control.operation import run
from slapmaster.control.table import OPERATIONS
from slapmaster.control.table import TIMELESS
from slapmaster.master import Master
from slapmaster.master import opened_master
from slapmaster.settings import Settings


@pytest.fixture
def master(tmp_path):
    with opened_master(Settings(data_directory=tmp_path), alone=True) as opened:
        yield opened


def ask(master: Master, body: object, **environ: object):
    """Ask as the listener would; give the status and the lines of the answer."""
    status: list[str] = []
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    environ = {"wsgi.input": io.BytesIO(text), **environ}
    answer = ControlApplication(master)(environ, lambda said, headers: status.append(said))
    return status[0], b"".join(answer).splitlines()


PERSONS = {"operation": "person.list", "arguments": {}}


def test_the_server_s_own_user_and_root_are_answered(master):
    for uid in (os.getuid(), 0):
        status, lines = ask(master, PERSONS, **{"slapmaster.peer_uid": uid})
        assert (status, lines) == ("200 OK", [b'{"answer": []}'])


def test_nobody_else_is_answered_not_even_who_comes_by_another_way(master):
    for environ in ({"slapmaster.peer_uid": os.getuid() + 1}, {}, {"slapmaster.peer_uid": None}):
        assert ask(master, PERSONS, **environ)[0] == "403 Forbidden"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff",
        b"7",
        {"operation": "person.list"},
        {"operation": "person.list", "arguments": 7},
        {"operation": "no.such", "arguments": {}},
        {"operation": "person.list", "arguments": {"surplus": 1}},
        {"operation": "person.show", "arguments": {}},
    ],
)
def test_what_is_no_question_is_told_so(master, body):
    _, lines = ask(master, body, **{"slapmaster.peer_uid": 0})
    assert json.loads(lines[-1])["error"] == "ProtocolError"


def test_errors_keep_their_class_on_the_way(master):
    asked = {"operation": "person.show", "arguments": {"who": "nobody"}}
    _, (line,) = ask(master, asked, **{"slapmaster.peer_uid": 0})
    told = json.loads(line)
    assert error_called(told["error"]) is errors.NotFound
    assert error_called("os") is errors.SlapError
    assert error_called("Path") is errors.SlapError


def test_what_only_reads_commits_nothing(master):
    storage = master.parts.store.main.storage
    before = storage.lastTransaction()
    for name in ("person.list", "project.list", "node.list", "supply.list", "product.list",
                 "service.list", "instance.list", "site.check"):  # fmt: skip
        assert list(run(OPERATIONS, master, Asked(name=name, arguments={}, by="test")))
    assert storage.lastTransaction() == before


def test_work_says_how_far_it_is_before_it_answers(master, tmp_path):
    arguments = {"repository": str(tmp_path / "copies"), "full": False, "drop_old": False}
    asked = Asked(name="site.backup", arguments={**arguments, "keys": None}, by="test")
    *progress, last = run(OPERATIONS, master, asked)
    assert last["answer"]["kind"] == "full"
    assert {line["what"] for line in progress} <= {"copying", "verifying"}
    assert progress


def test_timeless_operations_exist():
    assert set(TIMELESS) <= set(OPERATIONS)


def test_a_user_without_a_name_is_called_by_number():
    assert name_of_user(4_000_000_000).startswith("uid-4000000000@")
