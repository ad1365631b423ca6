"""A policy by somebody else: built as a wheel, installed beside the master, and used."""

import json
import shutil
import site
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from slapcore.states import ReleaseState
from slapmaster.control.operation import Asked
from slapmaster.control.operation import make_act
from slapmaster.domain.installation import supply
from slapmaster.domain.node import NodeFacts
from slapmaster.domain.registration import change_offer
from slapmaster.domain.registration import format_node
from slapmaster.domain.registration import register_node
from slapmaster.master import opened_master
from slapmaster.settings import Settings
from slapmaster.storage import change
from tests.factories import specs

EXAMPLE = Path(__file__).parents[2] / "examples" / "frugal-policy"
RELEASE = "http://example.com/web/software.cfg"


def run(*words):
    done = subprocess.run(
        [str(word) for word in words], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, f"{words}\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def python(tmp_path_factory):
    """Give the Python of an environment in which the master and the policy are installed."""
    folder = tmp_path_factory.mktemp("third-party")
    source = shutil.copytree(EXAMPLE, folder / "source")
    pip = (sys.executable, "-m", "pip")
    wheels = folder / "wheels"
    run(*pip, "wheel", "--no-index", "--no-deps", "--no-build-isolation", "-w", wheels, source)
    environment = folder / "environment"
    venv.create(environment, with_pip=False)
    own = environment / "bin" / "python"
    [packages] = (environment / "lib").glob("python*/site-packages")
    lines = [f"import site; site.addsitedir({path!r})" for path in site.getsitepackages()]
    (packages / "master.pth").write_text("\n".join(lines))
    [wheel] = wheels.glob("slapplugin_frugal-1.0-*.whl")
    run(*pip, "--python", own, "install", "--no-index", "--no-deps", wheel)
    return own


def fill(act):
    project = act.site.projects["PROJ-1"]
    for title, memory in (("large", "64"), ("small", "8"), ("middle", "16")):
        node = register_node(act, project, title)
        format_node(act, node, NodeFacts(), specs(9 if title == "large" else 3))
        supply(act, node, RELEASE, ReleaseState.AVAILABLE)
        change_offer(act, node, network="", categories={"memory_size": memory})


def test_it_is_installed_named_and_asked(python, tmp_path):
    data = tmp_path / "data"

    def say(*words):
        return json.loads(run(python, "-m", "slapmaster", "--directory", data, *words, "--json"))

    say("init", "--operator", "alice")
    with opened_master(Settings(data_directory=data), block=1) as opened:
        asked = Asked(name="fill", arguments={}, by="test")
        change(opened.parts.store.main, lambda site: fill(make_act(opened, site, asked)))
    usual, small = say("plan", RELEASE), say("plan", RELEASE, "--node", "policy=frugal")
    assert (usual["node"], usual["policy"]) == (say("node", "show", "large")["reference"], "spread")
    reference = say("node", "show", "small")["reference"]
    assert (small["node"], small["policy"]) == (reference, "frugal")
    assert "frugal" in say("project", "policy", "main", "frugal")["installed"]
    assert say("plan", RELEASE)["node"] == reference


def test_its_own_test_passes(python):
    run(python, "-m", "pytest", "-q", "-p", "no:cacheprovider", EXAMPLE)
