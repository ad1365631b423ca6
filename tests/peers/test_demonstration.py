"""``make run`` from the outside: it works, it begins again, it ends what it started."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from slapmaster.demo.master import find_port
from tests.peers.world import wait_until


@pytest.fixture
def place(directory):
    """A directory of one demonstration."""
    return directory / "demo"


def run_demonstration(*words):
    command = [sys.executable, "-m", "slapmaster.demo", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=280)


def find_processes(word: str) -> list[str]:
    """List the command lines on this machine that hold ``word``."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found.append(path.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
        except OSError:
            continue
    return [line for line in found if word in line]


@pytest.mark.peer
class TestDemonstration:
    """One directory, twice, and then for as long as one likes."""

    def test_it_serves_a_page_and_ends(self, install, place):
        install("1.26.1")
        done = run_demonstration("--once", "--directory", place)
        assert done.returncode == 0, done.stdout
        assert "The example was served at http://127." in done.stdout
        assert not find_processes(str(place))

    def test_it_begins_again_and_keeps_running_until_it_is_told(self, place):
        log = place.with_name("demo.log")
        command = [sys.executable, "-m", "slapmaster.demo", "--directory", str(place)]
        with log.open("w") as output:
            process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
        try:
            running = "Ctrl-C ends it all"
            wait_until(lambda: running in log.read_text() or process.poll(), patience=200)
            assert process.poll() is None, log.read_text()
            assert "slapos request" in log.read_text()
        finally:
            process.send_signal(signal.SIGTERM)
            code = process.wait(timeout=60)
        assert code == 0, log.read_text()
        assert not find_processes(str(place))


@pytest.mark.peer
def test_the_legacy_node_does_it_too(install, place):
    install("1.26.1")
    done = run_demonstration("--once", "--legacy-node", "--directory", place)
    assert done.returncode == 0, done.stdout
    assert "The example was served at http://127." in done.stdout
    assert not find_processes(str(place))


@pytest.mark.peer
def test_a_failure_names_its_step_and_shows_the_log(install, place):
    install("1.26.1")
    place.mkdir()
    port = find_port()
    (place / "place.json").write_text(json.dumps({"port": port, "network": "127.9.9"}))
    with subprocess.Popen(blocker(port), stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        try:
            done = run_demonstration("--once", "--directory", place)
        finally:
            process.terminate()
    assert done.returncode == 1
    assert "Failed at: Start a master" in done.stdout
    assert not find_processes(str(place))


def blocker(port: int) -> list[str]:
    """Give a command that takes ``port`` without answering there."""
    program = (
        "import socket, time; s = socket.socket(); "
        f"s.bind(('127.0.0.1', {port})); print('bound', flush=True); time.sleep(300)"
    )
    return [sys.executable, "-c", program]


def test_a_directory_too_deep_for_sockets_is_refused():
    done = run_demonstration("--once", "--directory", f"/tmp/{'deep/' * 20}")
    assert done.returncode == 1
    assert "too long a name for sockets" in done.stdout


@pytest.mark.skipif(os.getuid() != 0, reason="only root hands the node to somebody else")
def test_a_directory_that_the_node_can_not_reach_is_refused(place):
    place.mkdir(mode=0o700)
    done = run_demonstration("--once", "--directory", place / "demo")
    assert done.returncode == 1
    assert "can't reach" in done.stdout
