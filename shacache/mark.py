"""What an operator has said of contents, keys and URLs: never to be shown, or never to go."""

import re
import time
from collections.abc import Callable
from collections.abc import Collection
from collections.abc import Mapping

from shacache.directory import Record
from shacache.ledger import Content
from shacache.ledger import Ledger
from slapcore.errors import InvalidValue
from slapcore.errors import NotFound
from slapcore.protocol.shadir import SHA512

#: members of metadata that say where something is from
URLS = ("software_url", "url")


class Blacklist:
    """What is refused and no longer shown: ``sha512:…``, ``url:`` beginnings, ``signer:…``."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def listed(self) -> Mapping[str, str]:
        """What is listed, and why."""
        return self._ledger.read()

    def add(self, word: str, why: str) -> None:
        kind, _, value = word.partition(":")
        good = value and kind in ("sha512", "url", "signer")
        if not good or (kind == "sha512" and not SHA512.fullmatch(value)):
            raise InvalidValue("sha512:SUM, url:BEGINNING or signer:NAME is wanted")
        self._ledger.change(lambda content: content.update({word: why}))

    def remove(self, word: str) -> None:
        self._ledger.change(_remover(word))

    def why_not(self, sha512: str) -> str | None:
        """Why a content is refused; ``None`` when it isn't."""
        return self._ledger.read().get(f"sha512:{sha512}")

    def covers(self, record: Record) -> bool:
        """Tell whether an entry is refused."""
        listed = self._ledger.read()
        if not listed:
            return False
        if f"sha512:{record.sha512}" in listed or f"signer:{record.signer}" in listed:
            return True
        beginnings = tuple(word[4:] for word in listed if word.startswith("url:"))
        metadata = record.metadata
        return any(str(metadata.get(name, "")).startswith(beginnings) for name in URLS)


class Pins:
    """What stays, however long nobody asks for it: keys, or contents by their sha512."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def listed(self) -> Mapping[str, float]:
        """What is pinned, and since when, in seconds since 1970."""
        return self._ledger.read()

    def add(self, *words: str) -> None:
        now = time.time()
        for word in words:
            if not re.fullmatch(r"[\x21-\x7e]{1,255}", word):
                raise InvalidValue("a key or a sha512 is wanted")
        self._ledger.change(lambda content: content.update({word: now for word in words}))

    def replace(self, words: Collection[str]) -> bool:
        """Pin just these; tell whether that changed anything."""
        if self._ledger.read().keys() == set(words):
            return False
        now = time.time()

        def edit(content: Content) -> None:
            stay = {word: content.get(word, now) for word in words}
            content.clear()
            content.update(stay)

        self._ledger.change(edit)
        return True

    def remove(self, word: str) -> None:
        self._ledger.change(_remover(word))


def _remover(word: str) -> Callable[[Content], None]:
    def edit(content: Content) -> None:
        if content.pop(word, None) is None:
            raise NotFound(f"{word} is not listed")

    return edit
