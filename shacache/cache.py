"""The cache as a whole: what it takes, and what of it a reader sees.

- An entry is taken when its content is here for good, its key agrees with its metadata, and a
  registered signer, or whoever the operator allows, has signed it.
- It is shown as long as its content is here, and neither its key is revoked nor anything
  about it blacklisted; so a content may go without a look at who names it.
- A stamp that is there has to be good, whoever has made the legacy signature.
"""

import logging
import time
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from shacache.backend import open_backend
from shacache.directory import FOREIGN
from shacache.directory import Directory
from shacache.directory import Record
from shacache.errors import Full
from shacache.errors import TooLarge
from shacache.mark import URLS
from shacache.mark import Blacklist
from shacache.mark import Pins
from shacache.settings import Settings
from shacache.signer import Signers
from shacache.statistic import Size
from shacache.statistic import Statistic
from shacache.store import Content
from shacache.store import Receipt
from shacache.upload import Account
from shacache.upload import Gate
from shacache.upload import Identifier
from shacache.upstream import Upstreams
from slapcore.cache.client import Client
from slapcore.cache.trust import CLOCKS_APART
from slapcore.errors import Conflict
from slapcore.errors import Forbidden
from slapcore.errors import NotFound
from slapcore.errors import ProtocolError
from slapcore.errors import SlapError
from slapcore.protocol import shadir
from slapcore.protocol.shadir import Entry
from slapcore.protocol.shadir import Metadata

log = logging.getLogger(__name__)

#: how the name of whoever puts begins when that is another cache
UPSTREAM = "upstream "


@dataclass(frozen=True)
class Reader:
    """What a reader says of itself; what it doesn't say is empty and filters nothing."""

    architecture: str = ""
    system: tuple[str, ...] = ()
    signers: tuple[str, ...] = ()

    def wants(self, record: Record) -> bool:
        if self.signers and record.signer not in self.signers:
            return False
        if not self.architecture and not self.system:
            return True
        machine = shadir.read_machine(record.metadata)
        if self.architecture and machine.architecture not in ("", self.architecture):
            return False
        return not machine.system or machine.system[: len(self.system)] == self.system


EVERYBODY = Reader()


@dataclass(frozen=True)
class Proof:
    """Who has signed an entry: names and ids of keys, and the time of the stamp or 0."""

    signer: str
    key_id: str = ""
    stamped: int = 0


class Cache:
    """A store, its directory, and the rules by which both are used."""

    def __init__(self, settings: Settings, identify: Identifier | None = None) -> None:
        backend = open_backend(settings)
        self.settings = settings
        self.store = backend.store
        self.directory = Directory(backend.shelf)
        self.signers = Signers(backend.ledger("signers.json"))
        self.blacklist = Blacklist(backend.ledger("blacklist.json"))
        self.pins = Pins(backend.ledger("pins.json"))
        #: what a master has nodes run, beside what people have pinned
        self.supplied = Pins(backend.ledger("supplied.json"))
        self.upstreams = Upstreams(settings.upstreams)
        self.statistic = Statistic()
        self.gate = Gate(
            backend.ledger("accounts.json"),
            settings.open_networks,
            public=settings.public,
            identify=identify,
        )

    def close(self) -> None:
        self.upstreams.close()
        self.store.close()

    def measure(self) -> Size:
        """Count what is kept."""
        sizes = [stored.size for stored in self.store.list()]
        self.statistic.size = Size(len(sizes), sum(sizes))
        return self.statistic.size

    def begin(self, environ: Mapping[str, Any], announced: int | None) -> Receipt:
        """Begin to receive a content from whoever asks, if it may put it."""
        account = self.gate.check_writer(environ, announced or 0)
        settings = self.settings
        limit = min(settings.max_content, account.max_size or settings.max_content)
        if announced is not None and announced > limit:
            raise TooLarge(f"at most {limit} bytes may be put here")
        if settings.cap and announced is not None and announced > settings.cap:
            raise Full(f"the whole cache keeps {settings.cap} bytes")
        receipt = self.store.receive(limit)
        receipt.account = account
        return receipt

    def keep(self, receipt: Receipt, wanted: str | None = None) -> str:
        """Keep what was received; give its sha512."""
        sha512 = self.store.keep(receipt, wanted, self._check_content)
        if isinstance(receipt.account, Account):
            self.gate.note(receipt.account, receipt.size)
            log.info("%s has put %s: %d bytes", receipt.account.name, sha512[:16], receipt.size)
        if receipt.is_new:
            self.statistic.grow(receipt.size)
        self.statistic.count("upload" if receipt.is_new else "duplicate")
        self.statistic.count("upload_bytes", receipt.size)
        return sha512

    def get(self, sha512: str) -> Content:
        """Open a content for a reader."""
        why = self.blacklist.why_not(sha512)
        if why is not None:
            raise NotFound(f"the content is blacklisted: {why}")
        if sha512 not in self.store and self.upstreams.has(sha512):
            self.upstreams.fetch(sha512, self._fetch)
        content = self.store.open(sha512)
        self.store.touch(sha512)
        return content

    def look_up(self, key: str, reader: Reader = EVERYBODY) -> Sequence[Entry]:
        """Find what a reader may see of a key: trusted signers first, then the newest."""
        shadir.check_key(key)
        found = self._find(key)
        if not found:
            self._ask_upstreams(key)
            found = self._find(key)
        wanted = [each for each in found if reader.wants(each)]
        for record in wanted:
            self.store.touch(record.sha512)
        self.statistic.count_lookup(shadir.kind_of(key), key, hit=bool(wanted))
        return [each.entry for each in wanted]

    def shows(self, record: Record) -> bool:
        """Tell whether readers see an entry now."""
        if record.is_trusted:
            allowed = self.signers.is_good(record.key_id)
        else:
            allowed = self.settings.foreign if record.signer else self.settings.unsigned
        if not allowed or self.blacklist.covers(record):
            return False
        return record.sha512 in self.store or self.upstreams.has(record.sha512)

    def put_entry(self, key: str, data: bytes, account: Account, address: str = "") -> bool:
        """Take an entry, durably; tell whether it was new."""
        shadir.check_key(key)
        if len(data) > self.settings.max_entry:
            raise TooLarge(f"an entry has at most {self.settings.max_entry} bytes")
        record = self._examine(key, shadir.read_entry(data), account, address)
        self.store.touch(record.sha512, 0.0)
        if record.sha512 not in self.store:
            raise Conflict("the content that the entry names is not here; put it first")
        return self._take(key, record)

    def _examine(self, key: str, entry: Entry, account: Account, address: str) -> Record:
        """Make a record of an entry that may be taken; refuse any other."""
        metadata = shadir.read_metadata(entry.text)
        shadir.check_binding(key, metadata)
        account.check_key(key, [str(metadata[name]) for name in URLS if name in metadata])
        proof = self._prove(key, entry, metadata)
        record = Record(
            text=entry.text,
            signature=entry.signature,
            sha512=metadata["sha512"],
            signer=proof.signer,
            key_id=proof.key_id,
            received=time.time_ns() // 1000,
            stamped=proof.stamped,
            uploader=account.name,
            address=address,
        )
        if self.blacklist.covers(record):
            raise Forbidden("what the entry names is blacklisted")
        return record

    def _find(self, key: str) -> list[Record]:
        return [each for each in self.directory.records(key) if self.shows(each)]

    def _ask_upstreams(self, key: str) -> None:
        """Take over what an upstream knows of a key, as far as it is as good as our own."""
        upstream, entries = self.upstreams.look_up(key)
        if upstream is None:
            return
        account = Account(name=f"{UPSTREAM}{upstream.entries}")
        # The newest come first, and shall be the last to be taken.
        for entry in reversed(entries):
            try:
                record = self._examine(key, entry, account, "")
                self.upstreams.offer(record.sha512, upstream)
                self._take(key, record)
            except SlapError as error:
                log.info("an entry of %s for %s is not taken: %s", upstream.entries, key, error)

    def _fetch(self, client: Client, sha512: str) -> None:
        receipt = self.store.receive(self.settings.max_content)
        try:
            client.get(sha512, receipt, lambda number: None)
            self.keep(receipt, sha512)
        finally:
            receipt.close()

    def _take(self, key: str, record: Record) -> bool:
        added = self.directory.add(key, record)
        if added:
            self.statistic.count_entry(record.signer)
            log.info("%s has put an entry of %r for %s", record.uploader, record.signer, key)
        return added

    def _prove(self, key: str, entry: Entry, metadata: Metadata) -> Proof:
        """Find who has signed an entry; refuse when that is nobody who may."""
        stamper, stamped = self._prove_stamp(key, metadata)
        if entry.signature:
            found = self.signers.find_signer(entry)
            if found is None:
                return self._prove_foreign(stamper)
            if not found.usable:
                raise Forbidden(f"the key of {found.signer} is revoked or has ended")
            if stamper is not None and stamper.signer != found.signer:
                raise Forbidden("the entry is signed by one and stamped by another")
            return Proof(found.signer, found.identity, stamped)
        if stamper is not None:
            return Proof(stamper.signer, stamper.key_id, stamped)
        if not self.settings.unsigned:
            raise Forbidden("entries without a signature are not taken here")
        return Proof("")

    def _prove_foreign(self, stamper: Proof | None) -> Proof:
        if not self.settings.foreign or stamper is not None:
            raise Forbidden("the signature is of no registered key")
        return Proof(FOREIGN)

    def _prove_stamp(self, key: str, metadata: Metadata) -> tuple[Proof | None, int]:
        mark = shadir.read_stamp(metadata)
        if mark is None:
            return None, 0
        found = self.signers.find_stamper(metadata, mark, key)
        if found is None:
            raise Forbidden("the stamp is of no registered key, or of another key or content")
        if not found.usable:
            raise Forbidden(f"the key of {found.signer} is revoked or has ended")
        if mark.time > time.time_ns() // 1000 + CLOCKS_APART:
            raise ProtocolError("the stamp is of a time that has not come")
        return Proof(found.signer, found.identity, mark.time), mark.time

    def _check_content(self, sha512: str) -> None:
        why = self.blacklist.why_not(sha512)
        if why is not None:
            raise Forbidden(f"the content is blacklisted: {why}")
