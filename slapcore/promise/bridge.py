"""Types of promises as ``RunPromise`` plugins, for our launcher and for the legacy one alike.

Ours takes a type as it is.  For the legacy one it becomes a plugin of its own framework, which
leaves the looking and the judging to the type.
"""

import importlib
from pathlib import Path
from typing import Any

from slapcore.promise.legacy import finder
from slapcore.promise.look import Failure
from slapcore.promise.look import attempt
from slapcore.promise.promise import Setting
from slapcore.promise.result import Result
from slapcore.promise.typed import TypedPromise


def make_run_promise(kind: type[TypedPromise]) -> type[Any]:
    """Give the class ``RunPromise`` of a plugin's file that is a promise of this type."""
    return kind if finder.is_installed() else _bridge(kind)


def _bridge(kind: type[TypedPromise]) -> type[Any]:
    generic: Any = importlib.import_module("slapos.grid.promise.generic")
    interface: Any = importlib.import_module("slapos.grid.promise.interface")
    implementer: Any = importlib.import_module("zope.interface").implementer

    def translate(result: Result | Failure, legacy: Any) -> Any:  # noqa: ANN401
        if isinstance(result, Failure):
            return legacy(problem=True, message=result.text)
        return legacy(problem=result.problem, message=result.message)

    class RunPromise(generic.GenericPromise):
        """A type of promise, as the legacy framework wants it."""

        def __init__(self, config: dict[str, Any]) -> None:
            setting = Setting(
                path=Path(config["path"]),
                partition=Path(config["partition-folder"]),
                log_folder=Path(config["log-folder"]),
                options=dict(config),
            )
            super().__init__(config)
            self._typed = kind(setting)
            self.setPeriodicity(self._typed.periodicity)
            if not self._typed.tested:
                self.setTestLess()
            if not self._typed.anomalies:
                self.setAnomalyLess()

        def sense(self) -> None:
            failure = attempt(self._typed.sense)
            if isinstance(failure, Failure):
                self._typed.log.error("%s", failure.text)

        def test(self) -> Any:  # noqa: ANN401
            return translate(attempt(self._typed.test), generic.TestResult)

        def anomaly(self) -> Any:  # noqa: ANN401
            return translate(attempt(self._typed.anomaly), generic.AnomalyResult)

    return implementer(interface.IPromise)(RunPromise)  # type: ignore[no-any-return]
