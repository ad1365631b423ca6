"""A master, a node and a customer, and what the stages of a life hand on to the next."""

import ast
import time
from collections.abc import Callable
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import ProxyHandler
from urllib.request import build_opener

from slapmaster.demo.client import NOT_READY
from slapmaster.demo.client import Client
from slapmaster.demo.master import Master
from slapmaster.demo.node import Node
from slapmaster.demo.process import Outcome


@dataclass
class World:
    """Everything a life needs.  ``partition`` tells which instance lives where, by title."""

    directory: Path
    master: Master
    node: Node
    client: Client
    hello: str
    hello_c: str
    partitions: dict[str, str] = field(default_factory=dict)

    def request(self, title: str, *options: str | Path) -> Outcome:
        return self.client.request(title, self.hello, *options)

    def request_ready(self, title: str, *options: str | Path) -> dict[str, str]:
        """Request what is there already, and give the connection parameters that it shows."""
        return read_connection(self.request(title, *options).require().output)

    def destroy(self, title: str, *options: str | Path) -> None:
        self.request(title, *options, "--state", "destroyed").require(0, NOT_READY)

    def report_until_gone(self, rounds: int = 6) -> int:
        """Run reports until the node has nothing to destroy; give how many did something."""
        for done in range(rounds):
            if "Destroying Computer Partition" not in self.node.report().require().output:
                return done
        raise AssertionError(f"still destroying after {rounds} reports")

    def end(self) -> None:
        try:
            self.node.end_services()
        finally:
            self.master.end()


def read_connection(output: str) -> dict[str, str]:
    """Read the connection parameters out of what ``slapos request`` prints."""
    shown = output.split("Connection parameters of instance are:", 1)[1]
    lines = [line.split(" INFO ", 1)[-1] for line in shown.splitlines() if line]
    text = "\n".join(lines)
    return ast.literal_eval(text[text.index("{") : text.rindex("}") + 1])


def fetch(url: str, patience: float = 10.0) -> str:
    """Give the page at ``url``; a service that has just been started gets a moment."""
    opener = build_opener(ProxyHandler({}))
    limit = time.monotonic() + patience
    while True:
        try:
            with opener.open(url, timeout=5) as answer:
                return answer.read().decode()
        except HTTPError:
            raise
        except OSError:
            if time.monotonic() > limit:
                raise
            time.sleep(0.1)


def is_served(url: str) -> bool:
    try:
        fetch(url, patience=0)
    except OSError:
        return False
    return True


def wait_until(reached: Callable[[], bool], patience: float = 15.0) -> None:
    limit = time.monotonic() + patience
    while not reached():
        assert time.monotonic() < limit, "it did not come to pass"
        time.sleep(0.1)
