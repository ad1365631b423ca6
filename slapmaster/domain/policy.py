"""Allocation policies: plugins that choose among places, each within bounds.

A policy sees values, never stored objects, and runs in a thread of its own: one that raises, or
takes too long, fails the request that wanted it and holds nobody else up.  After it took too
long once, it is not asked again for a while.
"""

import ctypes
import logging
import threading
import time
from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from queue import Empty
from queue import SimpleQueue

import pluggy

from slapcore.errors import InvalidValue
from slapcore.errors import PolicyFailed
from slapmaster.domain.values import nearest

log = logging.getLogger(__name__)

#: What chooses where nobody has said which policy shall.
DEFAULT = "spread"
#: How long a policy may take for one choice, and how long it rests after it took longer; seconds.
LIMIT = 0.5
REST = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What wants a place, as a policy sees it."""

    reference: str
    title: str
    release_url: str
    software_type: str
    parameters: Mapping[str, str]
    demands: Mapping[str, str]
    tree: str
    owner: str
    project: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A place that can be chosen: a free partition of a node.

    ``free`` counts the free partitions of the node; ``capacity`` is 0 where nothing but they
    limits it.  ``near`` says whether the requester lives there (2), or the root of the tree (1).
    """

    node: str
    node_title: str
    partition: str
    capabilities: tuple[str, ...]
    network: str
    categories: Mapping[str, str]
    free: int
    load: int
    capacity: int
    near: int


#: a policy's implementation of the hook, bound to what it is asked
Question = Callable[[], object]
Answer = tuple[object, BaseException | None]


def known_policies(hook: pluggy.HookRelay) -> list[str]:
    """Give the names of the policies that are installed."""
    return sorted(one.plugin_name for one in hook.slapmaster_choose_place.get_hookimpls())


def find_policy(hook: pluggy.HookRelay, name: str) -> "pluggy.HookImpl":
    """Give the policy called ``name``; raises ``InvalidValue``."""
    for implementation in hook.slapmaster_choose_place.get_hookimpls():
        if implementation.plugin_name == name:
            return implementation
    known = known_policies(hook)
    hint = nearest(name, known) or f"; installed are {', '.join(known)}"
    raise InvalidValue(f"nothing is known of the policy {name[:80]!r}{hint}")


def is_installed(hook: pluggy.HookRelay, name: str) -> bool:
    return name in known_policies(hook)


def choose(
    hook: pluggy.HookRelay, name: str, wish: Wish, candidates: Sequence[Candidate]
) -> Candidate:
    """Have the policy called ``name`` choose; the first candidate is taken if it does not care.

    Raises ``PolicyFailed`` when it does not choose one of them, or not in time.
    """
    policy = find_policy(hook, name)
    told = {"wish": wish, "candidates": candidates}
    arguments = {argument: told[argument] for argument in policy.argnames}
    chosen = BENCH.ask(name, lambda: policy.function(**arguments))
    if chosen is None:
        return candidates[0]
    for candidate in candidates:
        if candidate is chosen:
            return candidate
    raise PolicyFailed(f"the allocation policy {name!r} chose what was not offered to it")


class Overdue(SystemExit):
    """Raised in a thread whose policy takes too long, to end it without a word."""


class Worker:
    """A thread that asks policies, one after the other."""

    def __init__(self) -> None:
        self._questions: SimpleQueue[Question | None] = SimpleQueue()
        self._answers: SimpleQueue[Answer] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="allocation policy", daemon=True)
        self._thread.start()

    def ask(self, question: Question, limit: float) -> Answer:
        """Give what the policy answers; raises ``Empty`` when it takes too long."""
        self._questions.put(question)
        return self._answers.get(timeout=limit)

    def end(self) -> None:
        """Have the thread end: now if its policy computes, else when it comes back."""
        self._questions.put(None)
        if self._thread.ident is not None:
            ctypes.pythonapi.PyThreadState_SetAsyncExc(
                ctypes.c_ulong(self._thread.ident), ctypes.py_object(Overdue)
            )

    def _run(self) -> None:
        while (question := self._questions.get()) is not None:
            try:
                answer: Answer = (question(), None)
            except Overdue:
                return
            except BaseException as error:  # noqa: BLE001
                answer = (None, error)
            self._answers.put(answer)


class Bench:
    """Where policies are asked: one at a time, each in time or not at all."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._worker: Worker | None = None
        self._resting: dict[str, float] = {}

    def ask(self, name: str, question: Question) -> object:
        """Give the answer to ``question``; raises ``PolicyFailed``."""
        with self._lock:
            rest = self._resting.get(name, 0.0) - time.monotonic()
            if rest > 0:
                raise PolicyFailed(
                    f"the allocation policy {name!r} took too long and rests for {rest:.0f} s more"
                )
            if self._worker is None:
                self._worker = Worker()
            try:
                answer, error = self._worker.ask(question, LIMIT)
            except Empty as late:
                self._worker.end()
                self._worker = None
                self._resting[name] = time.monotonic() + REST
                log.exception("the allocation policy %s took longer than %s s", name, LIMIT)
                raise PolicyFailed(
                    f"the allocation policy {name!r} took longer than {LIMIT} s"
                ) from late
        if error is not None:
            log.error("the allocation policy %s failed", name, exc_info=error)
            raise PolicyFailed(
                f"the allocation policy {name!r} failed: {type(error).__name__}: {error}"
            ) from error
        return answer


BENCH = Bench()
