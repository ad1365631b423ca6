"""A node in a temporary directory: the real agent and supervisord, and scripted releases."""

import os
import pwd
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from slapcore.config import read_config
from slapcore.node.agent import Agent
from slapcore.node.host import Host
from slapcore.node.supervisor import ProgramState
from tests.fakes.master import NODE
from tests.fakes.master import DiaryMaster

URL = "https://example.com/software.cfg"

#: what stands for buildout: it makes one service, and counts how often it ran
BUILDOUT = """#!/bin/sh
set -e
test ! -e fail || { echo "Installing part-of-it."; echo "Error: it was told to fail"; exit 1; }
mkdir -p etc/service
echo run >> ran
cat > new-service <<END
#!/bin/sh
exec sleep 3600
END
chmod 700 new-service
cmp -s new-service etc/service/web || cp -p new-service etc/service/web
"""


@dataclass
class Place:
    """One node, its agent, and the master's diary."""

    directory: Path
    config: Path
    master: DiaryMaster

    def agent(self) -> Agent:
        agent = Agent(read_config(self.config))
        agent.node = lambda: self.master
        agent.prepare()
        return agent

    @property
    def host(self) -> Host:
        return Host(read_config(self.config))

    def run(self, *only: str, force: bool = False):
        """Bring the instances about, once."""
        agent = self.agent()
        try:
            return agent.process_instances(only, force=force)
        finally:
            agent.close()

    def report(self):
        agent = self.agent()
        try:
            return agent.report()
        finally:
            agent.close()

    def software(self, **more):
        agent = self.agent()
        try:
            return agent.process_releases(**more)
        finally:
            agent.close()

    def programs(self) -> dict[str, ProgramState]:
        agent = Agent(read_config(self.config))
        return {f"{each.group}:{each.name}": each for each in agent.supervisor.states()}

    def partition(self, name: str) -> Path:
        return self.directory / "inst" / name

    def ran(self, name: str) -> int:
        """Tell how often buildout has run in a partition."""
        path = self.partition(name) / "ran"
        return len(path.read_text().split()) if path.exists() else 0

    def add_release(self, url: str = URL, buildout: str = BUILDOUT) -> Path:
        """Put a release there that has been built."""
        place = self.host.release(url)
        (place.directory / "bin").mkdir(parents=True)
        program = place.directory / "bin" / "buildout"
        program.write_text(buildout)
        program.chmod(0o755)
        (place.directory / "instance.cfg").write_text("[buildout]\nparts =\n")
        place.completed.write_text("built")
        return place.directory

    def end(self) -> None:
        Agent(read_config(self.config)).supervisor.shut_down()
        shutil.rmtree(self.directory)


def make_place(partitions: int = 2, **settings: str) -> Place:
    """Make a node with so many partitions, with the names that the format command gives them."""
    directory = Path(tempfile.mkdtemp(prefix="node-", dir="/tmp"))
    directory.chmod(0o755)
    for name in ("soft", "inst"):
        (directory / name).mkdir(mode=0o755)
    for index in range(partitions):
        path = directory / "inst" / f"slappart{index}"
        path.mkdir(mode=0o750)
        path.chmod(0o750)
        (path / ".slapos-resource").write_text("{}")
        give_to_somebody(path)
    own = {
        "computer_id": NODE, "master_url": "http://127.0.0.1:9/",
        "software_root": str(directory / "soft"), "instance_root": str(directory / "inst"),
        "software_min_free_space": "1M", "instance_min_free_space": "1M", **settings,
    }  # fmt: skip
    lines = ["[slapos]", *(f"{key} = {value}" for key, value in own.items())]
    (directory / "slapos.cfg").write_text("\n".join(lines) + "\n")
    return Place(directory, directory / "slapos.cfg", DiaryMaster())


def give_to_somebody(path: Path) -> None:
    """Partitions of root are refused; where we are root, they are nobody's."""
    if os.getuid() == 0:
        found = pwd.getpwnam("nobody")
        os.chown(path, found.pw_uid, found.pw_gid)


def wait_until(reached: Callable[[], bool], patience: float = 15.0) -> None:
    limit = time.monotonic() + patience
    while not reached():
        assert time.monotonic() < limit, "it did not come to pass"
        time.sleep(0.05)
