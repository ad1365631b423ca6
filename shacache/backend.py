"""Where a cache keeps what it has: on its own disk, or in a bucket that several servers share."""

import importlib
from collections.abc import Callable
from dataclasses import dataclass

from shacache.directory import Files
from shacache.directory import Shelf
from shacache.ledger import FileLedger
from shacache.ledger import Ledger
from shacache.settings import Settings
from shacache.store import Store
from slapcore.errors import ConfigurationError


@dataclass(frozen=True)
class Backend:
    """The contents, the documents of the directory, and the ledgers by their names."""

    store: Store
    shelf: Shelf
    ledger: Callable[[str], Ledger]


def open_backend(settings: Settings) -> Backend:
    folder = settings.directory
    if settings.s3_bucket:
        return _open_bucket(settings)
    return Backend(Store(folder), Files(folder / "entries"), lambda name: FileLedger(folder / name))


def _open_bucket(settings: Settings) -> Backend:
    if settings.accel_location:
        raise ConfigurationError("accel_location is for contents on a disk, not in a bucket")
    try:
        module = importlib.import_module("shacache.bucket")
    except ModuleNotFoundError as error:
        raise ConfigurationError(f"a bucket needs {error.name}: install slapmaster[s3]") from error
    bucket = module.Bucket.of(settings)
    store = module.BucketStore(settings.directory, bucket)
    return Backend(
        store, module.BucketShelf(bucket), lambda name: module.BucketLedger(bucket, name)
    )
