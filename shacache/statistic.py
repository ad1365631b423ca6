"""What was asked for, and what it was worth: counted in memory, as JSON and for Prometheus.

Counters begin at 0 with the process, as Prometheus has it.
"""

import threading
import time
from collections import Counter
from dataclasses import dataclass
from dataclasses import field

#: of so many keys it is known how often they were hit
KEYS_AT_MOST = 10_000
TOP = 20


@dataclass(frozen=True)
class Size:
    """How much is kept, counted every so often and estimated in between."""

    contents: int = 0
    bytes: int = 0


@dataclass
class Statistic:
    """The counters of one process."""

    started: float = field(default_factory=time.time)
    size: Size = field(default_factory=Size)
    #: (kind of key, "hit" or "miss") -> lookups
    lookups: Counter[tuple[str, str]] = field(default_factory=Counter)
    #: "download", "download_bytes", "upload", "upload_bytes", "duplicate", "refused"
    events: Counter[str] = field(default_factory=Counter)
    #: name of a signer -> entries put
    signers: Counter[str] = field(default_factory=Counter)
    keys: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self, event: str, number: int = 1) -> None:
        with self._lock:
            self.events[event] += number

    def grow(self, size: int) -> None:
        """Count a content that is new."""
        with self._lock:
            self.size = Size(self.size.contents + 1, self.size.bytes + size)

    def count_lookup(self, kind: str, key: str, *, hit: bool) -> None:
        with self._lock:
            self.lookups[kind, "hit" if hit else "miss"] += 1
            if hit:
                self.keys[key] += 1
            if len(self.keys) > KEYS_AT_MOST:
                self.keys = Counter(dict(self.keys.most_common(KEYS_AT_MOST // 2)))

    def count_entry(self, signer: str) -> None:
        with self._lock:
            self.signers[signer or "unsigned"] += 1

    def as_dict(self) -> dict[str, object]:
        with self._lock:
            lookups: dict[str, dict[str, int]] = {}
            for (kind, outcome), number in sorted(self.lookups.items()):
                lookups.setdefault(kind, {"hit": 0, "miss": 0})[outcome] = number
            return {
                "started": int(self.started),
                "contents": self.size.contents,
                "bytes": self.size.bytes,
                "lookups": lookups,
                "events": dict(sorted(self.events.items())),
                "signers": dict(sorted(self.signers.items())),
                "top": [[key, number] for key, number in self.keys.most_common(TOP)],
            }

    def as_prometheus(self) -> str:
        with self._lock:
            lines = [
                *_metric("contents", "gauge", "Contents kept.", {"": self.size.contents}),
                *_metric("bytes", "gauge", "Bytes kept.", {"": self.size.bytes}),
                *_metric("lookups_total", "counter", "Lookups in the directory.", {
                    f'{{kind="{kind}",outcome="{outcome}"}}': number
                    for (kind, outcome), number in self.lookups.items()
                }),
                *_metric("events_total", "counter", "What was put and got.", {
                    f'{{event="{event}"}}': number for event, number in self.events.items()
                }),
                *_metric("entries_put_total", "counter", "Entries put, by signer.", {
                    f'{{signer="{_escape(name)}"}}': number
                    for name, number in self.signers.items()
                }),
            ]  # fmt: skip
        return "\n".join([*lines, ""])


def _metric(name: str, kind: str, about: str, values: dict[str, int]) -> list[str]:
    full = f"shacache_{name}"
    lines = [f"# HELP {full} {about}", f"# TYPE {full} {kind}"]
    return lines + [f"{full}{labels} {value}" for labels, value in sorted(values.items())]


def _escape(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
