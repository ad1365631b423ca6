"""What goes wrong is told clearly, leaves the machine as it was, and stops nobody else."""

import subprocess
import threading
from http.server import BaseHTTPRequestHandler
from http.server import HTTPServer

import pytest

from slapcore.config import read_config
from slapcore.node.agent import Agent
from slapcore.node.agent import Verdict
from slapcore.node.buildout import explain
from slapcore.node.collect.snapshot import Use
from slapcore.node.collect.store import DAY
from slapcore.node.collect.store import Store
from slapcore.node.prune import prune_shared_parts
from tests.node.place import URL
from tests.node.place import wait_until

OTHER = f"{URL}?other"


def bootstrapper(place, script):
    """Have something else than buildout build releases."""
    path = place.directory / "bootstrapper"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    place.config.write_text(f"{place.config.read_text()}buildout = {path}\n")


def test_a_release_that_fails_is_told_and_the_others_are_built(place):
    bootstrapper(place, "\n".join([
        "case $PWD in *) grep -q third buildout.cfg || { echo Installing part-x.; "
        "echo Error: no compiler; exit 1; } ;; esac",
        "mkdir -p bin; printf '#!/bin/sh\\ntrue\\n' > bin/buildout; chmod 755 bin/buildout",
    ]))  # fmt: skip
    place.master.releases = {OTHER: "available", f"{URL}?third": "available"}
    summary = place.software()
    assert summary.changed == [f"{URL}?third"]
    ((url, told),) = place.master.words("release_failed")
    assert url == OTHER
    assert told.endswith("part-x: Error: no compiler")
    assert not place.host.release(OTHER).is_complete


def test_a_profile_that_does_not_parse_is_told(place):
    script = place.host.release(URL).directory / "bin" / "buildout"
    script.write_text("#!/bin/sh\necho 'While:'\necho 'Error: Missing option: a:b'\nexit 1\n")
    assert "Missing option: a:b" in place.run().failed["slappart0"]


def test_a_build_that_hangs_is_ended(place):
    place.config.write_text(f"{place.config.read_text()}partition_timeout = 1\n")
    script = place.host.release(URL).directory / "bin" / "buildout"
    script.write_text("#!/bin/sh\necho begun\nsleep 600\n")
    assert "not done after 1 s" in place.run().failed["slappart0"]


def test_a_build_that_says_too_much_fills_no_disk(place):
    script = place.host.release(URL).directory / "bin" / "buildout"
    script.write_text("#!/bin/sh\nhead -c 60000000 /dev/zero | tr '\\0' 'x'\nexit 1\n")
    assert place.run().verdict is Verdict.FAILED
    assert (place.host.logs / "instance-slappart0.log").stat().st_size <= 21 << 20


def test_a_service_that_dies_at_once_does_not_stop_the_others(place):
    place.master.order("slappart1", URL)
    place.run()
    path = place.partition("slappart0") / "etc" / "service" / "dying"
    path.write_text("#!/bin/sh\nexit 1\n")
    path.chmod(0o755)
    place.master.change("slappart0", timestamp=2)
    assert place.run().verdict is Verdict.DONE
    name = "slappart0:dying-on-watch"
    wait_until(lambda: place.programs()[name].state in ("EXITED", "FATAL"))
    assert place.programs()["slappart1:web-on-watch"].is_running


@pytest.mark.parametrize("answer", [
    (500, b"no"), (200, b"<html>"), (200, b""), (200, b"<marshal><int>1</int></marshal>"),
])  # fmt: skip
def test_a_master_that_answers_garbage_changes_nothing(place, answer):
    place.run()
    with answering(*answer) as url:
        text = place.config.read_text().replace("http://127.0.0.1:9/", url)
        place.config.write_text(text)
        program = place.config.parent / "slapos.cfg"
        agent = Agent(read_config(program))
        try:
            agent.prepare()
            verdict = agent.process_instances().verdict
            assert verdict is Verdict.OFFLINE
        finally:
            agent.close()
    assert place.programs()["slappart0:web-on-watch"].is_running


class answering:  # noqa: N801
    """A server that says the same to everybody, as long as the block takes."""

    def __init__(self, status, body):
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *words):
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever)

    def __enter__(self):
        self.thread.start()
        return f"http://127.0.0.1:{self.server.server_port}/"

    def __exit__(self, *raised):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


def test_shared_parts_that_nobody_uses_go_and_others_stay(place):
    shared = place.directory / "shared"
    digests = ["a" * 32, "b" * 32, "c" * 32]
    for digest in digests:
        (shared / "part" / digest).mkdir(parents=True)
    (shared / "part" / digests[0] / ".buildout-shared.json").write_text(digests[1])
    (place.host.release(URL).directory / ".installed.cfg").write_text(f"x = {digests[0]}")
    place.config.write_text(f"{place.config.read_text()}shared_part_list = {shared}\n")
    config = read_config(place.config)
    assert prune_shared_parts(config, dry_run=True) == [shared / "part" / digests[2]]
    assert prune_shared_parts(config, dry_run=False) == [shared / "part" / digests[2]]
    assert sorted(path.name for path in (shared / "part").iterdir()) == digests[:2]


def test_what_is_used_is_kept_for_some_days_and_summed_up(tmp_path):
    store = Store(tmp_path / "use.sqlite", days=2)
    store.keep([Use(partition="a", cpu_seconds=1.0, memory=10)], now=DAY)
    store.keep([Use(partition="a", cpu_seconds=31.0, memory=30)], now=DAY + 60)
    (spell,) = store.spells(DAY, 2 * DAY)
    assert (spell.cpu, spell.memory, spell.looks) == (0.5, 20.0, 2)
    store.keep([Use(partition="b")], now=4 * DAY)
    assert not store.spells(0, 2 * DAY)


@pytest.mark.parametrize(("lines", "end"), [
    (["Installing a.", "Error: b"], "a: Error: b"),
    (["While:", "  Installing c.", "", "ValueError: d"], "c: ValueError: d"),
    (["only this"], "only this"),
    ([], "it has said nothing"),
])  # fmt: skip
def test_an_explanation_ends_with_the_part_and_the_reason(lines, end):
    assert explain(lines).splitlines()[-1] == end


def test_nothing_of_the_agent_is_left_behind_when_it_is_told_to_end(place):
    script = place.host.release(URL).directory / "bin" / "buildout"
    script.write_text("#!/bin/sh\nsleep 0.1\nexit 1\n")
    place.run()
    found = subprocess.run(["pgrep", "-f", str(place.directory)], capture_output=True, text=True)
    pids = found.stdout.split()
    supervisord = (place.host.run / "supervisord.pid").read_text().strip()
    assert supervisord in pids
    assert len(pids) <= 2  # and its watchdog
