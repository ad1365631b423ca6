"""As many threads wait for events as are needed."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from queue import Queue

import pytest

from slapcore.server import crew
from slapcore.server.crew import Crew

SIZE = 4
PATIENCE = 10.0
END = -1


class Work:
    """Events put by a test, and what became of them."""

    def __init__(self) -> None:
        self.events: Queue[int] = Queue()
        self.handled: Queue[tuple[int, str]] = Queue()
        self.gates: dict[int, threading.Event] = {}

    def wait(self) -> list[int]:
        return [self.events.get()]

    def handle(self, event: int) -> None:
        if event == END:
            return
        gate = self.gates.get(event)
        if gate is not None:
            assert gate.wait(PATIENCE)
        self.handled.put((event, threading.current_thread().name))

    def block(self, event: int) -> threading.Event:
        self.gates[event] = threading.Event()
        self.events.put(event)
        return self.gates[event]

    def outcome(self) -> tuple[int, str]:
        return self.handled.get(timeout=PATIENCE)

    def handlers_of(self, events: int) -> set[str]:
        """Have quick events handled one after the other; who handled them."""
        names = set()
        for event in range(events):
            self.events.put(event)
            names.add(self.outcome()[1])
        return names


@contextmanager
def at_work() -> Iterator[Work]:
    work = Work()
    threads = Crew(SIZE, work.wait, work.handle)
    threads.start()
    try:
        yield work
    finally:
        threads.dismiss()
        for gate in work.gates.values():
            gate.set()
        for _ in range(SIZE):
            work.events.put(END)
        assert threads.join(PATIENCE)


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a thread that is held up by this machine, and not by its work, not be helped."""
    monkeypatch.setattr(crew, "PATIENCE_SECONDS", 0.2)


class TestCrew:
    def test_what_is_quickly_done_is_done_by_one(self, patient: None) -> None:
        with at_work() as work:
            assert len(work.handlers_of(200)) == 1

    def test_an_event_does_not_wait_for_a_long_answer(self) -> None:
        with at_work() as work:
            gate = work.block(1000)
            work.events.put(1)
            assert work.outcome()[0] == 1
            gate.set()
            assert work.outcome()[0] == 1000

    def test_all_but_one_may_be_kept_busy(self) -> None:
        with at_work() as work:
            for event in range(1000, 1000 + SIZE - 1):
                work.block(event)
            work.events.put(1)
            assert work.outcome()[0] == 1

    def test_events_that_come_while_all_are_busy_wait(self) -> None:
        with at_work() as work:
            gates = [work.block(event) for event in range(1000, 1000 + SIZE)]
            work.events.put(1)
            time.sleep(20 * crew.PATIENCE_SECONDS)
            assert work.handled.empty()
            gates[0].set()
            assert {work.outcome()[0], work.outcome()[0]} == {1000, 1}

    def test_whoever_helped_goes_again(self, patient: None) -> None:
        with at_work() as work:
            gates = [work.block(event) for event in range(1000, 1000 + SIZE - 1)]
            work.events.put(1)
            assert work.outcome()[0] == 1
            for gate in gates:
                gate.set()
                work.outcome()
            time.sleep(crew.HELP_SECONDS)
            work.handlers_of(20)
            assert len(work.handlers_of(100)) == 1

    def test_after_a_rest_a_long_answer_still_keeps_nobody_waiting(self) -> None:
        with at_work() as work:
            work.handlers_of(1)
            time.sleep(3 * crew.LOOKS_IN_VAIN * crew.PATIENCE_SECONDS)
            work.block(1000)
            work.events.put(1)
            assert work.outcome()[0] == 1
