"""The state of a partition's promises as RSS, for whatever reads feeds.

An item's guid changes when the state does, so that a reader shows each change once.
"""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC
from datetime import datetime
from email.utils import format_datetime
from xml.sax.saxutils import escape
from xml.sax.saxutils import quoteattr

from slapcore.promise.result import DATE_FORMAT
from slapcore.promise.result import Status

#: what XML can't hold, even escaped
_FORBIDDEN = {code: None for code in range(32) if chr(code) not in "\t\n\r"} | {
    0xFFFE: None,
    0xFFFF: None,
    **{code: None for code in range(0xD800, 0xE000)},
}


@dataclass(frozen=True)
class Item:
    """The last result of a promise, and since when it is in that state."""

    status: Status
    state: str
    since: str


def write_feed(instance: str, tree: str, items: Sequence[Item]) -> str:
    """Give the feed of ``instance``, which belongs to the ``tree``."""
    parts = [
        '<?xml version="1.0" encoding="utf-8"?>\n<rss version="2.0"><channel>',
        _element("title", instance),
        _element("link", ""),
        _element("description", tree),
        _element("lastBuildDate", format_datetime(datetime.now(UTC))),
        *(_write_item(instance, tree, item) for item in items),
        "</channel></rss>\n",
    ]
    return "\n".join(parts)


def _write_item(instance: str, tree: str, item: Item) -> str:
    status = item.status
    source = quoteattr("")
    parts = [
        "<item>",
        _element("title", f"[{item.state}] {status.title}"),
        _element("description", status.result.message),
        _element("category", item.state),
        f'<guid isPermaLink="false">{_write_guid(instance, tree, item)}</guid>',
        _element("pubDate", format_datetime(_read_date(item))),
        f"<source url={source}>{_clean(status.title)}</source>",
        "</item>",
    ]
    return "\n".join(parts)


def _write_guid(instance: str, tree: str, item: Item) -> str:
    message = item.status.result.message.encode("utf-8", "replace")
    digest = hashlib.md5(message, usedforsecurity=False).hexdigest()
    text = f"{tree}, {instance}, {item.status.title}, {digest}, {item.since}"
    return base64.b64encode(text.encode("utf-8", "replace")).decode()


def _read_date(item: Item) -> datetime:
    try:
        return datetime.strptime(item.since, DATE_FORMAT).replace(tzinfo=UTC)
    except ValueError:
        return item.status.result.date.replace(tzinfo=UTC)


def _element(name: str, text: str) -> str:
    return f"<{name}>{_clean(text)}</{name}>"


def _clean(text: str) -> str:
    return escape(text.translate(_FORBIDDEN))
