"""The first look at a server that nobody here vouches for: what it shows, for a person to judge.

Where the server sends the certificate of the authority that signed for it, that is what is worth
pinning: it lasts longer than the server's own.
"""

import socket
import ssl
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from OpenSSL import SSL

from slapcore.errors import ConfigurationError
from slapcore.errors import Unavailable
from slapcore.errors import Untrusted

#: Seconds that each step of the first look may take.
PATIENCE = 10


@dataclass(frozen=True, kw_only=True)
class Shown:
    """What a server shows: fingerprints are SHA-256 in hex.

    ``authority`` is the PEM of the authority that it sent along, if that one vouches for it.
    """

    subject: str
    ends: datetime
    fingerprint: str
    authority: str = ""
    authority_fingerprint: str = ""

    @property
    def to_compare(self) -> str:
        """The fingerprint that a person should compare."""
        return self.authority_fingerprint or self.fingerprint


def look_at(url: str) -> Shown:
    """Look at the certificates of a server, which proves nothing yet; sends it nothing else."""
    host, port = read_address(url)
    with naming_failures(url), socket.create_connection((host, port), PATIENCE) as sock:
        chain = fetch_chain(sock, host)
    server, last = chain[0], chain[-1]
    shown = Shown(
        subject=server.subject.rfc4514_string(),
        ends=server.not_valid_after_utc,
        fingerprint=server.fingerprint(SHA256()).hex(),
    )
    pem = last.public_bytes(Encoding.PEM).decode()
    if last is server or not is_vouching(pem, host, port):
        return shown
    return Shown(
        subject=shown.subject,
        ends=shown.ends,
        fingerprint=shown.fingerprint,
        authority=pem,
        authority_fingerprint=last.fingerprint(SHA256()).hex(),
    )


def read_address(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname:
        raise ConfigurationError(f"{url!r} is not the https URL of a master")
    return parts.hostname, parts.port or 443


def fetch_chain(sock: socket.socket, host: str) -> list[x509.Certificate]:
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_min_proto_version(SSL.TLS1_2_VERSION)
    sock.settimeout(None)  # the library wants a blocking socket; the system keeps the time
    limit = struct.pack("ll", PATIENCE, 0)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)
    connection = SSL.Connection(context, sock)
    connection.set_tlsext_host_name(host.encode("idna"))
    connection.set_connect_state()
    connection.do_handshake()
    chain = connection.get_peer_cert_chain() or []
    if not chain:
        raise Untrusted("the server shows no certificate")
    return [certificate.to_cryptography() for certificate in chain]


def is_vouching(authority: str, host: str, port: int) -> bool:
    """Tell whether this authority, and no other, proves that the server is who it should be."""
    context = ssl.create_default_context(cadata=authority)
    try:
        with (
            socket.create_connection((host, port), PATIENCE) as sock,
            context.wrap_socket(sock, server_hostname=host),
        ):
            return True
    except (OSError, ValueError):
        return False


@contextmanager
def naming_failures(url: str) -> Iterator[None]:
    try:
        yield
    except SSL.Error as error:
        raise Unavailable(f"{url} does not speak TLS") from error
    except (OSError, UnicodeError) as error:
        raise Unavailable(f"{url} can't be reached: {error}") from error
