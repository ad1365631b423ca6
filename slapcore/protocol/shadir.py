"""The directory of the binary cache: signed entries, found by key.

An entry is a pair of texts: metadata as a JSON object, which names a blob by its sha512, and
a signature of that very text, or none.

- The legacy signature is RSA (PKCS#1 v1.5) over SHA-1 of the text, in Base64.  It says nothing
  of the key: a signed entry can be copied to any other.
- The stamp is an Ed25519 signature *inside* the JSON, over key, metadata and time.  Clients
  that don't know it pass it over.
- A key that tells what it stands for (a URL's md5, a package's name and version) must agree
  with the metadata.
"""

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from typing import NoReturn

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.hazmat.primitives.serialization import PublicFormat

from slapcore.errors import ProtocolError

Metadata = dict[str, Any]
PublicKey = RSAPublicKey | Ed25519PublicKey

KEY = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:=+@!~,-]{0,254}")
SHA512 = re.compile(r"[0-9a-f]{128}")
MD5 = re.compile(r"[0-9a-f]{32}")

FILE = "file-urlmd5:"
PACKAGE = "pypi:"
GIT = "git-buildout-"

#: where in the JSON the stamp is
STAMP = "stamp"
#: what is signed begins with this, so that it can't be taken for anything else
STAMP_CONTEXT = b"slapmaster shadir entry 1\n"

#: how old entries say what all new ones call x86_64-linux-gnu
OLD_MACHINES = {"x86_64": "x86_64-linux-gnu"}


@dataclass(frozen=True)
class Entry:
    """What a directory holds: a JSON text, and its legacy signature or ``""``."""

    text: str
    signature: str


@dataclass(frozen=True)
class Machine:
    """What a binary is for; empty where nothing is said.

    ``system`` is the name of a distribution and its version, as far as it matters.
    """

    architecture: str = ""
    system: tuple[str, ...] = ()


@dataclass(frozen=True)
class Stamp:
    """The modern signature; ``time`` is in microseconds since 1970, ``signer`` a key's id."""

    key: str
    time: int
    signer: str
    signature: bytes


def release_key(url: str) -> str:
    """The key of a built software release."""
    data = url.encode("utf-8", "surrogatepass")
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def file_key(url: str) -> str:
    """The key of a downloaded file."""
    return FILE + release_key(url)


def package_key(name: str, version: str) -> str:
    """The key of a Python package."""
    return f"{PACKAGE}{name}={version}"


def kind_of(key: str) -> str:
    """Tell what is looked up: ``release``, ``file``, ``package``, ``git`` or ``other``."""
    if MD5.fullmatch(key):
        return "release"
    kinds = {FILE: "file", PACKAGE: "package", GIT: "git"}
    return next((kind for prefix, kind in kinds.items() if key.startswith(prefix)), "other")


def check_key(key: str) -> None:
    if not KEY.fullmatch(key):
        raise ProtocolError(
            "a key is up to 255 letters, digits and _.:=+@!~,- and begins with a letter, "
            "a digit or _"
        )


def check_binding(key: str, metadata: Mapping[str, Any]) -> None:
    """Refuse metadata that is not of what ``key`` stands for."""
    kind = kind_of(key)
    if kind == "release":
        _check_url(metadata, "software_url", key)
    elif kind == "file":
        _check_url(metadata, "url", key.removeprefix(FILE))
    elif kind == "package":
        name, equals, version = key.removeprefix(PACKAGE).partition("=")
        wanted = _normal(f"{name}-{version}")
        found = _normal(str(metadata.get("basename", "")))
        if not (name and equals and version) or not f"{found}-".startswith(f"{wanted}-"):
            raise ProtocolError("the file name is not of the package and version of the key")


def read_entry(data: bytes) -> Entry:
    """Read one entry as a client puts it."""
    return _entry(_load(data))


def read_entries(data: bytes) -> tuple[Entry, ...]:
    """Read the answer of a directory."""
    pairs = _load(data)
    if not isinstance(pairs, list):
        raise ProtocolError("a list of entries is wanted")
    return tuple(map(_entry, pairs))


def write_entry(entry: Entry) -> bytes:
    return json.dumps([entry.text, entry.signature]).encode()


def write_entries(entries: Sequence[Entry]) -> bytes:
    return json.dumps([[entry.text, entry.signature] for entry in entries]).encode()


def read_metadata(text: str) -> Metadata:
    """Read the JSON of an entry: an object that names a blob by its sha512."""
    metadata = _load(text.encode())
    if not isinstance(metadata, dict):
        raise ProtocolError("the metadata is not an object")
    sha512 = metadata.get("sha512")
    if not isinstance(sha512, str) or not SHA512.fullmatch(sha512):
        raise ProtocolError("the metadata has no sha512 in 128 lower case hexadecimal digits")
    return metadata


def read_machine(metadata: Mapping[str, Any]) -> Machine:
    """Read what a binary is for, from new and from old metadata."""
    machine = str(metadata.get("machine", ""))
    architecture = metadata.get("multiarch", OLD_MACHINES.get(machine, machine))
    system = metadata.get("os", ())
    if isinstance(system, str):
        system = re.findall(r"'([^']*)'", system) or [system]
    if not isinstance(system, list | tuple):
        system = ()
    return Machine(str(architecture), read_system(*map(str, system[:2])))


def read_system(name: str = "", version: str = "") -> tuple[str, ...]:
    """Tell what of a system decides whether a binary fits: of Debian the major version only."""
    name = "debian" if name.lower() == "raspbian" else name.lower()
    if name == "debian":
        version = version.partition(".")[0]
    return tuple(word for word in (name, version) if word)


def key_id(public: PublicKey) -> str:
    """The name of a public key: the sha256 of its bytes, in hexadecimal digits."""
    data = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(data).hexdigest()


def make_entry(metadata: Metadata, private: RSAPrivateKey | None) -> Entry:
    """Make an entry, with the legacy signature when there is a key."""
    text = json.dumps(metadata)
    if private is None:
        return Entry(text, "")
    signature = private.sign(text.encode(), padding.PKCS1v15(), hashes.SHA1())
    return Entry(text, base64.b64encode(signature).decode())


def is_signed_by(entry: Entry, public: RSAPublicKey) -> bool:
    """Tell whether the legacy signature is of this key."""
    try:
        signature = base64.b64decode(entry.signature, validate=True)
        public.verify(signature, entry.text.encode(), padding.PKCS1v15(), hashes.SHA1())
    except (InvalidSignature, ValueError):
        return False
    return True


def stamp(metadata: Metadata, key: str, time: int, private: Ed25519PrivateKey) -> Metadata:
    """Give ``metadata`` with a stamp for ``key``, made at ``time``."""
    bare = {name: value for name, value in metadata.items() if name != STAMP}
    signature = private.sign(_stamped_bytes(bare, key, time))
    member = {
        "key": key,
        "time": time,
        "signer": key_id(private.public_key()),
        "signature": base64.b64encode(signature).decode(),
    }
    return {**bare, STAMP: member}


def read_stamp(metadata: Mapping[str, Any]) -> Stamp | None:
    """Read the stamp, which is not verified by that; ``None`` when there is none."""
    member = metadata.get(STAMP)
    if member is None:
        return None
    if not isinstance(member, dict):
        raise ProtocolError("the stamp is not an object")
    key, time, signer = member.get("key"), member.get("time"), member.get("signer")
    if not isinstance(key, str) or not isinstance(signer, str):
        raise ProtocolError("the stamp has no key or no signer")
    if type(time) is not int or time < 0:
        raise ProtocolError("the stamp has no time in whole microseconds")
    try:
        signature = base64.b64decode(str(member.get("signature", "")), validate=True)
    except ValueError as error:
        raise ProtocolError("the signature of the stamp is not Base64") from error
    return Stamp(key, time, signer, signature)


def is_stamped_by(
    metadata: Mapping[str, Any], mark: Stamp, key: str, public: Ed25519PublicKey
) -> bool:
    """Tell whether ``mark``, read from ``metadata``, is of this public key and for ``key``."""
    bare = {name: value for name, value in metadata.items() if name != STAMP}
    try:
        public.verify(mark.signature, _stamped_bytes(bare, key, mark.time))
    except InvalidSignature:
        return False
    return mark.key == key


def _stamped_bytes(bare: Metadata, key: str, time: int) -> bytes:
    """Write what a stamp signs, the same whatever way the JSON was written."""
    content = {"key": key, "metadata": bare, "time": time}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return STAMP_CONTEXT + text.encode()


def _entry(pair: object) -> Entry:
    if not isinstance(pair, list) or len(pair) != 2:
        raise ProtocolError("an entry is a list of two texts")
    text, signature = pair
    if not isinstance(text, str) or not isinstance(signature, str):
        raise ProtocolError("an entry is a list of two texts")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise ProtocolError("an entry has half of a character in it") from error
    return Entry(text, signature)


def _load(data: bytes) -> object:
    try:
        return json.loads(
            data.decode(), object_pairs_hook=_object, parse_constant=_refuse_constant
        )
    except UnicodeDecodeError as error:
        raise ProtocolError("the text is not UTF-8") from error
    except RecursionError as error:
        raise ProtocolError("the JSON is nested too deeply") from error
    except ValueError as error:
        raise ProtocolError(f"the text is not JSON: {error}") from error


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse a name that is there twice: readers disagree about which one counts."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ProtocolError("a name is twice in an object")
    return found


def _refuse_constant(text: str) -> NoReturn:
    raise ProtocolError(f"{text} is not JSON")


def _check_url(metadata: Mapping[str, Any], name: str, digest: str) -> None:
    url = metadata.get(name)
    if not isinstance(url, str) or release_key(url) != digest:
        raise ProtocolError(f"the key is not the md5 of the entry's {name}")


def _normal(name: str) -> str:
    return re.sub(r"[-_.+!]+", "-", name).lower()
