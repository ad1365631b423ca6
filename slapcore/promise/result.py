"""What a promise came to, and the JSON in which monitoring tools read it.

- A message has ``MAX_MESSAGE`` characters; of a longer one the end is kept.
- A date is in UTC, to the second.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from datetime import UTC
from datetime import datetime
from typing import Any
from typing import ClassVar

from slapcore.errors import InvalidValue

MAX_MESSAGE = 5000
DATE_FORMAT = "%Y-%m-%dT%H:%M:%S+0000"


def now() -> datetime:
    """Give the time in UTC, to the second and without saying that it is UTC, as legacy does."""
    return datetime.now(UTC).replace(microsecond=0, tzinfo=None)


def cut(message: str) -> str:
    return message if len(message) <= MAX_MESSAGE else f"...{message[-MAX_MESSAGE:]}"


@dataclass(frozen=True)
class Result:
    """What a look at a promise came to."""

    problem: bool = False
    message: str = ""
    date: datetime = field(default_factory=now)

    kind: ClassVar[str] = "Base Result"

    def __post_init__(self) -> None:
        object.__setattr__(self, "problem", bool(self.problem))
        object.__setattr__(self, "message", cut(str(self.message or "")))
        object.__setattr__(self, "date", self.date or now())


@dataclass(frozen=True)
class TestResult(Result):
    """Whether the promise is kept right now."""

    __test__: ClassVar[bool] = False
    kind: ClassVar[str] = "Test Result"


@dataclass(frozen=True)
class AnomalyResult(Result):
    """Whether something has to be done about it: the instance be processed again."""

    kind: ClassVar[str] = "Anomaly Result"


KINDS: dict[str, type[Result]] = {kind.kind: kind for kind in (TestResult, AnomalyResult)}


@dataclass(frozen=True, kw_only=True)
class Status:
    """The last result of one promise, as it is kept and shown."""

    title: str
    name: str
    path: str
    result: Result
    seconds: float = 0.0

    def write(self) -> dict[str, Any]:
        return {
            "title": self.title,
            "name": self.name,
            "path": self.path,
            "execution-time": round(self.seconds, 3),
            "result": {
                "type": self.result.kind,
                "failed": self.result.problem,
                "date": self.result.date.strftime(DATE_FORMAT),
                "message": self.result.message,
            },
        }


def read_status(data: object) -> Status:
    """Read what ``Status.write`` or the legacy node has written."""
    if not isinstance(data, Mapping) or not isinstance(data.get("result"), Mapping):
        raise InvalidValue("a promise's status is no JSON object with a result")
    result = data["result"]
    try:
        kind = KINDS[result["type"]]
        date = datetime.strptime(result["date"], DATE_FORMAT)
        seconds = float(data.get("execution-time") or 0)
        names = {key: str(data[key]) for key in ("title", "name", "path")}
        found = kind(bool(result["failed"]), str(result["message"] or ""), date)
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidValue(f"a promise's status can't be read: {error!r}") from error
    return Status(seconds=seconds, result=found, **names)


def decode_status(content: bytes) -> Status:
    try:
        return read_status(json.loads(content))
    except ValueError as error:
        raise InvalidValue(f"a promise's status is no JSON: {error}") from error
