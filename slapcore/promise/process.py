"""One promise in a process of its own, with a time limit and an end to what it may say.

The parent reads the result from one pipe and whatever is printed from another; of both it keeps
a bounded part.  At the time limit the process and all of its group are told to end, then killed.
"""

import json
import logging
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from slapcore.errors import InvalidValue
from slapcore.promise.look import Found
from slapcore.promise.look import Look
from slapcore.promise.look import look_at
from slapcore.promise.privilege import close_others
from slapcore.promise.privilege import end_with
from slapcore.promise.privilege import kill
from slapcore.promise.privilege import limit_promise
from slapcore.promise.result import KINDS

log = logging.getLogger(__name__)

#: Bytes of a result, and of what is printed; more is not believed, or not kept.
MAX_RESULT = 2**16
KEPT_OUTPUT = 2000
CHUNK = 2**16
#: Seconds between being told to end and being killed.
GRACE = 1.0


class Run:
    """A look at a promise in a process of its own, as seen from its parent."""

    def __init__(self, look: Look, python: str | None, timeout: float) -> None:
        self.look = look
        self.begun = time.monotonic()
        self.timeout = timeout
        self.timed_out = False
        self._limit = self.begun + timeout
        self._said = b""
        self._result = b""
        self._outputs: dict[int, Callable[[bytes], None]] = {}
        self._start(python)

    def _start(self, python: str | None) -> None:
        result_read, result_write = os.pipe()
        output_read, output_write = os.pipe()
        keeper = os.getpid()
        self.pid = os.fork()
        if not self.pid:
            try:
                _prepare(keeper, output_write)
                _run(self.look, result_write, python)
            except BaseException:
                traceback.print_exc()
                raise
            finally:
                os._exit(1)
        os.close(result_write)
        os.close(output_write)
        self.pidfd = os.pidfd_open(self.pid)
        self._outputs = {result_read: self._add_result, output_read: self._add_output}
        for number in self._outputs:
            os.set_blocking(number, False)

    def _add_result(self, chunk: bytes) -> None:
        if len(self._result) <= MAX_RESULT:
            self._result += chunk

    def _add_output(self, chunk: bytes) -> None:
        self._said = (self._said + chunk)[-KEPT_OUTPUT:]

    @property
    def readable(self) -> list[int]:
        """Give the file numbers that something may come from: both pipes, and the end itself."""
        return [*self._outputs, self.pidfd]

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.begun

    @property
    def deadline(self) -> float:
        return self._limit

    def pump(self, number: int) -> None:
        """Take what has come from one of the pipes."""
        take = self._outputs.get(number)
        if take is None:
            return
        try:
            chunk = os.read(number, CHUNK)
        except BlockingIOError:
            return
        if chunk:
            take(chunk)
        else:
            del self._outputs[number]
            os.close(number)

    def press(self) -> None:
        """Tell the process to end once its time is over, and kill it a little later."""
        if time.monotonic() < self._limit:
            return
        kill(self.pid, signal.SIGKILL if self.timed_out else signal.SIGTERM)
        self.timed_out = True
        self._limit = time.monotonic() + GRACE

    def end(self) -> Found | str:
        """Take the end of the process and of its group: what it found, or how it broke off."""
        kill(self.pid)
        status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        for number in list(self._outputs):
            self.pump(number)
        for number in [*self._outputs, self.pidfd]:
            os.close(number)
        self._outputs = {}
        if self.timed_out:
            return f"Error: Promise timed out after {self.timeout:g} seconds"
        try:
            return _decode_found(self._result)
        except InvalidValue:
            return _tell_end(status, self._said)


def _tell_end(status: int, said: bytes) -> str:
    how = f"ended with {status}" if status >= 0 else f"ended by signal {-status}"
    text = said.decode("utf-8", "replace").strip()
    told = f", having printed: {text}" if text else ""
    return f"Error: the promise has {how} and gave no result{told}"


def _decode_found(content: bytes) -> Found:
    """Read the result, which the partition's own code may have written as it likes."""
    try:
        found = Found(**json.loads(content))
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidValue(f"no result: {error}") from error
    expected = (str, bool, str, bool, bool, float, bool, bool)
    given = found.write().values()
    wrong = any(type(value) is not kind for value, kind in zip(given, expected, strict=True))
    if wrong or found.kind not in KINDS or not found.periodicity > 0:
        raise InvalidValue("no result: its parts are of other types")
    return found


def _prepare(keeper: int, output: int) -> None:
    """Make the process one that can be killed with all of its group, and that says little."""
    os.setsid()
    end_with(keeper)
    for number in signal.Signals:
        if number not in (signal.SIGKILL, signal.SIGSTOP):
            signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    limit_promise()


def _run(look: Look, result: int, python: str | None) -> None:
    """Look, here or in another interpreter, and write the result."""
    close_others(result)
    os.chdir(look.partition)
    if python is None:
        answer(look, result)
        return
    reading, writing = os.pipe()
    os.write(writing, json.dumps(look.write()).encode())
    os.close(writing)
    os.dup2(reading, 0)
    os.set_inheritable(result, True)
    program = str(Path(__file__).with_name("__main__.py"))
    os.execv(python, [python, "-I", program, "look", str(result)])


def answer(look: Look, result: int) -> None:
    """Look, write what is found to the file number ``result``, and end this process."""
    found = look_at(look)
    content = json.dumps(found.write()).encode()
    sys.stdout.flush()
    os.write(result, content)
    os._exit(0)
