"""``python -m slapmaster.demo``: a master, a node and a page served, from nothing."""

import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from rich.console import Console

from slapcore.errors import ConfigurationError
from slapcore.errors import SlapError
from slapmaster.demo.account import Account
from slapmaster.demo.account import find_account
from slapmaster.demo.agent import AgentNode
from slapmaster.demo.demonstration import Demonstration
from slapmaster.demo.demonstration import check_directory
from slapmaster.demo.environment import NEEDS
from slapmaster.demo.environment import NEWEST
from slapmaster.demo.environment import OLDEST
from slapmaster.demo.environment import Environment
from slapmaster.demo.environment import cache_directory
from slapmaster.demo.environment import make_environment_of
from slapmaster.demo.node import Node
from slapmaster.demo.node import open_temporary_directory
from slapmaster.demo.steps import Steps


@click.command()
@click.option("--once", is_flag=True, help="End after the check instead of keeping all running.")
@click.option("--directory", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
              help="Keep everything there, and begin again with what is there.")  # fmt: skip
@click.option("--legacy-node", is_flag=True, help="Run the node by the real slapos too.")
@click.option("--client", type=click.Choice(sorted(NEEDS)), help="The version of slapos.core.")
def main(once: bool, directory: Path | None, legacy_node: bool, client: str | None) -> None:
    """Start a master and a node, and have the real slapos ask for an example."""
    signal.signal(signal.SIGTERM, interrupt)
    signal.signal(signal.SIGHUP, interrupt)
    steps = Steps(Console())
    try:
        account = find_account()
        with chosen_directory(directory, account) as place:
            environment = prepare_client(steps, account, client)
            kind = Node if legacy_node else AgentNode
            demonstrate(steps, Demonstration(place, account, environment, kind), once=once)
    except (SlapError, OSError) as error:
        place = f"\nFailed at: {steps.failed}\n" if steps.failed else ""
        steps.say(f"{place}{error}")
        raise SystemExit(1) from error
    except KeyboardInterrupt:
        steps.say("Ended.")


def interrupt(number: int, frame: object) -> None:
    """Have a signal end us the way Ctrl-C does."""
    raise KeyboardInterrupt


@contextmanager
def chosen_directory(directory: Path | None, account: Account) -> Iterator[Path]:
    """Give the directory that was asked for, or a temporary one.

    A temporary one goes at the end, and stays when something failed.
    """
    if directory is not None:
        check_directory(directory.absolute(), account)
        yield directory.absolute()
        return
    place = Path(tempfile.mkdtemp(prefix="slapmaster-", dir=open_temporary_directory()))
    try:
        yield place
    except SlapError as error:
        raise type(error)(f"{error}\nAll logs are below {place}") from error
    except KeyboardInterrupt:
        shutil.rmtree(place)
        raise
    shutil.rmtree(place)


def prepare_client(steps: Steps, account: Account, version: str | None) -> Environment:
    """Install the client that was asked for, or the newest that this machine can run."""
    if version is not None:
        return install_client(steps, account, version)
    try:
        return install_client(steps, account, NEWEST)
    except ConfigurationError as error:
        steps.say(f"  {error}")
        return install_client(steps, account, OLDEST)


def install_client(steps: Steps, account: Account, version: str) -> Environment:
    with steps.step(f"Install the real client, slapos.core {version}, in its own environment"):
        environment = make_environment_of(version, account, cache_directory(account))
    steps.say(f"  {environment.directory}")
    return environment


def demonstrate(steps: Steps, demonstration: Demonstration, *, once: bool) -> None:
    try:
        demonstration.bring_up(steps)
        if once:
            steps.say(f"The example was served at {demonstration.url}")
        else:
            demonstration.explain(steps)
            demonstration.work(steps)
    finally:
        with steps.step("End what was started"):
            demonstration.end()


if __name__ == "__main__":
    main()
