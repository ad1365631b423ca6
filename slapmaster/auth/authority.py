"""The embedded certificate authority: what it signs, and what it believes.

It keeps nothing and speaks no HTTP.  Which certificates are revoked is the domain's
knowledge; here is only what a certificate says by itself.
"""

import base64
import binascii
import ipaddress
import re
import secrets
from collections.abc import Iterable
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC
from datetime import datetime
from datetime import timedelta
from functools import lru_cache

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.hazmat.primitives.serialization import NoEncryption
from cryptography.hazmat.primitives.serialization import PrivateFormat
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID
from cryptography.x509.oid import NameOID

from slapcore import errors

PublicKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey

AUTHORITY_DAYS = 20 * 365

#: a peer whose clock is a little behind must be able to use its certificate at once
BACKDATED = timedelta(minutes=5)

#: an RFC 9440 value: one byte sequence of RFC 8941
CLIENT_CERT = re.compile(r":([A-Za-z0-9+/]*={0,2}):")

#: a DER certificate above this size is nobody's we issued
MAX_CERTIFICATE = 16384

VERIFIED_AT_MOST = 4096

#: what the library raises for the certificates that strangers may send
UNREADABLE = (
    ValueError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)

USAGES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)


@dataclass(frozen=True, kw_only=True)
class Issued:
    """A certificate as it leaves the authority; ``key`` is empty when the holder made its own."""

    serial: str
    certificate: str
    key: str
    not_after: datetime
    fingerprint: str


@dataclass(frozen=True, kw_only=True)
class ClientCertificate:
    """What a certificate that we believe says about its holder."""

    serial: str
    common_name: str
    fingerprint: str
    not_before: datetime
    not_after: datetime


@dataclass(frozen=True)
class RevocationList:
    """A signed list of the certificates that no longer count, in both usual encodings."""

    pem: bytes
    der: bytes


class Authority:
    """A certificate, its key, and the certificates of the authorities believed beside it.

    ``trusted`` are the certificates (PEM) of other authorities of ours, while one follows
    another: their certificates are accepted, new ones are signed by this one only.
    """

    def __init__(
        self,
        certificate: x509.Certificate,
        key: ec.EllipticCurvePrivateKey,
        trusted: Sequence[bytes] = (),
    ) -> None:
        self.certificate = certificate
        self._key = key
        self._key_identifier = _authority_key_identifier(certificate)
        self._issuers = (certificate, *map(x509.load_pem_x509_certificate, trusted))
        self._examine = lru_cache(maxsize=VERIFIED_AT_MOST)(self._examine_certificate)

    @classmethod
    def create(cls, name: str, now: datetime) -> "Authority":
        """Make a new authority; ``name`` is its common name."""
        if "COMP-" in name:
            # The legacy client takes the first "COMP-" of a certificate's text for the node's.
            raise errors.InvalidValue(f"an authority can't be called {name!r}: it has COMP- in it")
        key = ec.generate_private_key(ec.SECP256R1())
        subject = _subject(name, "")
        builder = _builder(subject, subject, key.public_key(), now, AUTHORITY_DAYS)
        constraints = x509.BasicConstraints(ca=True, path_length=0)
        builder = builder.add_extension(constraints, critical=True)
        builder = builder.add_extension(_key_usage("key_cert_sign", "crl_sign"), critical=True)
        return cls(builder.sign(key, hashes.SHA256()), key)

    @classmethod
    def load(
        cls, certificate_pem: bytes, key_pem: bytes, trusted: Sequence[bytes] = ()
    ) -> "Authority":
        """Take up the authority that was saved as these two texts."""
        try:
            certificate = x509.load_pem_x509_certificate(certificate_pem)
            key = load_pem_private_key(key_pem, None)
        except (ValueError, TypeError) as error:
            raise errors.ConfigurationError(f"the authority can't be read: {error}") from error
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise errors.ConfigurationError("the authority's key is not an elliptic curve key")
        if key.public_key() != certificate.public_key():
            raise errors.ConfigurationError("the authority's key and certificate are not a pair")
        return cls(certificate, key, trusted)

    @property
    def certificate_pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        """The private key, in clear: for a file that nobody else can read."""
        return _write_key(self._key).encode()

    def issue(
        self,
        common_name: str,
        email: str,
        *,
        days: int,
        now: datetime,
        public_key: PublicKey | None = None,
    ) -> Issued:
        """Issue a client certificate, for a key made here unless ``public_key`` is given."""
        key = None
        if public_key is None:
            key = ec.generate_private_key(ec.SECP256R1())
            public_key = key.public_key()
        builder = self._leaf(_subject(common_name, email), _checked_key(public_key), now, days)
        builder = builder.add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False
        )
        return self._sign(builder, key)

    def issue_server(self, names: Sequence[str], *, days: int, now: datetime) -> Issued:
        """Issue the certificate of our own listener; ``names`` are DNS names and addresses."""
        key = ec.generate_private_key(ec.SECP256R1())
        builder = self._leaf(_subject(names[0][:64], ""), key.public_key(), now, days)
        builder = builder.add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False
        )
        alternatives = x509.SubjectAlternativeName([_general_name(name) for name in names])
        return self._sign(builder.add_extension(alternatives, critical=False), key)

    def verify(self, der: bytes, now: datetime) -> ClientCertificate:
        """Read a client certificate that one of our authorities signed and that is valid now.

        The signature is checked once per certificate, the time at every call.
        """
        certificate = self._examine(der)
        if now > certificate.not_after:
            raise errors.Unauthenticated(f"certificate expired on {_day(certificate.not_after)}")
        if now < certificate.not_before:
            raise errors.Unauthenticated(
                f"certificate is not valid before {_day(certificate.not_before)}"
            )
        return certificate

    def crl(
        self, revoked: Iterable[tuple[str, datetime]], *, now: datetime, next_update: datetime
    ) -> RevocationList:
        """Sign the list of revoked certificates: pairs of a serial and when it was revoked."""
        entries = [
            x509.RevokedCertificateBuilder(int(serial, 16), _naive(moment)).build()
            for serial, moment in revoked
        ]
        # The constructor takes all entries at once: adding one by one copies the list each time.
        builder = x509.CertificateRevocationListBuilder(
            self.certificate.subject, _naive(now), _naive(next_update), [], entries
        )
        builder = builder.add_extension(x509.CRLNumber(int(now.timestamp())), critical=False)
        builder = builder.add_extension(self._key_identifier, critical=False)
        signed = builder.sign(self._key, hashes.SHA256())
        return RevocationList(signed.public_bytes(Encoding.PEM), signed.public_bytes(Encoding.DER))

    def _leaf(
        self, subject: x509.Name, key: PublicKey, now: datetime, days: int
    ) -> x509.CertificateBuilder:
        builder = _builder(subject, self.certificate.subject, key, now, days)
        constraints = x509.BasicConstraints(ca=False, path_length=None)
        builder = builder.add_extension(constraints, critical=True)
        builder = builder.add_extension(_key_usage("digital_signature"), critical=True)
        return builder.add_extension(self._key_identifier, critical=False)

    def _sign(
        self, builder: x509.CertificateBuilder, key: ec.EllipticCurvePrivateKey | None
    ) -> Issued:
        signed = builder.sign(self._key, hashes.SHA256())
        return Issued(
            serial=_serial(signed),
            certificate=_write_certificate(signed),
            key="" if key is None else _write_key(key),
            not_after=signed.not_valid_after_utc,
            fingerprint=signed.fingerprint(hashes.SHA256()).hex(),
        )

    def _examine_certificate(self, der: bytes) -> ClientCertificate:
        if len(der) > MAX_CERTIFICATE:
            raise errors.Unauthenticated("certificate is too long")
        try:
            certificate = x509.load_der_x509_certificate(der)
            if not any(_signed_by(certificate, issuer) for issuer in self._issuers):
                raise errors.Unauthenticated("certificate was issued by another authority")
            return _read_certificate(certificate)
        except UNREADABLE as error:
            raise errors.Unauthenticated("certificate can't be read") from error


def read_client_cert_header(value: str) -> bytes:
    """Read the ``Client-Cert`` header of RFC 9440, as a reverse proxy sends it, into DER."""
    found = CLIENT_CERT.fullmatch(value.strip())
    if found is None:
        raise errors.ProtocolError("the Client-Cert header is not one byte sequence (:base64:)")
    try:
        der = base64.b64decode(found[1], validate=True)
    except binascii.Error as error:
        raise errors.ProtocolError(f"the Client-Cert header is not base64: {error}") from error
    if not der:
        raise errors.ProtocolError("the Client-Cert header is empty")
    return der


def _signed_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _read_certificate(certificate: x509.Certificate) -> ClientCertificate:
    try:
        usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
    if ExtendedKeyUsageOID.CLIENT_AUTH not in usage:
        raise errors.Unauthenticated("certificate is not one for clients")
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    if len(names) != 1:
        raise errors.Unauthenticated("certificate has no single common name")
    return ClientCertificate(
        serial=_serial(certificate),
        common_name=str(names[0].value),
        fingerprint=certificate.fingerprint(hashes.SHA256()).hex(),
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
    )


def _builder(
    subject: x509.Name, issuer: x509.Name, key: PublicKey, now: datetime, days: int
) -> x509.CertificateBuilder:
    """Begin a certificate: what all of ours have in common."""
    begin = _naive(now)
    return x509.CertificateBuilder(
        issuer_name=issuer,
        subject_name=subject,
        public_key=key,
        serial_number=_new_serial(),
        not_valid_before=begin - BACKDATED,
        not_valid_after=begin + timedelta(days=days),
    ).add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)


def _new_serial() -> int:
    """Choose 158 random bits; the top one set, so that all serials are of one length."""
    return secrets.randbits(158) | 1 << 157


def _serial(certificate: x509.Certificate) -> str:
    return f"{certificate.serial_number:040x}"


def _subject(common_name: str, email: str) -> x509.Name:
    if "/" in common_name + email or not (common_name + email).isprintable():
        # Either would make the text of the certificate say something else than the certificate.
        raise errors.InvalidValue(f"{common_name!r}, {email!r} can't be a certificate's subject")
    try:
        attributes = [x509.NameAttribute(NameOID.COMMON_NAME, common_name)]
        if email:
            email.encode("ascii")
            attributes.append(x509.NameAttribute(NameOID.EMAIL_ADDRESS, email))
    except ValueError as error:
        raise errors.InvalidValue(f"not a certificate's subject: {error}") from error
    return x509.Name(attributes)


def _checked_key(key: PublicKey) -> PublicKey:
    if isinstance(key, rsa.RSAPublicKey) and key.key_size < 2048:
        raise errors.InvalidValue(f"an RSA key of {key.key_size} bits is too short")
    return key


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _key_usage(*wanted: str) -> x509.KeyUsage:
    return x509.KeyUsage(**{usage: usage in wanted for usage in USAGES})


def _authority_key_identifier(certificate: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    subject = certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(subject)


def _naive(moment: datetime) -> datetime:
    """The library wants UTC without its name, in whole seconds."""
    return datetime.fromtimestamp(int(moment.timestamp()), UTC).replace(tzinfo=None)


def _day(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M UTC")


def _write_key(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def _write_certificate(certificate: x509.Certificate) -> str:
    """Write the certificate behind a text that tells a person, and the legacy client, what it is.

    The legacy ``node register`` finds the node's reference between ``COMP-`` and ``/email``.
    """
    serial = _serial(certificate)
    return TEXT.format(
        serial=":".join(serial[place : place + 2] for place in range(0, len(serial), 2)),
        issuer=_one_line(certificate.issuer),
        begin=_openssl_time(certificate.not_valid_before_utc),
        end=_openssl_time(certificate.not_valid_after_utc),
        subject=_one_line(certificate.subject),
        pem=certificate.public_bytes(Encoding.PEM).decode(),
    )


def _one_line(name: x509.Name) -> str:
    words = {NameOID.COMMON_NAME: "CN", NameOID.EMAIL_ADDRESS: "emailAddress"}
    return "/".join(f"{words[part.oid]}={part.value!s}" for part in name)


def _openssl_time(moment: datetime) -> str:
    return f"{moment:%b} {moment.day:2d} {moment:%H:%M:%S %Y} GMT"


TEXT = """\
Certificate:
    Data:
        Version: 3 (0x2)
        Serial Number:
            {serial}
        Signature Algorithm: ecdsa-with-SHA256
        Issuer: {issuer}
        Validity
            Not Before: {begin}
            Not After : {end}
        Subject: {subject}
{pem}"""
