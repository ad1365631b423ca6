"""A node run by our own agent, ``slapnode``: the same machine, the same configuration file."""

import hashlib
import ssl
import sys
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from slapmaster.demo.account import find_ourselves
from slapmaster.demo.node import Node
from slapmaster.demo.process import Outcome
from slapmaster.demo.process import end
from slapmaster.demo.process import run
from slapmaster.demo.process import start

#: the command of the environment that we run in
PROGRAM = Path(sys.executable).with_name("slapnode")
#: seconds between two looks at what the daemon says
PAUSE = 0.5


class AgentNode(Node):
    """One node with our agent; buildout runs in the environment of the client.

    The agent runs as ourselves, where our own Python is: root hands what belongs to the
    partitions to the account.
    """

    def settings(self) -> dict[str, str]:
        return {**super().settings(), "buildout_python": str(self.environment.python)}

    def certificate_settings(self) -> dict[str, str]:
        pinned = self.read_configuration()["slapos"]["master_fingerprint"]
        return {**super().certificate_settings(), "master_fingerprint": pinned}

    def register(self, title: str, api_url: str, web_url: str, token: str) -> Outcome:
        """Register with a one-time token; the master is whoever answers now."""
        outcome = self.slapos(
            "register", title, "--master-url", api_url, "--master-url-web", web_url,
            "--token", token, "--fingerprint", fingerprint_of(api_url),
        )  # fmt: skip
        if outcome.code == 0:
            self.complete_configuration(secure=True)
        return outcome

    def slapos(self, *words: str | Path) -> Outcome:
        """Run one command of the node as it would be typed."""
        command = (PROGRAM, "--cfg", self.configuration, *words)
        return run(command, find_ourselves(), self.variables())

    @property
    def program(self) -> str:
        return f"{PROGRAM} --config {self.configuration}"

    def keep_working(self, say: Callable[[str], None], is_wanted: Callable[[], bool]) -> None:
        """Run the daemon, and tell what it tells."""
        log = self.directory / "run" / "daemon.log"
        command = (PROGRAM, "--cfg", self.configuration, "run")
        process = start(command, find_ourselves(), self.variables(), log)
        try:
            with log.open() as lines:
                while is_wanted() and process.poll() is None:
                    for line in lines:
                        say(line.rstrip())
                    time.sleep(PAUSE)
        finally:
            end(process.pid)
            process.wait()

    def has_worked(self, outcome: Outcome, partition: str = "") -> bool:
        done = [line for line in outcome.output.splitlines() if line.startswith("done: ")]
        return f"done: {partition}" in done if partition else bool(done)

    def format(self) -> Outcome:
        outcome = self.slapos("format")
        if outcome.code == 0:
            self.account.take(*self.instance_root.glob("slappart*"))
        return outcome


def fingerprint_of(url: str) -> str:
    """Give the SHA-256 of the certificate that a server shows, in hexadecimal digits."""
    parts = urlsplit(url)
    text = ssl.get_server_certificate((parts.hostname or "", parts.port or 443))
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(text)).hexdigest()
