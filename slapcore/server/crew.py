"""The threads that take events: as many of them as are needed, and no more.

One thread runs Python at a time, so several that wait for the same events only hand the
interpreter to and fro: one alone answers half as many requests again.  It goes on alone as
long as it comes back for the next event soon; when it does not, because an answer takes long
or waits for the disk, the overseer sends the next thread to wait for events beside it.
"""

import threading
import time
from collections.abc import Callable
from collections.abc import Iterable
from itertools import count

#: So long may events wait for the threads at work before another thread helps them.
PATIENCE_SECONDS = 0.002
#: A thread that helped goes when help was not needed for so long.
HELP_SECONDS = 0.5
#: The overseer looks so often in vain before it sleeps until the next event.
LOOKS_IN_VAIN = 50


class Crew:
    """``size`` threads that ``wait`` for events and ``handle`` each.

    ``wait`` gives the next events.  To end a crew, have it return in every thread after
    :meth:`dismiss`.
    """

    def __init__(
        self, size: int, wait: Callable[[], Iterable[int]], handle: Callable[[int], None]
    ) -> None:
        self._wait = wait
        self._handle = handle
        self._size = size
        self._dismissed = False
        #: the threads that wait for events at this moment, and those that wait for a call
        self._waiting: set[int] = set()
        self._resting: set[int] = set()
        self._numbers = count(1)
        #: which event was taken last
        self._latest = 0
        self._stirred = threading.Event()
        self._call = threading.Semaphore(1)
        self._short_since = 0.0
        self._threads = [
            threading.Thread(target=self._work, name=f"worker-{number}", daemon=True)
            for number in range(size)
        ]
        self._threads.append(threading.Thread(target=self._oversee, name="overseer", daemon=True))

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def dismiss(self) -> None:
        """Have every thread end once it has handled what it has in hand."""
        self._dismissed = True
        self._stirred.set()
        self._call.release(self._size)

    def join(self, seconds: float) -> bool:
        """Wait for the end of all threads; tell whether they have ended."""
        end = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def _work(self) -> None:
        me = threading.get_ident()
        self._rest(me)
        while not self._dismissed:
            if self._waiting and time.monotonic() - self._short_since > HELP_SECONDS:
                self._rest(me)
                continue
            self._waiting.add(me)
            try:
                events = self._wait()
            finally:
                self._waiting.discard(me)
            self._latest = next(self._numbers)
            if not self._stirred.is_set():
                self._stirred.set()
            for event in events:
                self._handle(event)

    def _rest(self, me: int) -> None:
        self._resting.add(me)
        self._call.acquire()
        self._resting.discard(me)

    def _oversee(self) -> None:
        """Call another thread whenever nobody has waited for events for a while."""
        seen, in_vain = 0, 0
        while not self._dismissed:
            self._stirred.wait()
            time.sleep(PATIENCE_SECONDS)
            if self._latest != seen:
                seen, in_vain = self._latest, 0
            elif not self._waiting:
                self._short_since = time.monotonic()
                if self._resting:
                    self._call.release()
            else:
                in_vain += 1
                if in_vain > LOOKS_IN_VAIN:
                    self._nap()

    def _nap(self) -> None:
        """Sleep until the next event; one that comes at this very moment is seen, too."""
        self._stirred.clear()
        if not self._waiting or self._dismissed:
            self._stirred.set()
