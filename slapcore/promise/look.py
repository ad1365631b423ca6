"""One look at one promise, within the process that is made for it.

- A plugin is loaded from its file with the legacy names answered, and gets what the launcher
  says together with its own ``extra_config_dict``; the two may not name the same thing.
- Whatever a promise raises is a failure with that text.
"""

import os
import sys
from collections.abc import Callable
from collections.abc import Mapping
from dataclasses import asdict
from dataclasses import dataclass
from dataclasses import field
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType
from types import ModuleType
from typing import Any
from typing import TypeVar

from slapcore.errors import InvalidValue
from slapcore.promise.executable import ExecutablePromise
from slapcore.promise.legacy import finder
from slapcore.promise.legacy.generic import GenericPromise
from slapcore.promise.promise import Promise
from slapcore.promise.promise import Setting
from slapcore.promise.result import AnomalyResult
from slapcore.promise.result import Result
from slapcore.promise.result import TestResult

Value = TypeVar("Value")

#: The class of a plugin's file, and the dictionary of its own configuration.
CLASS = "RunPromise"
OWN_OPTIONS = "extra_config_dict"


@dataclass(frozen=True, kw_only=True)
class Look:
    """What to look at, and for what: whether it is kept, or whether there is an anomaly."""

    path: str
    partition: str
    log_folder: str
    anomaly: bool = False
    executable: bool = False
    options: dict[str, Any] = field(default_factory=dict)

    def write(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, kw_only=True)
class Found:
    """What the look came to, and how the promise wants to be looked at from now on."""

    kind: str
    problem: bool
    message: str
    bangs: bool = False
    looked: bool = True
    periodicity: float = 2.0
    tested: bool = True
    anomalies: bool = True

    def write(self) -> dict[str, Any]:
        return asdict(self)


def look_at(look: Look) -> Found:
    """Make the promise, have it sense and judge."""
    made = attempt(lambda: make_promise(look))
    if isinstance(made, Failure):
        kind = AnomalyResult if look.anomaly else TestResult
        return Found(kind=kind.kind, problem=True, message=made.text)
    try:
        return ask(made, look.anomaly)
    finally:
        made.close()


def ask(promise: Promise, anomaly: bool) -> Found:
    """Have the promise sense and judge, unless it isn't asked this way."""
    if not promise.tested and not promise.anomalies:
        message = "the promise is neither tested nor asked for anomalies"
        return _write_found(promise, TestResult(True, message))
    if not (promise.anomalies if anomaly else promise.tested):
        return _write_found(promise, TestResult(), looked=False)
    failure = attempt(promise.sense)
    if isinstance(failure, Failure):
        promise.log.error("%s", failure.text)
    result = attempt(promise.anomaly if anomaly else promise.test)
    if not isinstance(result, Result):
        told = result.text if isinstance(result, Failure) else f"judged by {result!r}, no result"
        result = (AnomalyResult if anomaly else TestResult)(True, told)
    return _write_found(promise, result)


@dataclass(frozen=True)
class Failure:
    """What the code of a promise has raised, as a text."""

    text: str


def attempt(do: Callable[[], Value]) -> Value | Failure:
    """Do what the code of a promise does, and give its failure as a text, whatever it is."""
    try:
        return do()
    except (Exception, SystemExit) as error:  # noqa: BLE001
        return Failure(tell(error))


def _write_found(promise: Promise, result: Result, looked: bool = True) -> Found:
    is_anomaly = isinstance(result, AnomalyResult)
    return Found(
        kind=(AnomalyResult if is_anomaly else TestResult).kind,
        problem=result.problem,
        message=result.message,
        bangs=is_anomaly and result.problem and promise.bangs,
        looked=looked,
        periodicity=float(promise.periodicity),
        tested=promise.tested,
        anomalies=promise.anomalies,
    )


def tell(error: BaseException) -> str:
    """Give the text of an error; one that says nothing by itself is told by its name."""
    text = str(error)
    return text if " " in text else f"{type(error).__name__}: {text}".rstrip(": ")


def make_promise(look: Look) -> Promise:
    """Make the promise that the file of ``look`` holds."""
    path = Path(look.path)
    if look.executable:
        return ExecutablePromise(_write_setting(look, {}))
    module = load(path)
    kind = getattr(module, CLASS, None)
    if not isinstance(kind, type) or not issubclass(kind, Promise):
        raise InvalidValue(f"{path.name} holds no class {CLASS} that is a promise")
    options = _join(look.options, getattr(module, OWN_OPTIONS, {}))
    if issubclass(kind, GenericPromise):
        return kind(_write_config(look, options))
    return kind(_write_setting(look, options))


class _Loader(SourceFileLoader):
    """Reads a plugin's source itself: a cached form may be that of a file of the same second."""

    def get_code(self, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        return self.source_to_code(self.get_data(path), path)


def load(path: Path) -> ModuleType:
    """Load a plugin's file as a module that no other name stands for."""
    finder.install()
    sys.path.append(str(path.parent))
    loader = _Loader(f"promise_of_instance_{path.stem}", str(path))
    module = ModuleType(loader.name)
    module.__file__ = str(path)
    sys.modules[module.__name__] = module
    loader.exec_module(module)
    return module


def _join(said: Mapping[str, Any], own: object) -> dict[str, Any]:
    if not isinstance(own, dict):
        raise InvalidValue(f"{OWN_OPTIONS} is no dictionary")
    taken = sorted(set(said) & set(own))
    if taken:
        raise InvalidValue(f"{OWN_OPTIONS} may not say {', '.join(taken)}: the node does")
    return {**said, **own}


def _write_setting(look: Look, options: Mapping[str, Any]) -> Setting:
    return Setting(
        path=Path(look.path),
        partition=Path(look.partition),
        log_folder=Path(look.log_folder),
        options=options,
    )


def _write_config(look: Look, options: Mapping[str, Any]) -> dict[str, Any]:
    """Give the configuration from which a legacy plugin is made."""
    return {
        "path": look.path,
        "name": os.path.basename(look.path),
        "partition-folder": look.partition,
        "log-folder": look.log_folder,
        "debug": False,
        "queue": None,
        **options,
    }
