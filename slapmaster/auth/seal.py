"""Secrets at rest: what must be read again is sealed, what must only be recognised is hashed.

A sealed value is one byte for the format, four that name the key, the nonce and the
ciphertext.  Keys are changed by putting a new one first; the older ones still open.
"""

import base64
import binascii
import hashlib
import os
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from slapcore import errors

FORMAT = b"\x01"
KEY_NAME_LENGTH = 4
NONCE_LENGTH = 12
KEY_LENGTH = 32


class Seal:
    """Seals with the first key, opens with any of them (AES-256-GCM)."""

    def __init__(self, key: bytes, *older: bytes) -> None:
        if any(len(each) != KEY_LENGTH for each in (key, *older)):
            raise errors.ConfigurationError(f"a sealing key has {KEY_LENGTH} bytes")
        self._keys = (key, *older)
        self._ciphers = {_key_name(each): AESGCM(each) for each in reversed(self._keys)}

    @classmethod
    def create(cls) -> "Seal":
        return cls(secrets.token_bytes(KEY_LENGTH))

    @classmethod
    def load(cls, text: bytes) -> "Seal":
        """Read a key file: one key per line in base64, the one that seals first."""
        try:
            keys = [base64.b64decode(line, validate=True) for line in text.split()]
        except binascii.Error as error:
            raise errors.ConfigurationError("the sealing keys are not base64") from error
        if not keys:
            raise errors.ConfigurationError("there is no sealing key in the file")
        return cls(*keys)

    def dump(self) -> bytes:
        """The text of the key file, in clear: for a file that nobody else can read."""
        return b"".join(base64.b64encode(key) + b"\n" for key in self._keys)

    def rotated(self) -> "Seal":
        """The same with a new key in front."""
        return Seal(secrets.token_bytes(KEY_LENGTH), *self._keys)

    def seal(self, plain: bytes, *, purpose: str) -> bytes:
        """Seal ``plain``, to be opened for the same ``purpose`` only: it can't be put elsewhere."""
        name = _key_name(self._keys[0])
        # A random nonce is safe for 2**32 values under one key, more than a site ever seals.
        nonce = os.urandom(NONCE_LENGTH)
        return FORMAT + name + nonce + self._ciphers[name].encrypt(nonce, plain, purpose.encode())

    def open(self, sealed: bytes, *, purpose: str) -> bytes:
        name, nonce, ciphertext = _parts(sealed)
        cipher = self._ciphers.get(name)
        if cipher is None:
            raise errors.ConfigurationError(f"the sealing key {name.hex()} is not known any more")
        try:
            return cipher.decrypt(nonce, ciphertext, purpose.encode())
        except InvalidTag as error:
            raise errors.SlapError(f"a secret was changed or is not one for {purpose}") from error

    def is_current(self, sealed: bytes) -> bool:
        """Tell whether ``sealed`` was sealed by the key that seals now."""
        return _parts(sealed)[0] == _key_name(self._keys[0])


def new_token() -> str:
    """Choose a token of 256 random bits that fits in a URL, in a header and on a command line."""
    # Without letters in front, one in 64 would begin with "-" and be taken for an option.
    return "slap" + secrets.token_urlsafe(32)


def hash_token(token: str) -> str:
    """Hash a token for the store.

    A plain SHA-256 is right here: the token is random and too long to be guessed, so a
    slow hash would protect nothing, and one that is the same each time can be looked up.
    It is wrong for passwords, which people choose.
    """
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _key_name(key: bytes) -> bytes:
    return hashlib.sha256(b"slapmaster seal key\0" + key).digest()[:KEY_NAME_LENGTH]


def _parts(sealed: bytes) -> tuple[bytes, bytes, bytes]:
    begin = len(FORMAT) + KEY_NAME_LENGTH
    if sealed[:1] != FORMAT or len(sealed) < begin + NONCE_LENGTH:
        raise errors.SlapError("not a sealed secret")
    return sealed[1:begin], sealed[begin : begin + NONCE_LENGTH], sealed[begin + NONCE_LENGTH :]
