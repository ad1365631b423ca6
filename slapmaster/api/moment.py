"""Moments in text, as programs say them."""

from datetime import UTC
from datetime import datetime

from slapcore.errors import InvalidValue


def read_moment(text: str) -> int:
    """Read a moment, or a date, in microseconds; without a zone it is UTC; nothing said is 0."""
    if not text:
        return 0
    try:
        moment = datetime.fromisoformat(text)
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return int(aware.timestamp() * 1_000_000)
    except (ValueError, OverflowError) as error:
        raise InvalidValue(
            f"{text[:80]!r} is no time like 2026-01-31T12:00Z, nor a date"
        ) from error
