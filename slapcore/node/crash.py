"""What a crash leads to: one bang per deployment, within the quota.

Run by the watchdog, in a process of its own.
"""

import logging
import sys
from pathlib import Path

from slapcore import log as lines
from slapcore.config import read_config
from slapcore.errors import SlapError
from slapcore.node.agent import Agent
from slapcore.node.folder import Folder
from slapcore.node.obeyed import TIMESTAMP

log = logging.getLogger(__name__)

LAST_BANG = ".slapos_latest_bang_timestamp"


def bang_once(agent: Agent, partition: str, program: str) -> bool:
    """Have the partition's tree processed again, unless that was done for this deployment."""
    folder = agent.host.partition(partition).folder
    if not is_news(folder):
        log.info("partition %s: %s has ended, and that is known", partition, program)
        return False
    agent.node().bang(partition, f"{program} in {partition} has ended by itself")
    folder.write(LAST_BANG, folder.read(TIMESTAMP) or "0")
    log.warning("partition %s: %s has ended, and the master was told", partition, program)
    return True


def is_news(folder: Folder) -> bool:
    """Tell whether there has been a deployment since the last bang."""
    last, deployed = folder.read(LAST_BANG), folder.read(TIMESTAMP)
    if last is None:
        return True
    return deployed is not None and number_of(deployed) > number_of(last)


def number_of(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


def main() -> None:
    config, partition, program = sys.argv[1:]
    lines.configure("INFO")
    try:
        agent = Agent(read_config(Path(config)))
        bang_once(agent, partition, program)
    except SlapError as error:
        raise SystemExit(f"partition {partition}: no bang: {error}") from error


if __name__ == "__main__":
    main()
