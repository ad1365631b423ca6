"""The agent is killed at every step of every kind of work; the next run ends in the same state."""

import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from slapcore.node import departure
from slapcore.node import instance
from slapcore.node import software
from slapcore.node.agent import Verdict
from slapcore.states import InstanceState
from tests.node.place import URL

pytestmark = pytest.mark.slow

CRASHING = Path(__file__).with_name("crashing.py")
ROOT = Path(__file__).parents[2]


def moments(steps):
    """Give every step's number and name, before and after it."""
    return [
        pytest.param(number, when, id=f"{when}-{step.__name__}")
        for number, step in enumerate(steps)
        for when in ("before", "after")
    ]


def kill_at(place, kind, number, when):
    orders = place.directory / "orders.pickle"
    orders.write_bytes(pickle.dumps(place.master))
    words = [sys.executable, CRASHING, place.config, orders, kind, str(number), when]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(words, env=environment, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == -9, done.stderr


def is_started(place):
    states = place.programs()
    assert states["slappart0:web-on-watch"].is_running
    assert len(states) == 1
    assert (place.partition("slappart0") / ".timestamp").read_text() == "1"
    assert place.agent().memory.find("slappart0").reported == "started"


@pytest.mark.parametrize(("number", "when"), moments(instance.STEPS[InstanceState.STARTED]))
def test_a_start_that_is_cut_off_is_completed(place, number, when):
    kill_at(place, "started", number, when)
    assert place.run().verdict is Verdict.DONE
    is_started(place)
    assert place.run().changed == []


@pytest.mark.parametrize(("number", "when"), moments(instance.STEPS[InstanceState.STOPPED]))
def test_a_stop_that_is_cut_off_is_completed(place, number, when):
    place.run()
    place.master.change("slappart0", state="stopped", timestamp=2)
    kill_at(place, "stopped", number, when)
    assert place.run().verdict is Verdict.DONE
    assert not place.programs()
    assert place.agent().memory.find("slappart0").state == "stopped"
    assert place.run().changed == []


@pytest.mark.parametrize(("number", "when"), moments(departure.STEPS))
def test_a_departure_that_is_cut_off_is_completed(place, number, when):
    place.run()
    place.master.change("slappart0", state="destroyed", timestamp=2)
    kill_at(place, "departure", number, when)
    assert place.report().verdict is Verdict.DONE
    assert not place.programs()
    left = [path.name for path in place.partition("slappart0").iterdir()]
    assert left == [".slapos-resource"]
    assert place.agent().memory.find("slappart0") is None


BOOTSTRAPPER = """#!/bin/sh
mkdir -p bin
printf '#!/bin/sh\\necho "[buildout]" > instance.cfg\\n' > bin/buildout
chmod 755 bin/buildout
"""


@pytest.mark.parametrize(("number", "when"), moments(software.AVAILABLE))
def test_a_build_that_is_cut_off_is_completed(place, number, when):
    starter = place.directory / "bootstrapper"
    starter.write_text(BOOTSTRAPPER)
    starter.chmod(0o755)
    place.config.write_text(f"{place.config.read_text()}buildout = {starter}\n")
    other = f"{URL}?other"
    place.master.releases[other] = "available"
    kill_at(place, "release", number, when)
    assert place.software().verdict is Verdict.DONE
    found = place.host.release(other)
    assert found.is_complete
    assert (found.directory / "instance.cfg").exists()
    assert place.software().changed == []
