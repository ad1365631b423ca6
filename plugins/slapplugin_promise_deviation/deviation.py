"""Promise type: a number is as it usually is.

There is no right value to test for: what was usual is learnt from the last looks, and a number far
off is an anomaly.  Nobody has to have thought of what may go wrong.
"""

import math
import shlex
import statistics
import subprocess
from pathlib import Path

from slapcore.errors import InvalidValue
from slapcore.promise.typed import TypedPromise


class DeviationPromise(TypedPromise):
    """A number is as it usually is."""

    tested = False

    takes = {
        "file": "a file that holds the number",
        "command": "a command that puts it out, instead of a file; no shell runs it",
        "tolerance": "how many standard deviations it may be off (4)",
        "margin": "by how much it may always be off (0)",
        "looks": "how many looks what is usual is learnt from (100)",
        "learning": "how many looks it takes before anything is unusual (10)",
        "timeout": "seconds that the command may take (15)",
    }

    def sense(self) -> None:
        number = self._measure()
        before = [float(each) for each in self.remember().get("numbers", [])]
        self.keep({"numbers": [*before, number][-int(self.number("looks", 100)) :]})
        if len(before) < max(1, self.number("learning", 10)):
            self.log.info("it is %g; what is usual is still learnt", number)
            return
        usual, spread = statistics.fmean(before), statistics.pstdev(before)
        allowed = max(self.number("tolerance", 4) * spread, self.number("margin", 0))
        off = abs(number - usual)
        say = self.log.error if off > allowed else self.log.info
        say("it is %g, usually %g, and may be off by %g", number, usual, allowed)

    def _measure(self) -> float:
        path, command = self.option("file", ""), self.option("command", "")
        if bool(path) == bool(command):
            raise InvalidValue("the number is in a file, or put out by a command")
        text = Path(path).read_text(encoding="utf-8") if path else self._run(command)
        number = float(text)
        if not math.isfinite(number):
            raise InvalidValue(f"{text.strip()} is no number to learn from")
        return number

    def _run(self, command: str) -> str:
        done = subprocess.run(
            shlex.split(command),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=self.number("timeout", 15),
            check=True,
        )
        return done.stdout
