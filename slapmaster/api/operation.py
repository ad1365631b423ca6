"""What one face may tell others of its operations: names and fields, and no code.

Whoever offers the same operations in another form calls them by their paths.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from pyramid.config import Configurator
from pyramid.registry import Registry


@dataclass(frozen=True, kw_only=True)
class Operation:
    """An operation of classic SLAP.  ``marshalled`` are the fields that hold marshalled values."""

    name: str
    path: str
    method: str
    required: tuple[str, ...]
    optional: tuple[str, ...]
    marshalled: tuple[str, ...]


def add_operation(config: Configurator, operation: Operation) -> None:
    vars(config.registry).setdefault("operations", {})[operation.name] = operation


def operations_of(registry: Registry) -> Mapping[str, Operation]:
    """Give what was added, by name."""
    found: Mapping[str, Operation] = registry.operations
    return found
