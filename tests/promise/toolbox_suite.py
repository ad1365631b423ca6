"""Runs the tests that slapos.toolbox has of its own plugins, in an environment that has it.

``python toolbox_suite.py legacy|ours MODULE…`` runs the named test modules with the framework of
slapos.core, or with ours in its place, and prints a line of JSON: how many tests ran of each, and
the names of those that failed.  It needs nothing of this project to be installed there.
"""

import contextlib
import importlib
import importlib.util
import io
import json
import multiprocessing
import os
import sys
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def put_ours_in_place():
    """Have ``slapos.grid.promise`` be ours, with a launcher that the tests can make."""
    folder = ROOT / "slapcore"
    spec = importlib.util.spec_from_file_location(
        "slapcore", folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    package = importlib.util.module_from_spec(spec)
    sys.modules["slapcore"] = package
    spec.loader.exec_module(package)
    importlib.import_module("slapcore.promise.legacy.finder").install()
    promise = importlib.import_module("slapos.grid.promise")
    promise.Process = multiprocessing.get_context("fork").Process
    promise.PromiseLauncher = make_launcher_class(promise.PromiseError)


def make_launcher_class(failure):
    launching = importlib.import_module("slapcore.promise.launcher")
    keeping = importlib.import_module("slapcore.promise.keeper")

    class PromiseLauncher:
        """The legacy launcher's face, with ours behind it."""

        def __init__(self, config=None, logger=None, dry_run=False):
            self.config = config

        def run(self):
            config = self.config
            folder = Path(config["partition-folder"])
            link(folder / "etc/plugin", config["promise-folder"])
            link(folder / "etc/promise", config["legacy-promise-folder"])
            logs = folder / ".slapgrid/promise/log"
            if config["log-folder"] and not logs.is_symlink():
                logs.rmdir()
                link(logs, config["log-folder"])
            timeout = float(config["promise-timeout"] or 20)
            partition = launching.Promising(
                name=config["partition-id"],
                directory=folder,
                computer=config["computer-id"],
                master_url=config["master-url"],
            )
            errand = keeping.Errand(
                partition=str(folder),
                uid=os.getuid(),
                gid=os.getgid(),
                timeout=timeout,
                anomaly=config["check-anomaly"],
                force=config["force"],
                only=list(config["run-only-promise-list"] or ()),
                options=partition.write_options(timeout),
            )
            outcome = launching.read_outcome(keep_in_a_fork(keeping, errand))
            if outcome.failed:
                raise failure(outcome.problem)

    return PromiseLauncher


def keep_in_a_fork(keeping, errand):
    """Keep as the warm process does, but forked from here: the tests have replaced things here."""
    reading, writing = os.pipe()
    pid = os.fork()
    if not pid:
        with open(writing, "w") as pipe:
            json.dump(keeping.keep(errand, 4), pipe)
        os._exit(0)
    os.close(writing)
    with open(reading) as pipe:
        outcome = json.load(pipe)
    os.waitpid(pid, 0)
    return outcome


def link(path, target):
    if target and not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(target)


def run(module):
    """Run one module of tests: how many there were, and the names of those that failed."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        suite = unittest.defaultTestLoader.loadTestsFromName(module)
        result = unittest.TextTestRunner(stream=said, verbosity=0).run(suite)
    failed = [test.id() for test, _ in result.failures + result.errors]
    texts = [text.strip().splitlines()[-1] for _, text in result.failures + result.errors]
    return {"ran": result.testsRun, "failed": failed, "texts": texts}


def main(framework, modules):
    if framework == "ours":
        put_ours_in_place()
    print(json.dumps({module: run(module) for module in modules}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
