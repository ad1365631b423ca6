"""Parameters as the domain keeps them: text to text, whatever they were on the wire."""

import json
from collections.abc import Mapping

from slapcore.errors import ProtocolError
from slapcore.protocol import marshal


def texts_of(parameters: Mapping[object, object], field: str) -> dict[str, str]:
    """Turn each value into the text that is kept of it; raises ``ProtocolError``."""
    return {read_key(key, field): as_text(value, field) for key, value in parameters.items()}


def read_key(key: object, field: str) -> str:
    if not isinstance(key, str):
        raise ProtocolError(f"field {field!r} has a key that is no text: {str(key)[:80]}")
    return key


def as_text(value: object, field: str) -> str:
    """Turn a value into the text that is kept: what holds others becomes JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict | list | tuple):
        try:
            return json.dumps(value)
        except (TypeError, ValueError) as error:
            raise ProtocolError(f"field {field!r} holds what can't be kept: {error}") from error
    if isinstance(value, marshal.Document):
        raise ProtocolError(f"field {field!r} holds an object")
    return str(value)
