"""Caches for tests: signers with their keys, a cache that serves, and who speaks to it."""

import hashlib
import ipaddress
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from dataclasses import field
from datetime import UTC
from datetime import datetime
from datetime import timedelta
from pathlib import Path

import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.hazmat.primitives.serialization import NoEncryption
from cryptography.hazmat.primitives.serialization import PrivateFormat
from cryptography.x509.oid import NameOID

from shacache import daemon
from shacache.cache import Cache
from shacache.settings import Settings
from shacache.upload import Account
from slapcore.protocol import shadir
from slapcore.protocol.shadir import Entry

LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"),)
URL = "http://example.com/software.cfg"
KEY = shadir.release_key(URL)
ANYBODY = Account(name="anybody")
PATIENCE = 10


@dataclass
class Signer:
    """Somebody who signs, both ways."""

    name: str
    legacy: rsa.RSAPrivateKey = field(
        default_factory=lambda: rsa.generate_private_key(public_exponent=65537, key_size=2048)
    )
    modern: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)

    def register(self, cache: Cache, *, until: float = 0.0) -> None:
        cache.signers.add(self.name, self.legacy.public_key(), until)
        cache.signers.add(self.name, self.modern.public_key(), until)

    def sign(self, metadata: dict[str, object], key: str = "", at: int = 0) -> Entry:
        """Sign metadata; with a stamp when it is said for which key."""
        if key:
            moment = at or time.time_ns() // 1000
            metadata = shadir.stamp(metadata, key, moment, self.modern)
        return shadir.make_entry(metadata, self.legacy)

    def certificate(self, days: int = 10) -> bytes:
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, self.name)])
        now = datetime.now(UTC)
        builder = x509.CertificateBuilder(
            issuer_name=subject,
            subject_name=subject,
            public_key=self.legacy.public_key(),
            serial_number=x509.random_serial_number(),
            not_valid_before=now - timedelta(days=1),
            not_valid_after=now + timedelta(days=days),
        )
        return builder.sign(self.legacy, hashes.SHA256()).public_bytes(Encoding.PEM)

    def write(self, folder: Path) -> tuple[Path, Path]:
        """Write the legacy key and its certificate as files, as legacy clients want them."""
        pem = self.legacy.private_bytes(
            Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()
        )
        paths = folder / f"{self.name}.key", folder / f"{self.name}.crt"
        for path, data in zip(paths, (pem, self.certificate()), strict=True):
            path.write_bytes(data)
        return paths


def sum_of(data: bytes) -> str:
    return hashlib.sha512(data).hexdigest()


def about(data: bytes, system: str = "12", **more: object) -> dict[str, object]:
    """Make the metadata of a built release."""
    machine = {"multiarch": "x86_64-linux-gnu", "os": ["debian", system, ""]}
    return {"sha512": sum_of(data), "software_url": URL, **machine, **more}


def make_cache(folder: Path, **settings: object) -> Cache:
    """Make a cache in which everybody on this machine may put."""
    chosen = {"open_networks": LOOPBACK, "listen": (("127.0.0.1", 0),), **settings}
    return Cache(Settings(directory=folder, **chosen))


@dataclass
class Door:
    """A cache that serves, and how tests speak to it."""

    cache: Cache
    url: str
    port: int

    @property
    def contents(self) -> str:
        return f"{self.url}/shacache"

    @property
    def entries(self) -> str:
        return f"{self.url}/shadir"

    def ask(self, method: str, path: str, body: object = None, **headers: str) -> requests.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return requests.request(
            method, self.url + path, data=body, headers=named, timeout=PATIENCE
        )

    def post(self, data: bytes, **headers: str) -> requests.Response:
        return self.ask("POST", "/shacache", data, **headers)

    def put(self, data: bytes, wanted: str, **headers: str) -> requests.Response:
        return self.ask("PUT", f"/shacache/{wanted}", data, **headers)

    def get(self, sha512: str, **headers: str) -> requests.Response:
        return self.ask("GET", f"/shacache/{sha512}", **headers)

    def put_entry(self, key: str, entry: Entry | bytes, **headers: str) -> requests.Response:
        body = entry if isinstance(entry, bytes) else shadir.write_entry(entry)
        return self.ask("PUT", f"/shadir/{key}", body, **headers)

    def look_up(self, key: str, reader: str = "") -> list[list[str]]:
        """Give the entries of a key; nothing for a 404."""
        answer = self.ask("GET", f"/shadir/{reader}{key}")
        assert answer.status_code in (200, 404), answer.text
        return answer.json() if answer.status_code == 200 else []

    def sums(self, key: str, reader: str = "") -> list[str]:
        """Give the contents that a key's entries name, in their order."""
        return [json.loads(text)["sha512"] for text, _ in self.look_up(key, reader)]


@contextmanager
def serving(cache: Cache) -> Iterator[Door]:
    """Have a cache serve from this process."""
    cache.store.claim()
    server = daemon.make_server(cache)
    server.start()
    try:
        port = server.addresses[0].port
        yield Door(cache, f"http://127.0.0.1:{port}", port)
    finally:
        server.stop(2.0)
        cache.close()


def left_behind(folder: Path) -> list[Path]:
    """List what no finished request leaves in a cache's directory."""
    return [*folder.glob("incoming/*"), *folder.glob("**/.new-*")]
