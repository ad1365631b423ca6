"""A cache in a bucket (S3, or what speaks its protocol): several servers may work on one.

- A content comes in on the server's own disk, as always; hashed and checked, it goes into the
  bucket, in parts when it is large, and never in the place of another.
- Entries and ledgers are objects that are only written over when they are still what was read.
- Objects don't know when they were last of use: beside each content may be an empty one that was
  written then.
- What servers know of ledgers is at most a second old.
"""

import contextlib
import errno
import hashlib
import json
import logging
import threading
import time
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC
from datetime import datetime
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError
from botocore.exceptions import ClientError

from shacache.directory import Edit
from shacache.ledger import Content as LedgerContent
from shacache.ledger import read_content
from shacache.settings import Settings
from shacache.store import READ_AT_ONCE
from shacache.store import USE_SECONDS
from shacache.store import Receipt
from shacache.store import Store
from shacache.store import Stored
from slapcore.errors import InvalidValue
from slapcore.errors import NotFound

log = logging.getLogger(__name__)

CONTENTS = "contents/"
USED = "used/"
ENTRIES = "entries/"
QUARANTINE = "quarantine/"
LEDGERS = "ledgers/"

#: contents up to here go in one piece, larger ones in pieces of this size; at most 10,000
PART = 16 << 20
PARTS_AT_MOST = 10_000
#: how old a server's knowledge of a ledger may be, in seconds
FRESH_SECONDS = 1.0
#: how often a change is tried when others change the same
ATTEMPTS = 50
#: of so many contents a server remembers that their use is written down
REMEMBERED_AT_MOST = 100_000
#: uploads that are not completed after so many seconds are given up
UNFINISHED_SECONDS = 86400.0

GONE = ("404", "NoSuchKey", "NotFound")
CHANGED = ("412", "409", "PreconditionFailed", "ConditionalRequestConflict")


class Changed(Exception):
    """Somebody else has written the object meanwhile."""


@dataclass(frozen=True)
class Bucket:
    """A bucket, and what the names of our objects begin with."""

    client: Any
    name: str
    prefix: str

    @classmethod
    def of(cls, settings: Settings) -> "Bucket":
        """Reach the bucket of the settings; who we are is said as boto3 wants it."""
        config = Config(
            retries={"max_attempts": 3, "mode": "standard"},
            max_pool_connections=max(10, settings.threads + 4),
            connect_timeout=10,
            read_timeout=60,
        )
        client = boto3.client("s3", endpoint_url=settings.s3_endpoint or None, config=config)
        return cls(client, settings.s3_bucket, settings.s3_prefix)

    def ask(self, operation: str, name: str, **more: object) -> dict[str, Any]:
        """Have something done with one object; raises ``NotFound``, ``Changed`` or ``OSError``."""
        with failing_as_disk(name):
            call = getattr(self.client, operation)
            answer: dict[str, Any] = call(Bucket=self.name, Key=self.prefix + name, **more)
            return answer

    def get(self, name: str) -> tuple[bytes, str] | None:
        """Give an object and its version; ``None`` where there is none."""
        try:
            answer = self.ask("get_object", name)
        except NotFound:
            return None
        with failing_as_disk(name):
            return answer["Body"].read(), answer["ETag"]

    def put(self, name: str, data: bytes, version: str | None) -> None:
        """Put an object in the place of the ``version`` that was read, or where there was none."""
        condition = {"IfNoneMatch": "*"} if version is None else {"IfMatch": version}
        self.ask("put_object", name, Body=data, **condition)

    def change(self, name: str, edit: Edit) -> None:
        """Have ``edit`` make the new object, again where somebody else was faster."""
        for attempt in range(ATTEMPTS):
            found = self.get(name)
            data = edit(found[0] if found is not None else None)
            if data is None:
                return
            try:
                self.put(name, data, found[1] if found is not None else None)
            except (Changed, NotFound):
                time.sleep(min(0.5, 0.01 * attempt))
                continue
            return
        raise OSError(errno.EBUSY, f"too many change {name} at once")

    def list(self, folder: str) -> Iterator[tuple[str, int, float]]:
        """List objects in their order: the rest of the name, the size, when it was written."""
        start = len(self.prefix) + len(folder)
        with failing_as_disk(folder):
            pages = self.client.get_paginator("list_objects_v2").paginate(
                Bucket=self.name, Prefix=self.prefix + folder
            )
            for page in pages:
                for each in page.get("Contents", ()):
                    moment = each["LastModified"].timestamp()
                    yield each["Key"][start:], each["Size"], moment


@contextmanager
def failing_as_disk(name: str) -> Iterator[None]:
    """Say what boto3 fails with in our words."""
    try:
        yield
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", ""))
        if code in GONE:
            raise NotFound("no such content is here") from error
        if code in CHANGED:
            raise Changed(name) from error
        raise OSError(errno.EIO, f"the bucket has refused {name}: {error}") from error
    except BotoCoreError as error:
        raise OSError(errno.EIO, f"the bucket has failed at {name}: {error}") from error


class BucketContent:
    """A content in a bucket; nothing of it is fetched before somebody wants it."""

    def __init__(self, bucket: Bucket, name: str, size: int) -> None:
        self._bucket = bucket
        self._name = name
        self._from = 0
        self.size = size
        self._body: Any = None

    def app_iter_range(self, start: int, stop: int) -> "BucketContent":
        self._from = start
        self.size = stop
        return self

    def __iter__(self) -> Iterator[bytes]:
        if self._from >= self.size:
            return
        wanted = f"bytes={self._from}-{self.size - 1}"
        self._body = self._bucket.ask("get_object", self._name, Range=wanted)["Body"]
        while True:
            with failing_as_disk(self._name):
                data = self._body.read(READ_AT_ONCE)
            if not data:
                return
            yield data

    def close(self) -> None:
        if self._body is not None:
            self._body.close()

    def __enter__(self) -> "BucketContent":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class BucketStore(Store):
    """Contents in a bucket; the directory is where they come in."""

    def __init__(self, directory: Path, bucket: Bucket) -> None:
        super().__init__(directory)
        self._bucket = bucket
        #: when this server has looked last whether a use is written down
        self._touched: dict[str, float] = {}

    def keep(
        self, receipt: Receipt, wanted: str | None = None, check: Callable[[str], None] = bool
    ) -> str:
        try:
            sha512 = receipt.finish()
            if wanted not in (None, sha512):
                raise InvalidValue(f"the sha512 of what was sent is {sha512}")
            check(sha512)
            receipt.is_new = sha512 not in self
            if receipt.is_new:
                self._send(receipt, CONTENTS + sha512)
            else:
                self.touch(sha512, 0.0)
            return sha512
        finally:
            receipt.close()

    def open(self, sha512: str) -> BucketContent:  # type: ignore[override]
        found = self._bucket.ask("head_object", CONTENTS + sha512)
        return BucketContent(self._bucket, CONTENTS + sha512, found["ContentLength"])

    def __contains__(self, sha512: str) -> bool:
        return self._written(CONTENTS + sha512) is not None

    def look(self, sha512: str) -> Stored:
        found = self._bucket.ask("head_object", CONTENTS + sha512)
        written = found["LastModified"].timestamp()
        used = self._written(USED + sha512) or 0.0
        return Stored(sha512, found["ContentLength"], max(written, used))

    def touch(self, sha512: str, within: float = USE_SECONDS) -> None:
        if time.monotonic() - self._touched.get(sha512, -within) < within:
            return
        with contextlib.suppress(NotFound):
            if time.time() - self.look(sha512).used > within:
                self._bucket.ask("put_object", USED + sha512, Body=b"")
            if len(self._touched) >= REMEMBERED_AT_MOST:
                self._touched.clear()
            self._touched[sha512] = time.monotonic()

    def list(self) -> Iterator[Stored]:
        uses = self._bucket.list(USED)
        name, _, used = next(uses, ("", 0, 0.0))
        for sha512, size, written in self._bucket.list(CONTENTS):
            # Both are in the same order: there may be millions.
            while name and name < sha512:
                name, _, used = next(uses, ("", 0, 0.0))
            yield Stored(sha512, size, max(written, used) if name == sha512 else written)

    def remove(self, sha512: str) -> None:
        self._bucket.ask("delete_object", CONTENTS + sha512)
        self._bucket.ask("delete_object", USED + sha512)

    def quarantine(self, sha512: str) -> Path:
        source = {"Bucket": self._bucket.name, "Key": f"{self._bucket.prefix}{CONTENTS}{sha512}"}
        target = f"{self._bucket.prefix}{QUARANTINE}{sha512}"
        with failing_as_disk(sha512):
            # In parts, if it is large.
            self._bucket.client.copy(source, self._bucket.name, target)
        self.remove(sha512)
        return Path(target)

    def verify(self, sha512: str) -> bool:
        found = hashlib.sha512()
        with self.open(sha512) as content:
            for data in content:
                found.update(data)
        return found.hexdigest() == sha512

    def give_up_unfinished(self) -> int:
        """End uploads of servers that were killed; how many there were."""
        bucket = self._bucket
        before = datetime.now(UTC).timestamp() - UNFINISHED_SECONDS
        with failing_as_disk(CONTENTS):
            pages = bucket.client.get_paginator("list_multipart_uploads").paginate(
                Bucket=bucket.name, Prefix=bucket.prefix + CONTENTS
            )
            old = [
                each
                for page in pages
                for each in page.get("Uploads", ())
                if each["Initiated"].timestamp() < before
            ]
            for each in old:
                bucket.client.abort_multipart_upload(
                    Bucket=bucket.name, Key=each["Key"], UploadId=each["UploadId"]
                )
        return len(old)

    def _written(self, name: str) -> float | None:
        try:
            answer = self._bucket.ask("head_object", name)
        except NotFound:
            return None
        moment: float = answer["LastModified"].timestamp()
        return moment

    def _send(self, receipt: Receipt, name: str) -> None:
        """Put what was received into the bucket, unless somebody else is done with it first."""
        with contextlib.suppress(Changed), open(receipt.fileno(), "rb", closefd=False) as file:
            file.seek(0)
            if receipt.size <= PART:
                self._bucket.ask("put_object", name, Body=file.read(), IfNoneMatch="*")
            else:
                self._send_parts(file, receipt.size, name)

    def _send_parts(self, file: Any, size: int, name: str) -> None:  # noqa: ANN401
        ask = self._bucket.ask
        identity = ask("create_multipart_upload", name)["UploadId"]
        length = max(PART, -(-size // PARTS_AT_MOST))
        parts = []
        try:
            while data := file.read(length):
                number = len(parts) + 1
                done = ask("upload_part", name, UploadId=identity, PartNumber=number, Body=data)
                parts.append({"PartNumber": number, "ETag": done["ETag"]})
            ask(
                "complete_multipart_upload",
                name,
                UploadId=identity,
                MultipartUpload={"Parts": parts},
                IfNoneMatch="*",
            )
        except BaseException:
            with contextlib.suppress(NotFound, OSError):
                ask("abort_multipart_upload", name, UploadId=identity)
            raise


class BucketShelf:
    """The documents of the directory, named by their keys."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket

    def read(self, key: str) -> bytes | None:
        found = self._bucket.get(ENTRIES + key)
        return found[0] if found is not None and found[0] else None

    def change(self, key: str, edit: Edit) -> None:
        # An empty object is none: a name can't be removed only as long as nobody has changed it.
        self._bucket.change(ENTRIES + key, lambda data: edit(data or None))

    def __iter__(self) -> Iterator[str]:
        return (key for key, size, _ in self._bucket.list(ENTRIES) if size)


class BucketLedger:
    """One JSON object in the bucket; read again when it is a second old."""

    def __init__(self, bucket: Bucket, name: str) -> None:
        self._bucket = bucket
        self._name = LEDGERS + name
        self._lock = threading.Lock()
        self._looked = 0.0
        self._data: bytes | None = None
        self._content: LedgerContent = {}

    def read(self) -> LedgerContent:
        if time.monotonic() - self._looked < FRESH_SECONDS:
            return self._content
        with self._lock:
            if time.monotonic() - self._looked >= FRESH_SECONDS:
                self._load()
        return self._content

    def change(self, edit: Callable[[LedgerContent], None]) -> None:
        def rewrite(data: bytes | None) -> bytes:
            content = read_content(data or b"{}", self._name)
            edit(content)
            return json.dumps(content, indent=1).encode()

        self._bucket.change(self._name, rewrite)
        with self._lock:
            self._load()

    def _load(self) -> None:
        began = time.monotonic()
        found = self._bucket.get(self._name)
        data = found[0] if found is not None else b"{}"
        if data != self._data:
            self._content = read_content(data, self._name)
            self._data = data
        self._looked = began
