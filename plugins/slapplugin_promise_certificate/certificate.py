"""Promise type: a certificate is good for some more days.

Of a certificate only the two dates are read; whether it is the right one is not asked here.
"""

import socket
import ssl
from collections.abc import Iterator
from datetime import UTC
from datetime import datetime
from pathlib import Path

from slapcore.errors import InvalidValue
from slapcore.promise.typed import TypedPromise

_SEQUENCE = 0x30
_UTC_TIME = 0x17


class CertificatePromise(TypedPromise):
    """A certificate is good for some more days."""

    periodicity = 60

    takes = {
        "file": "the file that holds it, as PEM; the first one counts",
        "host": "a server that shows it, instead of a file",
        "port": "the server's port (443)",
        "days": "for how many days it has to be good (15)",
        "timeout": "seconds to wait for the server (5)",
    }

    def sense(self) -> None:
        path, host = self.option("file", ""), self.option("host", "")
        if bool(path) == bool(host):
            raise InvalidValue("a certificate is in a file, or shown by a host")
        begin, end = read_dates(_read_file(path) if path else self._ask_server(host))
        now = datetime.now(UTC)
        left = (end - now).total_seconds() / 86400
        where = path or host
        if begin > now:
            self.log.error("the certificate of %s begins on %s only", where, begin)
        elif left < self.number("days", 15):
            self.log.error("the certificate of %s ends on %s, in %.1f days", where, end, left)
        else:
            self.log.info("the certificate of %s ends on %s, in %.1f days", where, end, left)

    def _ask_server(self, host: str) -> bytes:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        address = (host, int(self.number("port", 443)))
        with (
            socket.create_connection(address, self.number("timeout", 5)) as plain,
            context.wrap_socket(plain, server_hostname=host) as own,
        ):
            return own.getpeercert(binary_form=True) or b""


def _read_file(path: str) -> bytes:
    begin, end = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
    text = Path(path).read_text(encoding="utf-8")
    if begin not in text or end not in text:
        raise InvalidValue(f"{path} holds no certificate")
    pem = text[text.index(begin) : text.index(end) + len(end)]
    return ssl.PEM_cert_to_DER_cert(pem + "\n")


def read_dates(der: bytes) -> tuple[datetime, datetime]:
    """Read from when until when a certificate is good."""
    try:
        _, certificate = next(_read_parts(der))
        _, signed = next(_read_parts(certificate))
        # Version and serial number, algorithm, issuer: the third sequence has the dates.
        sequences = [content for tag, content in _read_parts(signed) if tag == _SEQUENCE]
        begin, end = (_read_date(tag, content) for tag, content in _read_parts(sequences[2]))
    except (IndexError, StopIteration, ValueError) as error:
        raise InvalidValue("that is no certificate") from error
    return begin, end


def _read_parts(der: bytes) -> Iterator[tuple[int, bytes]]:
    """Read what follows one another on one level: tag and content of each."""
    while der:
        tag, length, start = der[0], der[1], 2
        if length & 0x80:
            start = 2 + (length & 0x7F)
            length = int.from_bytes(der[2:start], "big")
        if start + length > len(der):
            raise ValueError("it is cut off")
        yield tag, der[start : start + length]
        der = der[start + length :]


def _read_date(tag: int, content: bytes) -> datetime:
    form = "%y%m%d%H%M%SZ" if tag == _UTC_TIME else "%Y%m%d%H%M%SZ"
    return datetime.strptime(content.decode("ascii"), form).replace(tzinfo=UTC)
