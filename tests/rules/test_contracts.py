"""Who may import whom: the contracts of setup.cfg, kept by import-linter."""

import subprocess
import sys

from tests.rules.tree import ROOT
from tests.rules.tree import list_packages
from tests.rules.tree import read_lines
from tests.rules.tree import read_setup


def test_the_import_contracts_are_kept():
    program = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    command = [sys.executable, "-c", program, "--no-cache", "--config", "setup.cfg"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_top_package_is_under_contract():
    tops = {name.split(".")[0] for name in list_packages()}
    assert set(read_lines("importlinter", "root_packages")) == tops


def test_nobody_may_import_a_plugin():
    plugins = {name for name, folder in list_packages().items() if folder.parts[0] == "plugins"}
    contract = read_setup()["importlinter:contract:plugins"]
    assert set(contract["forbidden_modules"].split()) == plugins
