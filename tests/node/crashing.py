"""Run as a program: does what one command of the agent does, and is killed at one of its steps.

``python crashing.py CONFIG ORDERS KIND NUMBER WHEN``; ORDERS is a pickled diary.
"""

import os
import pickle
import signal
import sys
from pathlib import Path

from slapcore.config import read_config
from slapcore.node import departure
from slapcore.node import instance
from slapcore.node import software
from slapcore.node.agent import Agent
from slapcore.states import InstanceState

config, orders, kind, number, when = sys.argv[1:]


def deadly(step):
    """Make a step that is the last one."""

    def last(work):
        if when == "after":
            step(work)
        os.kill(os.getpid(), signal.SIGKILL)

    return last


def with_deadly(steps):
    return tuple(deadly(step) if at == int(number) else step for at, step in enumerate(steps))


agent = Agent(read_config(Path(config)))
master = pickle.loads(Path(orders).read_bytes())
agent.node = lambda: master
agent.prepare()
if kind == "release":
    software.AVAILABLE = with_deadly(software.AVAILABLE)
    agent.process_releases()
elif kind == "departure":
    departure.STEPS = with_deadly(departure.STEPS)
    agent.report()
else:
    instance.STEPS[InstanceState(kind)] = with_deadly(instance.STEPS[InstanceState(kind)])
    agent.process_instances()
sys.exit("nothing has killed me")
