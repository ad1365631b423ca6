"""A promise: something that holds while an instance is well, and how to look whether it does.

- ``sense`` looks, and says what it finds by ``self.log``; an error said, or raised, is a failure.
- ``test`` judges the last look: is it as promised right now?
- ``anomaly`` judges several: does something have to be done about it?
"""

import logging
from abc import ABC
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path
from typing import Any

from slapcore.errors import InvalidValue
from slapcore.promise.diary import Diary
from slapcore.promise.diary import judge
from slapcore.promise.diary import read_looks
from slapcore.promise.result import AnomalyResult
from slapcore.promise.result import Result
from slapcore.promise.result import TestResult

#: Words that an option says yes or no with.
_ANSWERS = {"true": True, "yes": True, "1": True, "on": True}
_ANSWERS |= {"false": False, "no": False, "0": False, "off": False}


@dataclass(frozen=True, kw_only=True)
class Setting:
    """Where a promise is kept, and what it was told."""

    path: Path
    partition: Path
    log_folder: Path
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def title(self) -> str:
        return self.path.stem

    @property
    def log_file(self) -> Path:
        return self.log_folder / f"{self.title}.log"


class Promise(ABC):
    """Something that holds while an instance is well.

    ``periodicity`` is in minutes.  One that is not ``tested`` is only asked for anomalies, one
    that has no ``anomalies`` is only tested, and one may not be both.  Of a failure that is an
    anomaly the master is told (bang) if ``bangs``.
    """

    periodicity: float = 2
    tested: bool = True
    anomalies: bool = True
    bangs: bool = True

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.log = logging.getLogger(f"promise.{setting.title}")
        self.log.propagate = False
        self.log.setLevel(logging.INFO)
        self._diary = Diary(setting.log_file)
        self.log.addHandler(self._diary)
        bangs = setting.options.get("bang-on-failure")
        if bangs not in (None, ""):
            self.bangs = read_answer("bang-on-failure", bangs)

    @abstractmethod
    def sense(self) -> None:
        """Look, and say by ``self.log`` what is found."""

    def test(self) -> Result:
        """Tell whether the promise is kept: by default, whether the last look was fine."""
        return self.judge_test()

    def anomaly(self) -> Result:
        """Tell whether something has to be done: by default, when the last look has failed."""
        return self.judge_anomaly()

    def judge_test(self, looks: int = 1, failures: int = 1, minutes: float = 0) -> TestResult:
        return TestResult(*self._judge(looks, failures, minutes))

    def judge_anomaly(self, looks: int = 1, failures: int = 1, minutes: float = 0) -> AnomalyResult:
        """Find an anomaly if ``failures`` of the last ``looks`` within ``minutes`` have failed."""
        return AnomalyResult(*self._judge(looks, failures, minutes))

    def _judge(self, looks: int, failures: int, minutes: float) -> tuple[bool, str]:
        return judge(read_looks(self.setting.log_file, looks, minutes), failures)

    def option(self, name: str, default: str | None = None) -> str:
        """Give what the promise was told as ``name``, which it needs unless there is a default."""
        value = self.setting.options.get(name)
        if value in (None, ""):
            if default is None:
                raise InvalidValue(f"the promise {self.setting.title} needs the option {name}")
            return default
        return str(value)

    def number(self, name: str, default: float | None = None) -> float:
        value = self.option(name, None if default is None else str(default))
        try:
            return float(value)
        except ValueError as error:
            raise InvalidValue(f"the option {name} is no number: {value}") from error

    def answer(self, name: str, default: bool) -> bool:
        return read_answer(name, self.option(name, str(default)))

    def close(self) -> None:
        self.log.removeHandler(self._diary)
        self._diary.close()


def read_answer(name: str, value: object) -> bool:
    try:
        return _ANSWERS[str(value).strip().lower()]
    except KeyError as error:
        raise InvalidValue(f"the option {name} is neither true nor false: {value}") from error
