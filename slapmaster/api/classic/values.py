"""Marshalled fields as the domain wants them: text to text."""

from collections.abc import Mapping
from functools import lru_cache

from slapcore.errors import ProtocolError
from slapcore.protocol import marshal
from slapmaster.api.texts import texts_of

#: Up to this many characters a value is read once, however often it is sent: most requests say
#: what was said before.
REMEMBERED = 4096


def decode(text: str) -> marshal.Value:
    """Read a marshalled value, which must not be changed: others may have got the same."""
    return _decode_short(text) if len(text) <= REMEMBERED else marshal.decode(text)


@lru_cache(maxsize=1024)
def _decode_short(text: str) -> marshal.Value:
    return marshal.decode(text)


def is_said(text: str) -> bool:
    """Tell whether a field holds anything: legacy clients post nothing as ``None``."""
    return text not in ("", "None")


def read_mapping(fields: Mapping[str, str], name: str) -> dict[str, str]:
    """Read a marshalled dictionary; values become text."""
    if name not in fields:
        return {}
    value = decode(fields[name])
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ProtocolError(f"field {name!r} holds no dictionary")
    return texts_of(value, name)


def read_flag(fields: Mapping[str, str], name: str) -> bool:
    """Read a marshalled truth; nothing said means false."""
    if not fields.get(name):
        return False
    value = decode(fields[name])
    if value not in (None, True, False):
        raise ProtocolError(f"field {name!r} holds neither true nor false")
    return bool(value)
