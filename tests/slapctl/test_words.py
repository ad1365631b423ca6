"""What ``slapctl`` prints and completes, and what it does of a master that answers nonsense."""

import json
import os
import pty
import select
import socket
import subprocess
import threading
from contextlib import contextmanager

import pytest
import yaml
from click.testing import CliRunner
from hypothesis import HealthCheck
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from slapcore.cli import COMMANDS
from slapcore.cli import main
from slapcore.cli.given import read_file
from slapcore.cli.given import read_pairs
from slapcore.errors import InvalidValue
from slapcore.slap.shown import Instance
from tests.commands import PATIENCE
from tests.commands import Slapctl

RELEASE = "https://example.com/web/software.cfg"


def complete(ctl, *words):
    """Have a shell complete the last of some words."""
    done = subprocess.run(
        ctl.words()[:-2],
        env={
            **os.environ,
            "_SLAPCTL_COMPLETE": "bash_complete",
            "COMP_WORDS": " ".join(["slapctl", *words]),
            "COMP_CWORD": str(len(words)),
            "SLAPCTL_HOME": str(ctl.home),
        },
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.returncode == 0, done.stderr
    return [line.partition(",")[2] for line in done.stdout.splitlines() if line]


def test_a_shell_completes_commands_and_titles(alice, node):
    alice.run("request", "complete-me", RELEASE)
    assert complete(alice, "serv") == ["service"]
    assert "upgrade" in complete(alice, "service", "u")
    assert complete(alice, "service", "info", "compl") == ["complete-me"]
    assert node.reference in complete(alice, "computer", "info", "COMP")
    alice.run("service", "destroy", "complete-me", "--yes")


def test_without_a_master_nothing_is_completed(tmp_path):
    assert complete(Slapctl(tmp_path / "none"), "service", "info", "x") == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_for_a_shell_is_printed(tmp_path, shell):
    script = Slapctl(tmp_path).run("completion", shell)
    assert "_SLAPCTL_COMPLETE" in script


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_helps(name):
    done = CliRunner().invoke(main, [name, "--help"])
    assert done.exit_code == 0
    assert "Usage: " in done.stdout


def test_a_word_that_is_nearly_a_command_is_corrected(tmp_path):
    assert "Did you mean request" in Slapctl(tmp_path).run("reqest", code=2)


def test_every_list_is_json_and_yaml_too(alice, node):
    alice.run("request", "listed", RELEASE)
    for words in (
        ("service", "list"), ("service", "info", "listed"), ("computer", "list"),
        ("computer", "info", "shelf"), ("software", "list"), ("software", "supplied"),
        ("context", "list"), ("whoami",), ("events",), ("plan", "listed", RELEASE),
    ):  # fmt: skip
        as_json, as_yaml = alice.run(*words, "--json"), alice.run(*words, "--yaml")
        assert json.loads(as_json) == yaml.safe_load(as_yaml), words
    alice.run("service", "destroy", "listed", "--yes")


def read_terminal(command):
    """Run a command whose output is a terminal; give what is seen there."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env={
        **os.environ, "TERM": "xterm", "COLUMNS": "200"})  # fmt: skip
    os.close(theirs)
    seen = b""
    try:
        while select.select([ours], [], [], PATIENCE)[0]:
            seen += os.read(ours, 65536)
    except OSError:
        pass  # the other end is closed
    finally:
        os.close(ours)
        process.wait(PATIENCE)
    return seen.decode()


def test_a_terminal_gets_frames_and_sees_how_waiting_goes(alice, node):
    alice.run("request", "framed", RELEASE)
    assert "│ framed" in read_terminal(alice.words("service", "list"))
    seen = read_terminal(alice.words("request", "framed", RELEASE, "--wait", "--timeout", "1"))
    assert f"framed: on {node.reference}" in seen
    assert "not ready after 1 seconds" in seen
    alice.run("service", "destroy", "framed", "--yes")


@contextmanager
def answering(status, body, kind="application/json"):
    """Be a master that always answers the same."""
    head = f"HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
    whole = f"{head}Connection: close\r\n\r\n".encode() + body
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        while True:
            try:
                peer, _ = listener.accept()
            except OSError:
                return
            with peer:
                peer.recv(65536)
                peer.sendall(whole)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


ASKING = (
    ("whoami",), ("service", "list"), ("service", "info", "x"), ("service", "stop", "x"),
    ("computer", "list"), ("computer", "info", "x"), ("computer", "token"), ("software", "list"),
    ("software", "supplied"), ("request", "x", "y"), ("plan", "x", "y"), ("supply", "x", "y"),
    ("events",), ("call", "x", "--xmlrpc"),
)  # fmt: skip


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", b"null", b"\xff", b'{"result_list": 1, "_links": 1, "state": 1}',
             b'{"_embedded": {"contents": [1]}, "state": "flying", "reason_list": [1]}'],
)  # fmt: skip
def test_a_master_that_answers_nonsense_is_an_error_and_no_traceback(tmp_path, body):
    ctl = Slapctl(tmp_path / "home")
    with answering(200, body) as url:
        ctl.run("login", url, "--name", "mad")
        for words in ASKING:
            done = ctl.call(*words)
            assert done.exception is None or isinstance(done.exception, SystemExit), words
            assert done.exit_code == 0 or done.stderr.startswith("Error: "), words
            assert done.exit_code or words[0] not in ("whoami", "request", "plan", "supply"), words


def test_what_would_move_a_terminal_s_cursor_is_not_shown(tmp_path):
    ctl = Slapctl(tmp_path / "home")
    with answering(409, b"\x1b[2Jgone\x07", "text/plain") as url:
        ctl.run("login", url, "--name", "mad")
        assert ctl.run("computer", "list", code=6).strip() == "Error: ?[2Jgone?"


@pytest.mark.parametrize("pair", ["a", "=b", ""])
def test_what_is_no_pair_is_named(pair):
    with pytest.raises(InvalidValue, match="is not name=value"):
        read_pairs([pair])


def test_a_parameter_is_given_once():
    with pytest.raises(InvalidValue, match="'a' is there twice"):
        read_pairs(["a=1", "a=2"])
    assert read_pairs(["a==", "b=x=y"]) == {"a": "=", "b": "x=y"}


@given(st.binary(max_size=200), st.sampled_from(["json", "yaml", "yml", "xml", "txt"]))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_file_is_parameters_or_an_error_of_ours(tmp_path, content, kind):
    path = tmp_path / f"p.{kind}"
    path.write_bytes(content)
    ctl = Slapctl(tmp_path / "home")
    done = ctl.call("request", "x", "y", "--parameters-file", path)
    assert isinstance(done.exception, SystemExit), done.exception


def test_a_file_of_another_kind_is_refused_by_name(tmp_path):
    (tmp_path / "p.txt").write_text("a=b")
    with pytest.raises(InvalidValue, match=r"neither \.json nor \.yaml nor \.xml"):
        read_file(tmp_path / "p.txt")


def test_a_shared_instance_is_settled_once_it_has_published():
    made = Instance(
        title="s", reference="r", root_title="s", release_url="u", software_type="t",
        state="started", shared=True, parameters={}, connection={"url": "x"}, demands={},
        node="n", partition="p", addresses=(), timestamp=0, status="",
    )  # fmt: skip
    assert made.is_settled
