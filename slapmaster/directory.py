"""The data directory: its keys and the listener's certificate, made by ``init``.

- Whoever is not its owner can't read anything in it.
- A key that is there is never replaced; a key that is missing beside what it belongs to is an
  error, not made anew.
- The listener's certificate is made again in time, unless another authority than ours issued it.
"""

import os
import secrets
from datetime import UTC
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from slapcore.errors import ConfigurationError
from slapmaster.auth.authority import Authority
from slapmaster.auth.issuer import AuthorityIssuer
from slapmaster.auth.seal import Seal
from slapmaster.settings import Settings

#: The share of its life that the listener's certificate has left when it is made again.
RENEWED_AT = 1 / 3


#: The file that marks the directory of a master without certificates.
ALONE = "alone"


def secret_files(settings: Settings) -> tuple[Path, ...]:
    return (settings.authority_certificate, settings.authority_key, settings.seal_key)


def make_keys(settings: Settings) -> list[Path]:
    """Make the directory, the authority and the seal key where there are none; tell what.

    Raises ``ConfigurationError`` when only a part of them is there.
    """
    make_private_directory(settings.data_directory)
    refuse_alone(settings)
    files = secret_files(settings)
    missing = [path for path in files if not path.exists()]
    if not missing:
        return []
    if len(missing) < len(files) or database_file(settings).exists():
        names = ", ".join(path.name for path in missing)
        raise ConfigurationError(
            f"{settings.data_directory} has no {names}, but the rest of a master: "
            "bring it back from a backup, or begin in an empty directory"
        )
    # The name tells the authorities of two masters apart; the legacy client cuts "COMP-" out.
    name = f"slapmaster {settings.server_names[0]} {secrets.token_hex(4)}"
    authority = Authority.create(name.replace("COMP-", "")[:64], datetime.now(UTC))
    write_private(settings.authority_key, authority.key_pem)
    write_private(settings.authority_certificate, authority.certificate_pem)
    write_private(settings.seal_key, Seal.create().dump())
    return list(files)


def make_alone(settings: Settings) -> None:
    """Make the directory of a master without certificates; refuses that of another kind."""
    make_private_directory(settings.data_directory)
    if is_alone(settings):
        return
    if database_file(settings).exists() or settings.authority_key.exists():
        raise ConfigurationError(
            f"{settings.data_directory} belongs to a master with certificates: "
            "run it with 'slapmaster serve'"
        )
    mark_alone(settings)


def mark_alone(settings: Settings) -> None:
    """Say that the master in the directory has no keys because it works without certificates.

    One that has lost its keys must not be taken for such a one.
    """
    write_private(settings.data_directory / ALONE, b"This master works without certificates.\n")


def is_alone(settings: Settings) -> bool:
    return (settings.data_directory / ALONE).exists()


def refuse_alone(settings: Settings) -> None:
    if is_alone(settings):
        raise ConfigurationError(
            f"{settings.data_directory} belongs to a proxy: run it with 'slapmaster proxy'"
        )


def database_file(settings: Settings) -> Path:
    return settings.data_directory / "Data.fs"


def open_issuer(settings: Settings) -> AuthorityIssuer | None:
    """Read the keys; ``None`` for a master that works without certificates.

    Raises ``ConfigurationError`` when there is no master in the directory, or only half of one.
    """
    if is_alone(settings):
        return None
    missing = [path for path in secret_files(settings) if not path.exists()]
    if missing and database_file(settings).exists():
        raise ConfigurationError(
            f"{settings.data_directory} has a database and no {missing[0].name}: "
            "bring the keys back from where you keep them"
        )
    if missing:
        raise ConfigurationError(
            f"no master in {settings.data_directory} ({missing[0].name} is missing): "
            "make one with 'slapmaster init'"
        )
    authority = Authority.load(
        settings.authority_certificate.read_bytes(), settings.authority_key.read_bytes()
    )
    days = {
        "COMP": settings.node_certificate_days,
        "SOFTINST": settings.instance_certificate_days,
        "PERS": settings.person_certificate_days,
    }
    return AuthorityIssuer(authority, Seal.load(settings.seal_key.read_bytes()), days)


def keep_server_certificate(settings: Settings, authority: Authority, now: datetime) -> str:
    """Make the listener's certificate if need be; tell why, or nothing if it is right."""
    reason = why_renew(settings, authority, now)
    if reason:
        issued = authority.issue_server(
            settings.server_names, days=settings.server_certificate_days, now=now
        )
        chain = issued.certificate.encode() + authority.certificate_pem
        write_private(settings.server_key, issued.key.encode(), replace=True)
        write_private(settings.server_certificate, chain, replace=True)
    return reason


def why_renew(settings: Settings, authority: Authority, now: datetime) -> str:
    """Say why the listener's certificate has to be made again; nothing if it has not."""
    if not settings.server_certificate.exists() or not settings.server_key.exists():
        return "there was none"
    certificate = _read_certificate(settings.server_certificate)
    if not _is_issued_by(certificate, authority):
        return ""  # somebody else's: they renew it themselves
    if _read_key(settings.server_key).public_key() != certificate.public_key():
        return "its key was another"
    begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if end - now < (end - begin) * RENEWED_AT:
        return f"it would have ended at {end:%Y-%m-%d %H:%M}"
    if names_in(certificate) != set(settings.server_names):
        return "the server's names have changed"
    return ""


def _read_key(path: Path) -> PrivateKeyTypes:
    try:
        return load_pem_private_key(path.read_bytes(), None)
    except (TypeError, ValueError) as error:
        raise ConfigurationError(f"{path} can't be read as a private key: {error}") from error


def names_in(certificate: x509.Certificate) -> set[str]:
    alternatives = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    return {str(name.value) for name in alternatives.value}


def make_private_directory(path: Path) -> None:
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.stat().st_uid != os.getuid():
        raise ConfigurationError(f"{path} belongs to another user")
    path.chmod(0o700)


def write_private(path: Path, content: bytes, *, replace: bool = False) -> None:
    """Write a file that only its owner can read; it is whole or not there, and on disk."""
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with open(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if replace:
            partial.replace(path)
        else:
            os.link(partial, path)
    finally:
        partial.unlink(missing_ok=True)
    sync_directory(path.parent)


def sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _read_certificate(path: Path) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except ValueError as error:
        raise ConfigurationError(f"{path} holds no certificate: {error}") from error


def _is_issued_by(certificate: x509.Certificate, authority: Authority) -> bool:
    try:
        certificate.verify_directly_issued_by(authority.certificate)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True
