"""The names that legacy plugins find in ``slapos.grid.promise.generic``.

- A plugin is made from one dictionary; what the launcher says is taken out of it, and the rest
  is the plugin's own configuration.
- The plugin doesn't bang: whoever has asked for its result does, within the quota.
"""

import logging
from datetime import datetime
from pathlib import Path
from typing import Any

from slapcore.promise import result
from slapcore.promise.diary import ERROR_LEVELS
from slapcore.promise.diary import Line
from slapcore.promise.diary import read_looks
from slapcore.promise.promise import Promise
from slapcore.promise.promise import Setting
from slapcore.promise.result import Status
from slapcore.promise.result import read_status

PROMISE_STATE_FOLDER_NAME = ".slapgrid/promise"
PROMISE_RESULT_FOLDER_NAME = ".slapgrid/promise/result"
PROMISE_LOG_FOLDER_NAME = ".slapgrid/promise/log"
PROMISE_PARAMETER_NAME = "extra_config_dict"
ERROR_LEVEL = ERROR_LEVELS

#: what the launcher says in the configuration, and the plugin doesn't find there
_LAUNCHER_SAYS = ("log-folder", "partition-folder", "debug", "name", "path", "queue", "periodicity")


class BaseResult(result.Result):
    """A result with the legacy names of what it says."""

    def __init__(
        self,
        problem: bool = False,
        message: str | None = None,
        date: datetime | None = None,
    ) -> None:
        super().__init__(problem, message or "", date or result.now())

    def hasFailed(self) -> bool:
        return self.problem

    @classmethod
    def type(cls) -> str:
        return cls.kind


class TestResult(BaseResult, result.TestResult):
    """Whether the promise is kept right now."""

    __test__ = False


class AnomalyResult(BaseResult, result.AnomalyResult):
    """Whether something has to be done about it."""


class EmptyResult(BaseResult):
    """Nothing was looked at."""

    kind = "Empty Result"


class PromiseQueueResult:
    """A result and whose it is."""

    def __init__(
        self,
        path: str | None = None,
        name: str | None = None,
        title: str | None = None,
        item: result.Result | None = None,
        execution_time: float = 0,
    ) -> None:
        self.path = path
        self.name = name
        self.title = title
        self.item = item or EmptyResult()
        self.execution_time = execution_time

    def serialize(self) -> dict[str, Any]:
        return Status(
            title=self.title or "",
            name=self.name or "",
            path=self.path or "",
            result=self.item,
            seconds=self.execution_time,
        ).write()

    def load(self, data: dict[str, Any]) -> None:
        status = read_status(data)
        kinds = (TestResult, AnomalyResult)
        kind = next(kind for kind in kinds if kind.kind == status.result.kind)
        self.item = kind(status.result.problem, status.result.message, status.result.date)
        self.title, self.name, self.path = status.title, status.name, status.path
        self.execution_time = status.seconds


class GenericPromise(Promise):
    """What legacy plugins derive from."""

    def __init__(self, config: dict[str, Any]) -> None:
        missing = [key for key in ("partition-folder", "name", "path") if not config.get(key)]
        if missing:
            raise ValueError(f"the promise is not told its {', '.join(missing)}")
        said = {key: config.pop(key, None) for key in _LAUNCHER_SAYS}
        folder = said["log-folder"] or Path(said["partition-folder"], PROMISE_LOG_FOLDER_NAME)
        self.__config = config
        super().__init__(
            Setting(
                path=Path(said["path"]),
                partition=Path(said["partition-folder"]),
                log_folder=Path(folder),
                options=config,
            )
        )
        self.logger = self.log
        self.logger.setLevel(logging.DEBUG if said["debug"] else logging.INFO)
        self.setPeriodicity(said["periodicity"] or 2)

    def getConfig(self, key: str, default: object = None) -> object:
        return self.__config.get(key, default)

    def setConfig(self, key: str, value: object) -> None:
        self.__config[key] = value

    def getTitle(self) -> str:
        return self.setting.title

    def getName(self) -> str:
        return self.setting.name

    def getLogFile(self) -> str:
        return str(self.setting.log_file)

    def getLogFolder(self) -> str:
        return str(self.setting.log_folder)

    def getPartitionFolder(self) -> str:
        return str(self.setting.partition)

    def getPromiseFile(self) -> str:
        return str(self.setting.path)

    def setPeriodicity(self, minute: float) -> None:
        if minute <= 0:
            raise ValueError(f"a promise can't be looked at every {minute} minutes")
        self.periodicity = float(minute)

    def getPeriodicity(self) -> float:
        return self.periodicity

    def setTestLess(self) -> None:
        self.tested = False

    def isTested(self) -> bool:
        return self.tested

    def setAnomalyLess(self) -> None:
        self.anomalies = False

    def isAnomalyDetected(self) -> bool:
        return self.anomalies

    def allowBang(self, allow: bool = True) -> None:
        self.bangs = allow

    def getLastPromiseResultList(
        self, latest_minute: float = 0, result_count: int = 1, only_failure: bool = False
    ) -> list[list[dict[str, Any]]]:
        """Give what the last looks said, the newest first."""
        looks = read_looks(self.setting.log_file, result_count, latest_minute)
        return [
            [_write_line(line) for line in look if not only_failure or line.is_error]
            for look in looks
        ]

    def _test(
        self, result_count: int = 1, failure_amount: int = 1, latest_minute: float = 0
    ) -> TestResult:
        return TestResult(*self._judge(result_count, failure_amount, latest_minute))

    def _anomaly(
        self, result_count: int = 1, failure_amount: int = 1, latest_minute: float = 0
    ) -> AnomalyResult:
        return AnomalyResult(*self._judge(result_count, failure_amount, latest_minute))

    def test(self) -> result.Result:
        return self._test()

    def anomaly(self) -> result.Result:
        return self._anomaly()


def _write_line(line: Line) -> dict[str, Any]:
    return {"date": line.date, "status": line.level, "message": line.message}


