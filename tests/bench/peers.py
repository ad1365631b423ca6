"""The servers that are compared: how each is started, asked for its memory, and ended."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from slapcore.errors import ConfigurationError
from slapmaster.demo.account import Account
from slapmaster.demo.environment import NEWEST
from slapmaster.demo.environment import OLDEST
from slapmaster.demo.environment import cache_directory
from slapmaster.demo.environment import make_environment_of
from slapmaster.demo.process import end
from tests.bench.load import Door

#: The node that both kinds of proxy take for their own.
OWN_NODE = "n10"
PATIENCE = 30.0

CONFIGURATION = """\
[slapos]
software_root = {root}/software
instance_root = {root}/instance
computer_id = {node}
master_url = http://127.0.0.1:{port}/

[slapproxy]
host = 127.0.0.1
port = {port}
database_uri = {root}/proxy.db
"""

NGINX = """\
worker_processes 1;
daemon off;
pid {root}/nginx.pid;
error_log {root}/error.log;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    sendfile on;
    client_body_temp_path {root}/body;
    proxy_temp_path {root}/proxy;
    fastcgi_temp_path {root}/fastcgi;
    uwsgi_temp_path {root}/uwsgi;
    scgi_temp_path {root}/scgi;
    default_type text/xml;
    server {{
        listen 127.0.0.1:{port};
        root {root}/www;
    }}
}}
"""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


class Peer:
    """A server with a directory of its own below ``root``, running between enter and exit."""

    name = "peer"
    #: Below this path the server answers as HATEOAS does.
    rest = ""
    version = version("slapmaster")

    def __init__(self, root: Path) -> None:
        self.root = root / self.name.replace(" ", "-")
        self.root.mkdir(parents=True)
        self.door = Door("127.0.0.1", free_port())
        self.process: subprocess.Popen[bytes] | None = None
        self.started_in = 0.0

    def command(self) -> Sequence[str | Path]:
        raise NotImplementedError

    def __enter__(self) -> "Peer":
        begin = time.monotonic()
        with (self.root / "output").open("wb") as output:
            self.process = subprocess.Popen(
                [str(word) for word in self.command()],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.wait_for_door()
        self.started_in = time.monotonic() - begin
        return self

    def __exit__(self, *_: object) -> None:
        if self.process is not None:
            end(self.process.pid)
            self.process.wait()

    def wait_for_door(self) -> None:
        limit = time.monotonic() + PATIENCE
        while time.monotonic() < limit:
            if self.process.poll() is not None:
                break
            try:
                socket.create_connection((self.door.host, self.door.port), 1).close()
                return
            except OSError:
                time.sleep(0.02)
        raise RuntimeError(f"{self.name} doesn't answer:\n{self.last_output()}")

    def last_output(self) -> str:
        return (self.root / "output").read_text(errors="replace")[-2000:]

    def memory(self) -> int:
        """Say how many bytes the server and its children have resident."""
        return sum(resident(pid) for pid in family(self.process.pid))


class SlapProxy(Peer):
    """The peer: ``slapos proxy start`` of slapos.core."""

    name = "SlapProxy"
    rest = "/hateoas/"

    def __init__(self, root: Path, python: Path) -> None:
        super().__init__(root)
        self.python = python
        self.version = subprocess.run(
            [python, "-c", "import slapos.version; print(slapos.version.version)"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()

    def command(self) -> Sequence[str | Path]:
        configuration = write_configuration(self)
        log = self.root / "proxy.log"
        script = self.python.parent / "slapos"
        return [script, "proxy", "start", "--cfg", configuration, "--log-file", log]


class Proxy(Peer):
    """Ours on the same terms: one person, plain HTTP, no certificates."""

    name = "slapmaster proxy"
    rest = "/hateoas/"

    def command(self) -> Sequence[str | Path]:
        script = Path(sys.executable).parent / "slapmaster"
        return [script, "proxy", "--config", write_configuration(self)]


class Nginx(Peer):
    """What a web server makes of bytes in a file: the ceiling of any answer."""

    name = "nginx"

    def __init__(self, root: Path, program: str) -> None:
        super().__init__(root)
        self.program = program
        (self.root / "www").mkdir()

    def command(self) -> Sequence[str | Path]:
        configuration = self.root / "nginx.conf"
        configuration.write_text(NGINX.format(root=self.root, port=self.door.port))
        # The workers must be able to read what the account that started this run has made.
        directive = "user root;" if os.getuid() == 0 else ""
        return [self.program, "-p", self.root, "-c", configuration, "-g", directive]

    def serve(self, name: str, content: bytes) -> None:
        (self.root / "www" / name).write_bytes(content)


def write_configuration(peer: Peer) -> Path:
    path = peer.root / "slapos.cfg"
    path.write_text(
        CONFIGURATION.format(root=peer.root, port=peer.door.port, node=OWN_NODE)
    )
    return path


def find_nginx() -> str | None:
    return shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")


def make_peer_python() -> Path:
    """Give a Python with slapos.core: the one of the last run, or an environment made now."""
    account = Account("", os.getuid(), os.getgid())
    cache = cache_directory(account)
    try:
        return make_environment_of(NEWEST, account, cache).python
    except ConfigurationError:
        return make_environment_of(OLDEST, account, cache).python


def family(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid] + [one for child in children for one in family(int(child))]


def resident(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return 0


def processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return os.uname().machine
