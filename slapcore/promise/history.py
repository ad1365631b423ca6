"""What was found of a promise over time: its history, its statistics, and the partition's feed.

Monitoring tools read three kinds of files below ``.slapgrid/promise/public``:

- ``<title>.history.json``, ``{"date": …, "data": […]}``: an entry whenever the state or the
  message changed, of the last ``MAX_ENTRIES`` changes.
- ``<title>.stats.json``, of the same form: an entry per day, with how many looks failed.
- ``feed``, RSS with the present state of each promise.
"""

import hashlib
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC
from datetime import datetime
from typing import Any

from slapcore.errors import InvalidValue
from slapcore.promise.feed import Item
from slapcore.promise.feed import write_feed
from slapcore.promise.folder import PromiseFolder
from slapcore.promise.folder import read_bytes
from slapcore.promise.folder import read_json
from slapcore.promise.folder import replace_file
from slapcore.promise.folder import write_json
from slapcore.promise.result import DATE_FORMAT
from slapcore.promise.result import Status
from slapcore.promise.result import decode_status

#: Changes, and days, that are kept.
MAX_ENTRIES = 500
MAX_DAYS = 371

OK = "OK"
ERROR = "ERROR"


@dataclass(frozen=True)
class Shown:
    """Whose promises these are, as the feed shows it."""

    instance: str
    tree: str


class History:
    """What is kept of the promises of one partition."""

    def __init__(self, folder: PromiseFolder, shown: Shown) -> None:
        self._folder = folder
        self._shown = shown
        self._states_file = folder.kept / "state.json"
        self._states = _read_states(read_json(self._states_file))
        self._changed = False

    def find(self, title: str) -> Status | None:
        """Find the last result of a promise."""
        content = read_bytes(self._folder.status_file(title))
        try:
            return decode_status(content) if content else None
        except InvalidValue:
            return None

    def add(self, status: Status) -> None:
        """Keep a result: as the last one, as a change if it is one, and for the statistics."""
        write_json(self._folder.status_file(status.title), status.write())
        state = ERROR if status.result.problem else OK
        before = self._states.get(status.name, {})
        same = before.get("status") == state
        date = status.result.date.strftime(DATE_FORMAT)
        entry = {
            "status": state,
            "change-date": before["change-date"] if same else date,
            "digest": _digest(status.result.message),
            "title": status.title,
            "day": before.get("day", _today()),
            OK: before.get(OK, 0),
            ERROR: before.get(ERROR, 0),
        }
        if not same or before.get("digest") != entry["digest"]:
            self._note_change(status, state, entry["change-date"], first=not before)
        self._count(status, entry, date)
        self._states[status.name] = entry

    def _note_change(self, status: Status, state: str, since: str, first: bool) -> None:
        self._changed = True
        written = status.write()
        result = written.pop("result")
        entry = {
            "status": state,
            "execution-time": written["execution-time"],
            "failed": result["failed"],
            "date": result["date"],
            "change-date": since,
            "message": result["message"],
        }
        path = self._folder.history_file(status.title)
        data = _read_entries(read_json(path))
        if first or not data:
            entry = {"title": status.title, "name": status.name, **entry}
        write_json(path, {"date": time.time(), "data": [*data, entry][-MAX_ENTRIES:]})

    def _count(self, status: Status, entry: dict[str, Any], date: str) -> None:
        """Count one look; when a day is over, its numbers become an entry of the statistics."""
        if entry["day"] != _today():
            path = self._folder.statistic_file(status.title)
            ended = {
                "status": ERROR if entry[ERROR] else OK,
                "change-time": time.time(),
                "date": f"{entry['day']}T00:00:00+0000",
                "message": {ERROR: entry[ERROR], OK: entry[OK]},
            }
            data = [*_read_entries(read_json(path)), ended][-MAX_DAYS:]
            write_json(path, {"date": time.time(), "data": data})
            entry.update({"day": date[:10], OK: 0, ERROR: 0})
        entry[entry["status"]] += 1

    def save(self, names: set[str], titles: set[str]) -> None:
        """Write what has changed, and remove what is kept of promises that are gone."""
        gone = [name for name in self._states if name not in names]
        for name in gone:
            title = self._states.pop(name)["title"]
            if title not in titles:
                self._forget(title)
        write_json(self._states_file, self._states)
        if self._changed or gone or not self._folder.feed_file.exists():
            replace_file(self._folder.feed_file, self._write_feed())

    def _forget(self, title: str) -> None:
        folder = self._folder
        for find in (folder.status_file, folder.history_file, folder.statistic_file):
            find(title).unlink(missing_ok=True)

    def _write_feed(self) -> str:
        items = []
        for name in sorted(self._states):
            state = self._states[name]
            status = self.find(state["title"])
            if status is not None:
                items.append(Item(status, state["status"], state["change-date"]))
        return write_feed(self._shown.instance, self._shown.tree, items)


def _digest(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def _today() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%d")


def _read_entries(data: dict[str, Any]) -> list[Any]:
    entries = data.get("data")
    return entries if isinstance(entries, list) else []


def _read_states(data: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Read what was kept of each promise; what isn't as we write it is forgotten."""
    return {name: state for name, state in data.items() if _is_state(state)}


def _is_state(state: object) -> bool:
    texts: Iterable[str] = ("status", "change-date", "digest", "title", "day")
    return (
        isinstance(state, dict)
        and all(isinstance(state.get(key), str) for key in texts)
        and all(type(state.get(key)) is int for key in (OK, ERROR))
        and state["status"] in (OK, ERROR)
        and "/" not in state["title"]
    )
