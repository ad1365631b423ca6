"""Signals kept for one loop of a program, and given back when it ends."""

import logging
import signal
from collections.abc import Collection
from collections.abc import Iterator
from contextlib import contextmanager

log = logging.getLogger(__name__)


@contextmanager
def kept_signals(signals: Collection[signal.Signals]) -> Iterator[None]:
    """Keep ``signals`` from this thread and those it starts; ``sigtimedwait`` takes them.

    What comes while it ends has had its effect; afterwards all is as it was before.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    try:
        yield
    finally:
        while signal.sigtimedwait(signals, 0) is not None:
            log.info("told again to end")
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
