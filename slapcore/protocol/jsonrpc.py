"""JSON-RPC: bodies, and what each method takes and gives.

- A body is one JSON object, in UTF-8, of bounded size and depth.  A key that is there twice, and a
  number that is none, are refused.
- Text that XML can't carry is refused as well: what is kept is told to nodes in XML too.
- What each method takes and gives is a JSON schema, in a file of its own.  They refer to one
  another by ``#/components/schemas/…``, as the parts of an OpenAPI document do.
"""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from slapcore.errors import ProtocolError
from slapcore.protocol.xml import refuse_illegal_character
from slapcore.protocol.xml import shorten

JSON = dict[str, Any]

MAX_BYTES = 8 << 20
MAX_DEPTH = 32

SCHEMAS = resources.files("slapcore.protocol") / "schemas"
DEFINITIONS = "definitions"


@dataclass(frozen=True)
class Command:
    """A method of JSON-RPC: what it is for, and the schemas of what it takes and gives."""

    name: str
    summary: str
    input: JSON
    output: JSON


@cache
def read_command(name: str) -> Command:
    document = _load(name)
    return Command(name, document["summary"], document["input"], document["output"])


@cache
def read_definitions() -> JSON:
    """Give the schemas that the others refer to, by name."""
    schemas: JSON = _load(DEFINITIONS)["components"]["schemas"]
    return schemas


def _load(name: str) -> JSON:
    document: JSON = json.loads((SCHEMAS / f"{name}.json").read_text(encoding="utf-8"))
    return document


def read_body(data: bytes) -> JSON:
    """Read the object in a request's body; raises ``ProtocolError`` and nothing else."""
    if len(data) > MAX_BYTES:
        raise ProtocolError(f"the JSON is longer than {MAX_BYTES} bytes")
    try:
        value = json.loads(
            data.decode(), object_pairs_hook=_read_object, parse_constant=_refuse_constant
        )
    except UnicodeDecodeError as error:
        raise ProtocolError("the JSON is not UTF-8") from error
    except ValueError as error:
        raise ProtocolError(f"the JSON is not well-formed: {shorten(str(error), 200)}") from error
    except RecursionError as error:
        raise ProtocolError(f"the JSON is more than {MAX_DEPTH} levels deep") from error
    if not isinstance(value, dict):
        raise ProtocolError(f"the JSON is a {type(value).__name__}, not an object")
    _check_parts(value)
    return value


def _read_object(pairs: list[tuple[str, object]]) -> JSON:
    found: JSON = {}
    for name, value in pairs:
        if name in found:
            raise ProtocolError(f"{shorten(name)!r} is there twice in one object")
        found[name] = value
    return found


def _refuse_constant(text: str) -> None:
    raise ProtocolError(f"{text} is no number")


def _check_parts(value: object) -> None:
    """Refuse what is nested too deep or can't be told to a node; goes level by level."""
    level = [value]
    for _ in range(MAX_DEPTH):
        for part in level:
            _check_part(part)
        level = [child for part in level for child in _children(part)]
        if not level:
            return
    raise ProtocolError(f"the JSON is more than {MAX_DEPTH} levels deep")


def _check_part(part: object) -> None:
    if isinstance(part, str):
        refuse_illegal_character(part)
    elif isinstance(part, float) and not math.isfinite(part):
        raise ProtocolError("a number is too large")


def _children(part: object) -> Iterator[object]:
    if isinstance(part, dict):
        yield from part
        yield from part.values()
    elif isinstance(part, list):
        yield from part
