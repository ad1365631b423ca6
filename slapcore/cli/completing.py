"""What a shell is told of the things at the master, while a word is typed.

A shell must not wait, and has no place for errors: where the master does not answer at once, there
is nothing to complete.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import click
from click.shell_completion import CompletionItem

from slapcore.cli.door import Door
from slapcore.errors import SlapError
from slapcore.slap.as_person import AsPerson
from slapcore.slap.master import Master

#: Seconds that completing a word may take.
PATIENCE = 2.0

Completed = list[CompletionItem]


def complete_service(
    context: click.Context, parameter: click.Parameter, begun: str
) -> Completed:
    return complete(context, begun, lambda person: {
        service.title: service.release_url for service in person.list_services()
    })  # fmt: skip


def complete_node(context: click.Context, parameter: click.Parameter, begun: str) -> Completed:
    return complete(
        context, begun, lambda person: {node.reference: node.title for node in person.list_nodes()}
    )


def complete(
    context: click.Context, begun: str, find: Callable[[AsPerson], dict[str, str]]
) -> Completed:
    """Give the names that begin so, each with what helps to choose."""
    try:
        door = find_door(context)
        with Master(replace(door.contexts.target(door.known), patience=PATIENCE)) as master:
            found = find(master.as_person())
    except (SlapError, OSError):
        return []
    return [CompletionItem(name, help=help_) for name, help_ in found.items()
            if name.startswith(begun)]  # fmt: skip


def find_door(context: click.Context) -> Door:
    """Make the door that the words before this one speak of: no command has run yet."""
    said = context.find_root().params
    home, name = said.get("home"), said.get("context")
    return Door(Path(home) if home is not None else None, name)
