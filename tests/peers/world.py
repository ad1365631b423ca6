"""A master, a node and a customer, and what the stages of a life hand on to the next."""

import ast
import time
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import ProxyHandler
from urllib.request import build_opener

from slapmaster.demo.account import Account
from slapmaster.demo.client import NOT_READY
from slapmaster.demo.client import Client
from slapmaster.demo.environment import Environment
from slapmaster.demo.master import Master
from slapmaster.demo.master import Proxy
from slapmaster.demo.node import Node
from slapmaster.demo.process import Outcome
from slapmaster.demo.release import copy_release


@dataclass
class World:
    """Everything a life needs."""

    directory: Path
    master: Master
    node: Node
    client: Client
    hello: str
    hello_c: str

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
            if not self.node.has_worked(self.node.report().require()):
                return done
        raise AssertionError(f"still destroying after {rounds} reports")

    def end(self) -> None:
        try:
            self.node.end_services()
        finally:
            self.master.end()


def make_world(
    master: Master, environment: Environment, account: Account, kind: type[Node] = Node
) -> World:
    """Set everything up beside the directory of ``master``, which is not started yet.

    ``kind`` is whose agent the node is run by.
    """
    directory = master.directory.parent
    master.initialise()
    node = kind(environment, directory / "n", account, partitions=10)
    node.prepare()
    home = directory / "home"
    home.mkdir()
    account.take(home)
    hello = copy_release("hello", directory / "release", account)
    hello_c = copy_release("hello-c", directory / "release", account)
    return World(directory, master, node, Client(environment, home, account), hello, hello_c)


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


@contextmanager
def served(world: World, master: Proxy) -> Iterator[World]:
    """Have ``master`` serve the world and know the example release; end it all afterwards."""
    master.products = {"hello": world.hello}
    master.initialise()
    try:
        master.serve()
        world.client.point_at(master.api_url)
        world.node.point_at(master.api_url, master.node)
        yield world
    finally:
        world.end()
