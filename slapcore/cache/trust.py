"""Whose entries count, and how old they may be.

- An entry with a stamp needs one of a trusted key, for this very key and content, as soon as any
  key for stamps is trusted: the legacy signature alone does not say what it is for.
- An entry that is older than the one that was taken before is not taken again, and none without
  a stamp after one with it, as long as whoever made that one is trusted.
"""

import hashlib
import json
import os
import secrets
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from slapcore.errors import InvalidValue
from slapcore.errors import ProtocolError
from slapcore.protocol import shadir
from slapcore.protocol.shadir import Entry
from slapcore.protocol.shadir import PublicKey
from slapcore.protocol.shadir import Stamp

#: the smallest RSA key that counts; legacy ones are of 1024 bits
RSA_BITS = 1024

#: how far in the future a stamp may be, in microseconds
CLOCKS_APART = 300_000_000


@dataclass(frozen=True)
class Trust:
    """The public keys whose signatures count."""

    keys: tuple[PublicKey, ...] = ()

    @classmethod
    def of(cls, texts: Iterable[bytes]) -> "Trust":
        """Read certificates and public keys, in PEM."""
        return cls(tuple(read_public_key(text)[0] for text in texts))

    @property
    def ids(self) -> frozenset[str]:
        return frozenset(map(shadir.key_id, self.keys))

    def covers(self, key: str, entry: Entry) -> bool:
        """Tell whether a trusted key stands for an entry of ``key``."""
        try:
            return self._covers(key, entry)
        except ProtocolError:
            return False

    def _covers(self, key: str, entry: Entry) -> bool:
        modern = [each for each in self.keys if isinstance(each, Ed25519PublicKey)]
        legacy = [each for each in self.keys if isinstance(each, RSAPublicKey)]
        metadata = shadir.read_metadata(entry.text)
        shadir.check_binding(key, metadata)
        mark = shadir.read_stamp(metadata)
        if mark is not None and mark.time > time.time_ns() // 1000 + CLOCKS_APART:
            return False
        if mark is not None and modern:
            return any(shadir.is_stamped_by(metadata, mark, key, each) for each in modern)
        return any(shadir.is_signed_by(entry, each) for each in legacy)


class Memory:
    """The newest stamp that was taken of each key, a file each."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def refuses(self, key: str, mark: Stamp | None, trust: Trust) -> bool:
        """Tell whether an entry is older than what was taken before."""
        seen = self._read(key)
        if seen is None or seen[1] not in trust.ids:
            return False
        return mark is None or mark.time < seen[0]

    def note(self, key: str, mark: Stamp | None) -> None:
        """Remember what was taken, durably."""
        if mark is None:
            return
        self._directory.mkdir(mode=0o700, exist_ok=True)
        path = self._path(key)
        draft = path.with_suffix(f".{secrets.token_hex(4)}")
        with draft.open("x") as file:
            json.dump({"key": key, "time": mark.time, "signer": mark.signer}, file)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)

    def _path(self, key: str) -> Path:
        return self._directory / f"{hashlib.sha256(key.encode()).hexdigest()[:40]}.json"

    def _read(self, key: str) -> tuple[int, str] | None:
        try:
            content = json.loads(self._path(key).read_bytes())
            return int(content["time"]), str(content["signer"])
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError) as error:
            raise InvalidValue(f"{self._path(key)} is damaged: {error}") from error


def read_public_key(pem: bytes) -> tuple[PublicKey, float]:
    """Read a public key or a certificate, in PEM; with the certificate's end, or 0."""
    until = 0.0
    try:
        if b"BEGIN CERTIFICATE" in pem:
            certificate = x509.load_pem_x509_certificate(pem)
            public: object = certificate.public_key()
            until = certificate.not_valid_after_utc.astimezone(UTC).timestamp()
        else:
            public = load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise InvalidValue(f"that is neither a certificate nor a public key: {error}") from error
    if isinstance(public, RSAPublicKey) and public.key_size >= RSA_BITS:
        return public, until
    if isinstance(public, Ed25519PublicKey):
        return public, until
    raise InvalidValue("a signer's key is RSA of 1024 bits or more, or Ed25519")
