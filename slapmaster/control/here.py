"""Asking a master that does not run: its database is opened for one operation."""

from collections.abc import Iterator
from typing import Any

from slapmaster.control.operation import Asked
from slapmaster.control.operation import Line
from slapmaster.control.operation import own_name
from slapmaster.control.operation import run
from slapmaster.control.table import OPERATIONS
from slapmaster.control.table import TIMELESS
from slapmaster.master import opened_master
from slapmaster.master import refuse_old
from slapmaster.settings import Settings


def ask(settings: Settings, name: str, arguments: dict[str, Any]) -> Iterator[Line]:
    """Open the master, run an operation and give the lines it says.

    Raises ``InUse``, before anything was done, when another process has it open.
    """
    with opened_master(settings, patience=0, block=1) as master:
        if name not in TIMELESS:
            refuse_old(master)
        yield from run(OPERATIONS, master, Asked(name=name, arguments=arguments, by=own_name()))
