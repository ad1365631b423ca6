"""Signals are kept for the loop of a program, and given back."""

import signal

from slapcore.server.signals import kept_signals


def test_signals_wait_for_the_loop_and_what_comes_late_is_taken() -> None:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    with kept_signals((signal.SIGTERM,)):
        signal.raise_signal(signal.SIGTERM)
        found = signal.sigtimedwait((signal.SIGTERM,), 5)
        assert found is not None and found.si_signo == signal.SIGTERM
        signal.raise_signal(signal.SIGTERM)
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == before
    assert signal.SIGTERM not in signal.sigpending()
