"""Promise type: there is room on the disk."""

import os

from slapcore.promise.typed import TypedPromise

MEGABYTE = 2**20


class DiskPromise(TypedPromise):
    """There is room on the disk."""

    takes = {
        "path": "where; the partition's own directory if not given",
        "percent": "how much has to be free, of the room and of the files (5)",
        "megabytes": "how much has to be free (0)",
    }

    def sense(self) -> None:
        path = self.option("path", str(self.setting.partition))
        known = os.statvfs(path)
        free = known.f_bavail * known.f_frsize / MEGABYTE
        percent = _percent(known.f_bavail, known.f_blocks)
        files = _percent(known.f_favail, known.f_files)
        wanted = self.number("percent", 5)
        if percent < wanted or free < self.number("megabytes", 0):
            self.log.error("only %.0f MB (%.1f %%) are free at %s", free, percent, path)
        elif files < wanted:
            self.log.error("only %.1f %% of the files are free at %s", files, path)
        else:
            self.log.info("%.0f MB (%.1f %%) are free at %s", free, percent, path)


def _percent(free: int, all_of: int) -> float:
    """Give the share that is free; a file system that doesn't count has room."""
    return 100 * free / all_of if all_of else 100.0
