"""Answers the import names of the legacy framework with ours, in the process of a promise.

- ``slapos.grid.promise``, its ``generic`` and its ``interface`` are always ours.
- ``slapos`` and ``slapos.grid`` are the release's own where it has them, and empty otherwise.
"""

import importlib
import sys
from collections.abc import Sequence
from importlib.abc import Loader
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

STAND_INS = {
    "slapos.grid.promise": "slapcore.promise.legacy.failure",
    "slapos.grid.promise.generic": "slapcore.promise.legacy.generic",
    "slapos.grid.promise.interface": "slapcore.promise.legacy.interface",
}
PARENTS = ("slapos", "slapos.grid")


class _StandIn(Loader):
    """Fills a module with what another one of ours holds."""

    def __init__(self, ours: str) -> None:
        self._ours = ours

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        held = vars(importlib.import_module(self._ours))
        vars(module).update({k: held[k] for k in held if not k.startswith("__")})


class StandInFinder(MetaPathFinder):
    """Comes first: our modules under the legacy names."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        ours = STAND_INS.get(fullname)
        if ours is None:
            return None
        is_package = fullname == "slapos.grid.promise"
        return ModuleSpec(fullname, _StandIn(ours), is_package=is_package)


class ParentFinder(MetaPathFinder):
    """Comes last: an empty package where the release has none."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname not in PARENTS:
            return None
        return ModuleSpec(fullname, None, is_package=True)


def is_installed() -> bool:
    """Tell whether the legacy names are answered in this process."""
    return any(isinstance(finder, StandInFinder) for finder in sys.meta_path)


def install() -> None:
    """Answer the legacy names from now on, in this process."""
    if not is_installed():
        sys.meta_path.insert(0, StandInFinder())
        sys.meta_path.append(ParentFinder())
