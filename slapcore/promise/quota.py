"""How often a failure may have things processed again: two token buckets, kept on disk.

- Each bang takes a token from the bucket of its partition and one from that of its tree; if
  either is empty, neither is taken and there is no bang.
- A bucket fills by itself, up to its size.  A fresh one is full.
- The buckets are files of the agent, in a folder that no partition may write.  Each is replaced
  as a whole, and a lock keeps the agent and the watchdog apart.
"""

import fcntl
import hashlib
import json
import os
import time
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from dataclasses import dataclass
from dataclasses import replace
from pathlib import Path

from slapcore.errors import InvalidValue

Clock = Callable[[], float]


@dataclass(frozen=True, kw_only=True)
class Rate:
    """How many bangs at once, and how many an hour from then on."""

    size: int
    per_hour: float

    def __post_init__(self) -> None:
        if self.size < 1 or self.per_hour <= 0:
            raise InvalidValue(f"a bucket of {self.size} with {self.per_hour} an hour lets none by")


#: A partition that fails for ever is processed again twelve times a day; its tree a bit more.
PARTITION = Rate(size=3, per_hour=0.5)
TREE = Rate(size=6, per_hour=2.0)


@dataclass(frozen=True, kw_only=True)
class Bucket:
    """How many bangs are left, as it was when it was last touched."""

    subject: str
    left: float
    touched: float
    refused: int = 0
    refused_since: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Level:
    """A bucket as it is now, for whoever looks: what is left of how much, and when there is more.

    ``refused`` counts the bangs that were refused since the last that was granted.
    """

    kind: str
    subject: str
    left: int
    size: int
    next_in: float
    refused: int
    refused_since: float


@dataclass(frozen=True, kw_only=True)
class Grant:
    """Whether there may be a bang; if not, whose quota is spent, and when there may be again."""

    granted: bool
    spent: str = ""
    next_in: float = 0.0
    refused: int = 0

    @property
    def reason(self) -> str:
        """Give the sentence for the report; an empty one when the bang is granted."""
        if self.granted:
            return ""
        minutes = max(1, round(self.next_in / 60))
        return (
            f"bang quota of {self.spent} is spent: {self.refused} refused,"
            f" the next is possible in {minutes} min"
        )


class Quota:
    """The buckets in a folder of the agent."""

    def __init__(
        self,
        folder: Path,
        *,
        partition: Rate = PARTITION,
        tree: Rate = TREE,
        clock: Clock = time.time,
    ) -> None:
        self._folder = folder
        self._rates = {"partition": partition, "tree": tree}
        self._clock = clock

    def take(self, partition: str, tree: str = "") -> Grant:
        """Take what a bang costs; the grant says whether there was enough."""
        wanted = [("partition", partition)] + ([("tree", tree)] if tree else [])
        with self._locked():
            buckets = [(kind, self._fill(kind, self._read(kind, name))) for kind, name in wanted]
            spent = [(kind, bucket) for kind, bucket in buckets if bucket.left < 1]
            for kind, bucket in buckets:
                self._write(kind, self._spend(bucket) if not spent else bucket)
            if not spent:
                return Grant(granted=True)
            refused = [(kind, self._refuse(bucket)) for kind, bucket in spent]
            for kind, bucket in refused:
                self._write(kind, bucket)
        kind, bucket = max(refused, key=lambda each: self._next_in(*each))
        return Grant(
            granted=False,
            spent=f"{kind} {bucket.subject}",
            next_in=self._next_in(kind, bucket),
            refused=bucket.refused,
        )

    def levels(self) -> list[Level]:
        """List all buckets as they are now, partitions first, by name."""
        found = []
        for kind in self._rates:
            for path in sorted(self._folder.glob(f"{kind}-*.json")):
                bucket = self._decode(kind, path)
                if bucket is not None:
                    found.append(self._show(kind, self._fill(kind, bucket)))
        return sorted(found, key=lambda level: (level.kind, level.subject))

    def forget(self, partition: str) -> None:
        """Remove the bucket of a partition that is free again."""
        with self._locked():
            self._path("partition", partition).unlink(missing_ok=True)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (self._folder / "lock").open("wb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _path(self, kind: str, subject: str) -> Path:
        # A title may hold anything; a file's name may not.
        plain = "".join(each if each.isalnum() or each in "-_" else "_" for each in subject)[:60]
        digest = hashlib.sha256(subject.encode()).hexdigest()[:12]
        return self._folder / f"{kind}-{plain}-{digest}.json"

    def _read(self, kind: str, subject: str) -> Bucket:
        bucket = self._decode(kind, self._path(kind, subject))
        if bucket is not None:
            return bucket
        full = float(self._rates[kind].size)
        return Bucket(subject=subject, left=full, touched=self._clock())

    def _decode(self, kind: str, path: Path) -> Bucket | None:
        """Read a bucket; one that can't be read is empty, so that damage doesn't open the gate."""
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            return None
        try:
            return _read_bucket(json.loads(content))
        except (InvalidValue, TypeError, ValueError):
            return Bucket(subject=path.stem, left=0.0, touched=self._clock())

    def _fill(self, kind: str, bucket: Bucket) -> Bucket:
        """Add what has come since; a clock that was set back adds nothing."""
        rate, now = self._rates[kind], self._clock()
        added = max(0.0, now - bucket.touched) * rate.per_hour / 3600
        return replace(bucket, left=min(float(rate.size), bucket.left + added), touched=now)

    def _spend(self, bucket: Bucket) -> Bucket:
        return replace(bucket, left=bucket.left - 1, refused=0, refused_since=0.0)

    def _refuse(self, bucket: Bucket) -> Bucket:
        since = bucket.refused_since or self._clock()
        return replace(bucket, refused=bucket.refused + 1, refused_since=since)

    def _next_in(self, kind: str, bucket: Bucket) -> float:
        return max(0.0, 1 - bucket.left) * 3600 / self._rates[kind].per_hour

    def _show(self, kind: str, bucket: Bucket) -> Level:
        return Level(
            kind=kind,
            subject=bucket.subject,
            left=int(bucket.left),
            size=self._rates[kind].size,
            next_in=self._next_in(kind, bucket),
            refused=bucket.refused,
            refused_since=bucket.refused_since,
        )

    def _write(self, kind: str, bucket: Bucket) -> None:
        path = self._path(kind, bucket.subject)
        fresh = path.with_suffix(".new")
        with fresh.open("w", encoding="utf-8") as file:
            json.dump(asdict(bucket), file)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)


def _read_bucket(data: object) -> Bucket:
    if not isinstance(data, dict):
        raise InvalidValue("a bucket is an object")
    bucket = Bucket(**data)
    numbers = (bucket.left, bucket.touched, bucket.refused_since)
    if not all(isinstance(number, int | float) for number in numbers):
        raise InvalidValue("a bucket holds numbers")
    return bucket
