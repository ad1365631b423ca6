"""Running commands as somebody, and finding a Python for the client."""

import os
import sys
import time
from pathlib import Path

import pytest

from slapmaster.demo.account import find_account
from slapmaster.demo.account import find_ourselves
from slapmaster.demo.environment import CACHE_VARIABLE
from slapmaster.demo.environment import NEEDS
from slapmaster.demo.environment import cache_directory
from slapmaster.demo.environment import examine
from slapmaster.demo.environment import find_interpreters
from slapmaster.demo.environment import find_library_beside
from slapmaster.demo.environment import is_open_to_all
from slapmaster.demo.node import open_temporary_directory
from slapmaster.demo.process import CommandFailed
from slapmaster.demo.process import end
from slapmaster.demo.process import is_running
from slapmaster.demo.process import make_environment
from slapmaster.demo.process import run
from slapmaster.demo.process import start


def run_python(program, patience=30.0):
    return run([sys.executable, "-c", program], find_ourselves(), {"PATH": "/usr/bin"}, patience)


def test_an_outcome_has_the_code_and_all_that_was_said():
    outcome = run_python("import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)")
    assert outcome.code == 3
    assert set(outcome.output.split()) == {"out", "err"}


def test_a_wrong_exit_code_shows_the_end_of_what_was_said():
    outcome = run_python("print('early'); print('late\\n' * 30); raise SystemExit(1)")
    with pytest.raises(CommandFailed, match="exit code 1") as failure:
        outcome.require()
    assert "late" in str(failure.value)
    assert "early" not in str(failure.value).partition("\n")[2]
    assert outcome.require(0, 1) is outcome


def test_a_command_that_does_not_end_is_ended_with_its_children():
    program = (
        "import subprocess, sys, time;"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']);"
        "print(child.pid, flush=True); time.sleep(60)"
    )
    with pytest.raises(CommandFailed, match=r"not done after 1.0 s") as failure:
        run_python(program, patience=1.0)
    child = int(str(failure.value).splitlines()[-1])
    limit = time.monotonic() + 5
    while is_running(child) and time.monotonic() < limit:
        time.sleep(0.05)
    assert not is_running(child)


def test_what_ignores_a_request_to_end_is_made_to_end(tmp_path):
    program = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        "print('deaf', flush=True); time.sleep(60)"
    )
    with start([sys.executable, "-c", program], find_ourselves(), {}) as process:
        process.stdout.readline()
        end(process.pid, patience=0.2)
        assert not is_running(process.pid)
    end(process.pid)


def test_settings_of_the_user_do_not_reach_the_commands(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "/somewhere")
    monkeypatch.setenv("SLAPOS_CONFIGURATION", "/somewhere")
    monkeypatch.setenv("PIP_DEFAULT_TIMEOUT", "7")
    environment = make_environment(tmp_path)
    assert environment["HOME"] == str(tmp_path)
    assert environment["PIP_DEFAULT_TIMEOUT"] == "7"
    assert not {"PYTHONPATH", "SLAPOS_CONFIGURATION"} & set(environment)


def test_the_node_is_never_run_by_root():
    assert find_account().uid != 0


@pytest.mark.skipif(os.getuid() != 0, reason="only root can be somebody else")
def test_a_command_is_run_as_the_account():
    account = find_account()
    outcome = run(["/usr/bin/id", "-u"], account, {})
    assert int(outcome.output) == account.uid


def test_this_python_is_found():
    versions = {found.version for found in find_interpreters()}
    assert sys.version_info[:2] in versions or sys.version_info[:2] not in NEEDS.values()


def test_what_is_no_python_is_none(tmp_path):
    fake = tmp_path / "python3.12"
    fake.write_text("#!/bin/sh\nexit 1\n")
    fake.chmod(0o755)
    assert examine(fake) is None
    assert examine(tmp_path / "missing") is None


def test_a_copied_python_loads_the_library_copied_with_it(tmp_path):
    binary = tmp_path / "python"
    binary.write_bytes(b"\x7fELF\0/home/somebody/python/lib\0rest")
    find_library_beside(binary, "/home/somebody/python")
    assert binary.read_bytes() == b"\x7fELF\0$ORIGIN/../lib".ljust(31, b"\0") + b"rest"
    assert len(binary.read_bytes()) == len(b"\x7fELF\0/home/somebody/python/lib\0rest")


def test_the_cache_is_where_one_says(monkeypatch, tmp_path):
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))
    assert cache_directory(find_account()) == tmp_path


def test_a_private_directory_is_not_open_to_all(tmp_path):
    tmp_path.chmod(0o700)
    assert not is_open_to_all(tmp_path)
    assert is_open_to_all(Path(open_temporary_directory()))
