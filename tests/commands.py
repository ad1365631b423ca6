"""The command ``slapmaster`` as people run it: in a process of its own, on a data directory."""

import http.client
import json
import os
import signal
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path
from queue import Queue
from typing import Any

from click.testing import CliRunner
from click.testing import Result

from slapcore.cli import main as slapctl

COMMAND = [sys.executable, "-m", "slapmaster"]
#: Seconds that a command may take.
PATIENCE = 60


@dataclass(frozen=True)
class Slapmaster:
    """The commands of one data directory; ``variables`` are put into their environment."""

    directory: Path
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, **self.variables}

    def words(self, *words: object) -> list[str]:
        return [*COMMAND, "--directory", str(self.directory), *map(str, words)]

    def run(self, *words: object, code: int = 0) -> str:
        """Run a command; give what it says, on standard error when it fails."""
        done = subprocess.run(
            self.words(*words),
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            env=self.environment,
        )
        assert done.returncode == code, f"{words}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stderr if code else done.stdout

    def read(self, *words: object) -> Any:
        """Run a command that lists, and read its JSON."""
        return json.loads(self.run(*words, "--json"))

    def init(self, *words: object) -> dict[str, Any]:
        return self.read("init", "--operator", "alice", "--email", "alice@example.com", *words)

    @contextmanager
    def serving(self, *words: object) -> Iterator["Server"]:
        """Have the server run; it is told to end afterwards, and has to end well."""
        command = self.words("serve", "--listen", "127.0.0.1:0", *words)
        with started(command, self.environment) as server:
            yield server


@dataclass(frozen=True)
class Slapctl:
    """The commands of one person, who keeps what they know of masters in ``home``."""

    home: Path
    variables: dict[str, str] = field(default_factory=dict)

    def call(self, *words: object, given: str | None = None) -> Result:
        """Run a command in this process, which saves most of the time."""
        typed = ["--home", str(self.home), *map(str, words)]
        return CliRunner().invoke(slapctl, typed, input=given or "", env=self.variables)

    def words(self, *words: object) -> list[str]:
        """Give what runs a command in a process of its own."""
        return [sys.executable, "-m", "slapcore.cli", "--home", str(self.home), *map(str, words)]

    def run(self, *words: object, code: int = 0, given: str | None = None) -> str:
        """Run a command; give what it says, on standard error when it fails."""
        done = self.call(*words, given=given)
        assert done.exit_code == code, f"{words}: {done.exit_code}\n{done.output}{done.exception}"
        return done.stderr if code else done.stdout

    def read(self, *words: object, code: int = 0) -> Any:
        """Run a command that prints something, and read its JSON."""
        done = self.call(*words, "--json")
        assert done.exit_code == code, f"{words}: {done.exit_code}\n{done.output}{done.exception}"
        return json.loads(done.stdout)


@dataclass(frozen=True)
class Server:
    """A server that listens: its first address, its process, what it logs."""

    url: str
    process: "subprocess.Popen[str]"
    log: list[str]

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def ask(
        self,
        method: str,
        path: str,
        body: str = "",
        *,
        authority: Path | None = None,
        certificate: Path | None = None,
        headers: dict[str, str] | None = None,
    ) -> tuple[int, bytes]:
        """Ask once; with ``authority`` over TLS, and perhaps by the certificate in a folder."""
        if authority is None:
            asking = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        else:
            context = ssl.create_default_context(cafile=authority)
            if certificate is not None:
                context.load_cert_chain(certificate / "certificate", certificate / "key")
            asking = http.client.HTTPSConnection(
                "127.0.0.1", self.port, timeout=PATIENCE, context=context
            )
        form = {"Content-Type": "application/x-www-form-urlencoded", **(headers or {})}
        try:
            asking.request(method, path, body or None, form)
            answer = asking.getresponse()
            return answer.status, answer.read()
        finally:
            asking.close()


@contextmanager
def started(command: list[str], environment: dict[str, str]) -> Iterator[Server]:
    """Start a command that serves; it is ended by SIGTERM and has to end with 0."""
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )
    log: list[str] = []
    said: Queue[str] = Queue()
    readers = [
        threading.Thread(target=lambda: log.extend(process.stderr), daemon=True),
        threading.Thread(target=lambda: [said.put(line) for line in process.stdout], daemon=True),
    ]
    for reader in readers:
        reader.start()
    try:
        line = said.get(timeout=PATIENCE)
        assert line.startswith("listening on "), line
        yield Server(line.split()[2], process, log)
        if process.poll() is None:
            process.terminate()
        assert process.wait(PATIENCE) == 0, "".join(log)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        for reader in readers:
            reader.join()
        process.stdout.close()
        process.stderr.close()
