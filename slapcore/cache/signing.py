"""A builder's own keys, and what they sign."""

import time
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from slapcore.errors import InvalidValue
from slapcore.protocol import shadir
from slapcore.protocol.shadir import Entry
from slapcore.protocol.shadir import Metadata


@dataclass(frozen=True, kw_only=True)
class Signing:
    """The keys for the legacy signature and for the stamp; each may be missing."""

    legacy: RSAPrivateKey | None = None
    modern: Ed25519PrivateKey | None = None

    @classmethod
    def read(cls, legacy: Path | None, modern: Path | None) -> "Signing":
        """Read the keys from PEM files without a password."""
        found = [None if path is None else _read_private(path) for path in (legacy, modern)]
        first, second = found
        if first is not None and not isinstance(first, RSAPrivateKey):
            raise InvalidValue(f"{legacy} is no RSA key")
        if second is not None and not isinstance(second, Ed25519PrivateKey):
            raise InvalidValue(f"{modern} is no Ed25519 key")
        return cls(legacy=first, modern=second)

    def make_entry(self, key: str, metadata: Metadata) -> Entry:
        """Make the entry of ``key``, stamped now and signed as far as there are keys."""
        if self.modern is not None:
            metadata = shadir.stamp(metadata, key, time.time_ns() // 1000, self.modern)
        return shadir.make_entry(metadata, self.legacy)


def _read_private(path: Path) -> object:
    try:
        return load_pem_private_key(path.read_bytes(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise InvalidValue(f"{path} is no private key without a password: {error}") from error
