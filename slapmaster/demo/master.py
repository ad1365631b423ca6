"""A master on this machine, started by its own commands: with certificates, or as a proxy."""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path

from slapmaster.demo.account import Account
from slapmaster.demo.process import CommandFailed
from slapmaster.demo.process import Outcome
from slapmaster.demo.process import end
from slapmaster.demo.process import make_environment
from slapmaster.demo.process import run
from slapmaster.demo.process import start

#: the command of the environment that we run in
PROGRAM = Path(sys.executable).with_name("slapmaster")

HOST = "127.0.0.1"
PATIENCE = 60.0

SETTINGS = """[slapmaster]
data_directory = var
listen = {host}:{port}
server_names = {host} localhost
"""

PROXY_SETTINGS = """[slapos]
computer_id = {node}
[slapproxy]
host = {host}
port = {port}
database_uri = proxy.db
software_product_list =
{products}
"""


def find_port() -> int:
    """Give a port that is free at this moment."""
    with socket.create_server((HOST, 0)) as listener:
        return int(listener.getsockname()[1])


@dataclass
class Master:
    """The process of one master, its directory and its commands."""

    directory: Path
    account: Account
    port: int = field(default_factory=find_port)
    process: subprocess.Popen[str] | None = None

    @property
    def program(self) -> Path:
        return PROGRAM

    @property
    def configuration(self) -> Path:
        return self.directory / "slapmaster.ini"

    @property
    def log(self) -> Path:
        return self.directory / "master.log"

    @property
    def api_url(self) -> str:
        return f"https://{HOST}:{self.port}"

    @property
    def web_url(self) -> str:
        return self.api_url

    def command(self, *words: str | Path) -> Outcome:
        """Run one ``slapmaster`` command to its end."""
        return run(self.words(*words), self.account, make_environment(self.directory))

    def words(self, *words: str | Path) -> tuple[str | Path, ...]:
        return (PROGRAM, "--config", self.configuration, *words)

    def initialise(self) -> None:
        """Make the store and the authority; harmless when they are there."""
        self.directory.mkdir(parents=True, exist_ok=True)
        self.configuration.write_text(SETTINGS.format(host=HOST, port=self.port))
        self.command("init", "--operator", self.account.name).require()

    def create_token(self, purpose: str) -> str:
        """Give a one-time token that registers a ``node``, or makes a ``client`` known."""
        return self.ask("token", purpose)["token"]

    def ask(self, *words: str) -> dict[str, str]:
        """Run a command that answers in JSON."""
        answer: dict[str, str] = json.loads(self.command(*words, "--json").require().output)
        return answer

    def serve(self) -> None:
        self.start("serve")

    def start(self, *words: str | Path) -> None:
        """Start the server and wait until it takes connections."""
        environment = make_environment(self.directory)
        self.process = start(self.words(*words), self.account, environment, self.log)
        limit = time.monotonic() + PATIENCE
        while not self.is_open():
            if self.process.poll() is not None or time.monotonic() > limit:
                self.end()
                raise CommandFailed(f"the master does not start\n{self.last_lines()}")
            time.sleep(0.05)

    def is_open(self) -> bool:
        try:
            socket.create_connection((HOST, self.port), timeout=1).close()
        except OSError:
            return False
        return True

    def last_lines(self, count: int = 30) -> str:
        if not self.log.exists():
            return ""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-count:])

    def end(self) -> None:
        if self.process is not None:
            end(self.process.pid)
            self.process.wait()
            self.process = None


@dataclass
class Proxy(Master):
    """A master for one person, without certificates, by the file that ``slapos proxy`` reads."""

    node: str = "local_computer"
    #: name of a product -> the URL of its release
    products: Mapping[str, str] = field(default_factory=dict)

    @property
    def api_url(self) -> str:
        return f"http://{HOST}:{self.port}"

    def initialise(self) -> None:
        """Write the file; everything else is made when the proxy starts."""
        self.directory.mkdir(parents=True, exist_ok=True)
        products = "\n".join(f"  {name} {url}" for name, url in self.products.items())
        text = PROXY_SETTINGS.format(
            host=HOST, port=self.port, node=self.node, products=products
        )
        self.configuration.write_text(text)

    def words(self, *words: str | Path) -> tuple[str | Path, ...]:
        return (PROGRAM, *words, "--config", self.configuration)

    def serve(self) -> None:
        self.start("proxy")
