"""Plain executables in ``etc/promise``, as promises: kept while they end with 0.

What they print is the message; of much, the end is kept.  They are looked at for anomalies, too,
but never bang.
"""

import os
import subprocess

from slapcore.promise.promise import Promise
from slapcore.promise.result import MAX_MESSAGE
from slapcore.promise.result import Result

#: Bytes kept while the output is read.
_KEPT = 4 * MAX_MESSAGE


class ExecutablePromise(Promise):
    """An executable that ends with 0 while all is well."""

    bangs = False

    def sense(self) -> None:
        # The file is the partition's own, and so is the user that runs it.
        with subprocess.Popen(
            [str(self.setting.path)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=self.setting.partition,
        ) as process:
            said = self._read_end(process)
        message = said or f"ended with {process.returncode}"
        if process.returncode:
            self.log.error("%s", message)
        else:
            self.log.info("%s", message)

    def _read_end(self, process: subprocess.Popen[bytes]) -> str:
        assert process.stdout is not None
        kept = b""
        while chunk := os.read(process.stdout.fileno(), 2**16):
            kept = (kept + chunk)[-_KEPT:]
        return kept.decode("utf-8", "replace").strip()[-MAX_MESSAGE:]

    def anomaly(self) -> Result:
        return self.judge_test(looks=3, failures=3)
