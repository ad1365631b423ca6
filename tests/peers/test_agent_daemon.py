"""Our agent as a daemon: orders are carried out without anybody typing anything."""

import subprocess
import time

import pytest

from slapmaster.demo.agent import PROGRAM
from slapmaster.demo.agent import AgentNode
from slapmaster.demo.environment import NEWEST
from slapmaster.demo.process import make_environment
from tests.peers.secure import introduce
from tests.peers.world import fetch
from tests.peers.world import make_world
from tests.peers.world import wait_until

pytestmark = pytest.mark.peer

MEMORY_AT_MOST = 64 << 10
ASKED = ("--parameters", "greeting=By itself")


@pytest.fixture(scope="class")
def world(install, account, master):
    world = make_world(master, install(NEWEST), account, AgentNode)
    try:
        world.master.serve()
        introduce(world)
        world.node.format().require()
        path = world.node.configuration
        more = f"poll_seconds = 1\nreport_seconds = 2\nmetrics_file = {world.directory}/m.prom\n"
        path.write_text(path.read_text().replace("[slapos]\n", f"[slapos]\n{more}"))
        yield world
    finally:
        world.end()


@pytest.fixture(scope="class")
def daemon(world):
    command = [str(PROGRAM), "--cfg", str(world.node.configuration), "run"]
    log = world.directory / "daemon.log"
    with log.open("w") as output:
        environment = make_environment(world.directory)
        process = subprocess.Popen(command, stderr=output, stdout=output, env=environment)
    try:
        yield process
    finally:
        process.terminate()
        assert process.wait(30) == 0, log.read_text()


class TestDaemon:
    """Stages run in their order."""

    def test_what_is_supplied_and_asked_for_is_served(self, world, daemon):
        world.client.supply(world.hello, world.node.reference).require()
        world.request("web", *ASKED)
        wait_until(lambda: list(world.node.instance_root.glob("*/etc/service/hello-*")), 120)
        wait_until(lambda: "url" in world.request_ready("web", *ASKED), 30)
        assert "By itself" in fetch(world.request_ready("web", *ASKED)["url"], 30)

    def test_a_second_daemon_is_refused(self, world, daemon):
        refused = world.node.slapos("run")
        assert refused.code == 1
        assert f"another run, process {daemon.pid}" in refused.output

    def test_it_is_no_larger_than_it_may_be(self, world, daemon):
        with open(f"/proc/{daemon.pid}/status") as file:
            (line,) = [line for line in file if line.startswith("VmRSS")]
        assert int(line.split()[1]) <= MEMORY_AT_MOST

    def test_status_and_top_and_doctor_say_how_it_is(self, world, daemon):
        assert "hello-" in world.node.slapos("status").require().output
        assert "slappart" in world.node.slapos("top").require().output
        told = world.node.slapos("doctor").output
        assert "ok  master: " in told
        assert "ok  clock: " in told
        assert "BAD certificate" not in told

    def test_a_killed_program_is_started_again_by_a_bang(self, world, daemon):
        url = world.request_ready("web", *ASKED)["url"]
        world.node.slapos("stop", find(world)).require()
        world.node.slapos("start", find(world)).require()
        assert "By itself" in fetch(url, 30)
        told = world.node.slapos("status").require().output
        pid = int(told.partition("pid ")[2].partition(",")[0])
        subprocess.run(["kill", "-9", str(pid)], check=True)
        wait_until(lambda: f"pid {pid}" not in world.node.slapos("status").output, 30)
        wait_until(lambda: "RUNNING" in world.node.slapos("status").output, 60)
        assert "By itself" in fetch(url, 30)

    def test_figures_are_written_for_prometheus(self, world, daemon):
        path = world.directory / "m.prom"
        wait_until(path.exists, 90)
        wait_until(lambda: "slapnode_program_running" in path.read_text(), 90)

    def test_what_is_destroyed_goes(self, world, daemon):
        world.destroy("web")
        wait_until(lambda: not list(world.node.instance_root.glob("slappart*/etc")), 60)
        time.sleep(0.1)


def find(world) -> str:
    (path,) = world.node.instance_root.glob("slappart*/etc/service/hello-*")
    return path.parents[2].name
