"""What nodes say of what they run: access messages, and the status document made of them.

- The first word of a message is its kind: ``#access``, ``#building`` or ``#error``.
- Messages carry words of nodes, which may hold anything: what XML can't carry is replaced, and
  what is too long is cut, so a message can always be sent on.
- Times without data are counted in true minutes: 5 means five and 15 means fifteen.
"""

from dataclasses import dataclass
from datetime import UTC
from datetime import datetime
from datetime import timedelta
from email.utils import format_datetime

from slapcore.protocol.xml import ILLEGAL_CHARACTER

#: What is kept of the log of an instance; the end says what went wrong.
ERROR_LENGTH = 80
#: What a promise may say when it bangs.
BANG_LENGTH = 5000

SHORT_SILENCE = timedelta(minutes=5)
LONG_SILENCE = timedelta(minutes=15)


@dataclass(frozen=True)
class AccessMessage:
    """One line of status."""

    text: str

    @property
    def kind(self) -> str:
        """The word that says how it is; the time ``since`` is kept while it stays the same."""
        return self.text.split(" ", 1)[0]

    @property
    def is_error(self) -> bool:
        """Tell whether somebody has to look."""
        return self.kind == "#error"


def node_contacted(reference: str) -> AccessMessage:
    return AccessMessage(f"#access {reference}")


def instance_started() -> AccessMessage:
    return AccessMessage("#access Instance correctly started")


def instance_stopped() -> AccessMessage:
    return AccessMessage("#access Instance correctly stopped")


def instance_destroyed() -> AccessMessage:
    return AccessMessage("#access Instance correctly destroyed")


def instance_failed(log: str) -> AccessMessage:
    """Keep the end of ``log``; the spelling of what comes before is the protocol's."""
    return AccessMessage(f"#error while instanciating: {_clean(log)[-ERROR_LENGTH:]}")


def instance_banged(message: str) -> AccessMessage:
    return AccessMessage(f"#error bang called: {_clean(message)[:BANG_LENGTH]}")


def node_banged(message: str) -> AccessMessage:
    return AccessMessage(f"#error bang: {_clean(message)[:BANG_LENGTH]}")


def release_building(url: str) -> AccessMessage:
    return AccessMessage(f"#building software release {url}")


def release_available(url: str) -> AccessMessage:
    return AccessMessage(f"#access software release {url} available")


def release_failed(url: str) -> AccessMessage:
    return AccessMessage(f"#error while installing {url}")


def no_data(reference: str = "") -> AccessMessage:
    """Say that nobody has reported yet."""
    return AccessMessage(f"#error no data found for {reference}" if reference else NO_DATA)


NO_DATA = "#error no data found"


@dataclass(frozen=True, kw_only=True)
class Status:
    """A message, who said it of what, and when."""

    user: str
    created_at: datetime
    text: str
    #: Since when the messages are of this kind.
    since: datetime
    #: Started, stopped or whatever the thing was last said to be; may be empty.
    state: str
    reference: str
    portal_type: str


def status_document(status: Status, now: datetime) -> dict[str, str | int]:
    """Write ``status`` for a peer who reads it at ``now``; all times have a zone."""
    silence = now - status.created_at
    return {
        **_write_status(status),
        "no_data_since_15_minutes": int(silence >= LONG_SILENCE),
        "no_data_since_5_minutes": int(silence >= SHORT_SILENCE),
    }


def no_data_document(reference: str, portal_type: str, now: datetime) -> dict[str, str | int]:
    """Write what a peer gets to read of a thing that nobody has reported on."""
    status = Status(
        user="SlapOS Master",
        created_at=now,
        text=no_data(reference).text,
        since=now,
        state="",
        reference=reference,
        portal_type=portal_type,
    )
    flags = {"no_data": 1, "no_data_since_15_minutes": 1, "no_data_since_5_minutes": 1}
    return {**_write_status(status), **flags}


def _write_status(status: Status) -> dict[str, str | int]:
    return {
        "created_at": format_http_date(status.created_at),
        "portal_type": status.portal_type,
        "reference": status.reference,
        "since": format_http_date(status.since),
        "state": status.state,
        "text": status.text,
        "user": status.user,
    }


def format_http_date(moment: datetime) -> str:
    """Write ``moment`` as RFC 1123 wants it, in GMT."""
    return format_datetime(moment.astimezone(UTC), usegmt=True)


def _clean(text: str) -> str:
    return ILLEGAL_CHARACTER.sub("\N{REPLACEMENT CHARACTER}", text)
