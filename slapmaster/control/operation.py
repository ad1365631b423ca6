"""An operation of an operator: what it may do to the master, and how it is run.

An operation that reads or changes is a function of an act and of what it is told.  One that
works on the master as a whole is a generator: it yields how far it has come, and returns its
answer.  An answer can be written as JSON.
"""

import inspect
import os
import pwd
import socket
from collections.abc import Callable
from collections.abc import Generator
from collections.abc import Iterator
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from slapcore.errors import ProtocolError
from slapmaster.domain.act import Act
from slapmaster.domain.site import Site
from slapmaster.master import Master
from slapmaster.storage import now_in_microseconds
from slapmaster.storage import opened

#: A line of what an operation says: progress as it goes, at last its answer.
Line = dict[str, Any]
#: What an operation that takes its time yields: so much done of so much, and a word for it.
Progress = tuple[int, int, str]
Runner = Callable[[Master, "Asked"], Iterator[Line]]


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What is asked for, by whom."""

    name: str
    arguments: Mapping[str, Any]
    by: str


@dataclass(frozen=True)
class Operation:
    """One operation: ``run`` says all its lines, the last with the answer."""

    function: Callable[..., Any]
    run: Runner


def reads(function: Callable[..., Any]) -> Operation:
    """Make an operation that writes nothing of ``function(act, …)``."""

    def run(master: Master, asked: Asked) -> Iterator[Line]:
        with opened(master.parts.store.main) as connection:
            act = make_act(master, connection.root()["site"], asked)
            answer = function(act, **asked.arguments)
        yield {"answer": answer}

    return Operation(function, run)


def hears(function: Callable[..., Any]) -> Operation:
    """Make an operation that writes nothing of ``function(act, …, pulse)``."""

    def run(master: Master, asked: Asked) -> Iterator[Line]:
        pulse = master.parts.store.pulse
        with opened(master.parts.store.main) as connection:
            act = make_act(master, connection.root()["site"], asked)
            answer = function(act, **asked.arguments, pulse=pulse)
        yield {"answer": answer}

    return Operation(partial(function, pulse=None), run)


def changes(function: Callable[..., Any]) -> Operation:
    """Make an operation of ``function(act, …)`` that is one transaction."""

    def run(master: Master, asked: Asked) -> Iterator[Line]:
        def act_on(act: Act) -> object:
            return function(act, **asked.arguments)

        yield {"answer": act_once(master, asked, act_on)}

    return Operation(function, run)


def works(function: Callable[..., Generator[Progress, None, Any]]) -> Operation:
    """Make an operation on the whole of ``function(master, …)``, a generator."""

    def run(master: Master, asked: Asked) -> Iterator[Line]:
        work = function(master, **asked.arguments)
        while True:
            try:
                done, total, what = next(work)
            except StopIteration as end:
                yield {"answer": end.value}
                return
            yield {"done": done, "total": total, "what": what}

    return Operation(function, run)


def run(operations: Mapping[str, Operation], master: Master, asked: Asked) -> Iterator[Line]:
    """Run what is asked for; raises ``ProtocolError`` when there is no such operation."""
    operation = operations.get(asked.name)
    if operation is None:
        raise ProtocolError(f"nothing is known of the operation {asked.name!r}")
    try:
        inspect.signature(operation.function).bind(None, **asked.arguments)
    except TypeError as error:
        raise ProtocolError(f"{asked.name}: {error}") from error
    return operation.run(master, asked)


def act_once(master: Master, asked: Asked, operation: Callable[[Act], object]) -> object:
    """Run ``operation`` in a transaction of its own, when no other thread changes the site."""
    store = master.parts.store
    with store.moments.act() as now:
        return store.change(lambda site: operation(make_act(master, site, asked, now)))


def make_act(master: Master, site: Site, asked: Asked, now: int | None = None) -> Act:
    parts = master.parts
    return Act(
        site=site,
        hook=parts.plugins.hook,
        by=asked.by,
        origin="control",
        now=now_in_microseconds() if now is None else now,
        next_number=parts.store.numbers.next,
        issuer=parts.issuer,
    )


def name_of_user(uid: int) -> str:
    """Name a user of this machine for the journal."""
    try:
        user = pwd.getpwuid(uid).pw_name
    except KeyError:
        user = f"uid-{uid}"
    return f"{user}@{socket.gethostname()}"


def own_name() -> str:
    return name_of_user(os.getuid())
