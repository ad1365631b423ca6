"""Wait until what was asked for is as it was asked for, and say meanwhile how it goes."""

import sys
import time
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import contextmanager

import click
from rich.console import Console

from slapcore.errors import NotReady
from slapcore.errors import Unavailable
from slapcore.slap.as_person import AsPerson
from slapcore.slap.shown import Instance
from slapcore.states import InstanceState
from slapcore.terminal.shape import write

#: Seconds between two looks, at first and at last.
FIRST_PAUSE = 0.3
LAST_PAUSE = 3.0

Tell = Callable[[str], None]


def wait_until_settled(person: AsPerson, reference: str, seconds: float) -> Instance:
    """Wait until the node of an instance has said that it is as wanted, since it last changed.

    Raises ``NotReady`` when that takes longer.
    """
    deadline = time.monotonic() + seconds
    pause = FIRST_PAUSE
    with telling() as tell:
        while True:
            try:
                instance = person.see_instance(reference)
                if is_settled(person, instance):
                    return instance
                tell(f"{instance.title}: {describe(instance)}")
                doubt = describe(instance)
            except Unavailable as error:
                doubt = str(error)
                tell(doubt)
            if time.monotonic() + pause > deadline:
                raise NotReady(f"not ready after {seconds:g} seconds: {doubt}")
            time.sleep(pause)
            pause = min(pause * 1.5, LAST_PAUSE)


def is_settled(person: AsPerson, instance: Instance) -> bool:
    """Tell whether the last word of its node is of how the instance is wanted now."""
    if not instance.is_settled:
        return False
    if instance.shared or instance.state is InstanceState.DESTROYED:
        return True
    return person.see_member(instance.reference).reported >= instance.timestamp // 1_000_000


def describe(instance: Instance) -> str:
    place = f"on {instance.node}" if instance.is_placed else "without a place"
    return f"{place}, {instance.status}"


@contextmanager
def telling() -> Iterator[Tell]:
    """Give what shows a line: over the last one on a terminal, below it elsewhere, once each."""
    console = Console(stderr=True)
    if sys.stderr.isatty():
        with console.status("waiting") as status:
            yield lambda line: status.update(write(line))
        return
    told: list[str] = []

    def tell(line: str) -> None:
        if told[-1:] != [line]:
            told.append(line)
            click.echo(write(line), err=True)

    yield tell
