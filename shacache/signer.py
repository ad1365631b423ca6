"""Whose signatures count: registered public keys, each with a name, perhaps an end.

A signer has any number of keys, so that a new one can be in use before the old one ends.
What a key has signed before its end stays good; a revoked key has never been good.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.hazmat.primitives.serialization import PublicFormat

from shacache.ledger import Content
from shacache.ledger import Ledger
from slapcore.cache.trust import read_public_key
from slapcore.errors import Conflict
from slapcore.errors import NotFound
from slapcore.protocol import shadir
from slapcore.protocol.shadir import Entry
from slapcore.protocol.shadir import PublicKey
from slapcore.protocol.shadir import Stamp


@dataclass(frozen=True)
class SignerKey:
    """One registered key; times in seconds since 1970, 0 for never."""

    identity: str
    signer: str
    public: PublicKey
    until: float
    revoked: float

    @property
    def kind(self) -> str:
        return "rsa" if isinstance(self.public, RSAPublicKey) else "ed25519"

    @property
    def usable(self) -> bool:
        """Tell whether what it signs now counts."""
        return not self.revoked and (not self.until or time.time() < self.until)


class Signers:
    """The registered keys, read from a ledger that commands change."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._content: Content | None = None
        self._keys: Mapping[str, SignerKey] = {}

    @property
    def keys(self) -> Mapping[str, SignerKey]:
        """All keys by their ids, the ended and the revoked ones too."""
        content = self._ledger.read()
        if content is not self._content:
            self._keys = {identity: _load(identity, each) for identity, each in content.items()}
            self._content = content
        return self._keys

    def add(self, signer: str, public: PublicKey, until: float = 0.0) -> str:
        """Register a key; its id."""
        identity = shadir.key_id(public)
        pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

        def edit(content: Content) -> None:
            if identity in content:
                raise Conflict(f"the key {identity[:16]} is registered already")
            content[identity] = {"signer": signer, "pem": pem, "until": until, "revoked": 0.0}

        self._ledger.change(edit)
        return identity

    def revoke(self, word: str) -> list[str]:
        """Revoke a signer's keys by the signer's name, or one by how its id begins."""
        found: list[str] = []

        def edit(content: Content) -> None:
            for identity, each in content.items():
                named = each["signer"] == word or (len(word) >= 8 and identity.startswith(word))
                if named and not each["revoked"]:
                    each["revoked"] = time.time()
                    found.append(identity)

        self._ledger.change(edit)
        if not found:
            raise NotFound(f"no key of {word} is there to be revoked")
        return found

    def is_good(self, identity: str) -> bool:
        """Tell whether what a key has signed still counts."""
        key = self.keys.get(identity)
        return key is not None and not key.revoked

    def find_signer(self, entry: Entry) -> SignerKey | None:
        """Find whose legacy signature an entry has; ``None`` when no registered key made it."""
        for key in self.keys.values():
            if isinstance(key.public, RSAPublicKey) and shadir.is_signed_by(entry, key.public):
                return key
        return None

    def find_stamper(self, metadata: shadir.Metadata, mark: Stamp, key: str) -> SignerKey | None:
        """Find whose stamp metadata has, made for ``key``."""
        found = self.keys.get(mark.signer)
        if found is None or not isinstance(found.public, Ed25519PublicKey):
            return None
        return found if shadir.is_stamped_by(metadata, mark, key, found.public) else None


def _load(identity: str, content: Content) -> SignerKey:
    public, _ = read_public_key(content["pem"].encode())
    return SignerKey(identity, content["signer"], public, content["until"], content["revoked"])
