"""The sockets under HTTP: opened, accepted, read and written without ever waiting.

A TLS peer is asked for a certificate and may send any or none: who signed it and whether
it is still valid is for the application to say, in an answer that people can read.
"""

import contextlib
import errno
import os
import select
import socket
import stat
import struct
from pathlib import Path

from OpenSSL import SSL
from OpenSSL import crypto

from slapcore import errors
from slapcore.server.http1 import Refused

RECEIVED_AT_ONCE = 64 << 10
DISCARDED_AT_ONCE = 1 << 20
FILE_AT_ONCE = 1 << 20
ENCRYPTED_AT_ONCE = 256 << 10
BACKLOG = 1024

#: the first byte of a TLS connection: a handshake record
HANDSHAKE = b"\x16"

#: for TLS 1.2; all those of TLS 1.3 are good
CIPHERS = b"ECDHE+AESGCM:ECDHE+CHACHA20"

#: OpenSSL's flag by which a write returns after each record of 16 KiB
PARTIAL_WRITE = 1

Pieces = list[bytes | memoryview]


class PlainTransport:
    """A TCP or unix connection.

    Nothing here waits.  What can't be done yet says so, and ``wants`` is then the event to
    wait for.  A lost peer is an ``OSError``, one that has ended an ``EOFError``.
    """

    certificate: bytes | None = None
    #: whether the kernel can send a file without anybody reading it first
    sends_files = True

    def __init__(self, sock: socket.socket) -> None:
        self.wants = select.EPOLLIN
        self._sock = sock

    def fileno(self) -> int:
        return self._sock.fileno()

    def open(self) -> bool:
        """Do what comes before the first request; tell whether it is done."""
        return True

    def receive(self) -> bytes | None:
        try:
            data = self._sock.recv(RECEIVED_AT_ONCE)
        except BlockingIOError:
            self.wants = select.EPOLLIN
            return None
        if not data:
            raise EOFError
        return data

    def has_pending(self) -> bool:
        """Tell whether there is input that the kernel does not know of."""
        return False

    def send(self, pieces: Pieces) -> int:
        """Send the beginning of ``pieces``; how much of it was sent."""
        try:
            if len(pieces) == 1:
                return self._sock.send(pieces[0])
            return self._sock.sendmsg(pieces)
        except BlockingIOError:
            self.wants = select.EPOLLOUT
            return 0

    def send_file(self, descriptor: int, offset: int, size: int) -> int:
        """Send the next bytes of a file, up to ``size`` of them; how many that were."""
        try:
            sent = os.sendfile(self._sock.fileno(), descriptor, offset, min(size, FILE_AT_ONCE))
        except BlockingIOError:
            self.wants = select.EPOLLOUT
            return 0
        if not sent:
            raise RuntimeError("a file ends before its answer does")
        return sent

    def finish(self) -> None:
        """Say that nothing more will be sent."""
        self._sock.shutdown(socket.SHUT_WR)

    def discard(self) -> None:
        """Throw away what has come in.

        Closing a socket with input in it would reset the connection, and the peer might
        never see the answer that said why.
        """
        self.wants = select.EPOLLIN
        with contextlib.suppress(BlockingIOError):
            for _ in range(DISCARDED_AT_ONCE // RECEIVED_AT_ONCE):
                if not self._sock.recv(RECEIVED_AT_ONCE):
                    raise EOFError

    def close(self) -> None:
        self._sock.close()


class TLSTransport(PlainTransport):
    """A TCP connection with TLS on it."""

    sends_files = False

    def __init__(self, sock: socket.socket, context: SSL.Context) -> None:
        super().__init__(sock)
        self._tls = SSL.Connection(context, sock)
        self._tls.set_accept_state()
        self._greeted = False
        self._opened = False

    def open(self) -> bool:
        if self._opened:
            return True
        if not self._greeted and not self._greet():
            return False
        try:
            self._tls.do_handshake()
        except SSL.Error as error:
            return self._wait_for(error)
        self._opened = True
        certificate = self._tls.get_peer_certificate()
        if certificate is not None:
            self.certificate = crypto.dump_certificate(crypto.FILETYPE_ASN1, certificate)
        return True

    def receive(self) -> bytes | None:
        try:
            return self._tls.recv(RECEIVED_AT_ONCE)
        except SSL.Error as error:
            self._wait_for(error)
            return None

    def has_pending(self) -> bool:
        return self._tls.pending() > 0

    def send(self, pieces: Pieces) -> int:
        if not self._opened:
            return super().send(pieces)
        try:
            return self._tls.send(memoryview(pieces[0])[:ENCRYPTED_AT_ONCE])
        except SSL.Error as error:
            self._wait_for(error)
            return 0

    def finish(self) -> None:
        self._say_goodbye()
        super().finish()

    def close(self) -> None:
        self._say_goodbye()
        super().close()

    def _greet(self) -> bool:
        """Look at the first byte: whoever speaks plain HTTP here is told so."""
        try:
            first = self._sock.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return False
        if not first:
            raise EOFError
        if first != HANDSHAKE:
            raise Refused(400, "This port speaks HTTPS, and the request came in plain HTTP.")
        self._greeted = True
        return True

    def _wait_for(self, error: SSL.Error) -> bool:
        """Turn OpenSSL's outcome into the event to wait for, or into a lost peer."""
        if isinstance(error, SSL.WantReadError):
            self.wants = select.EPOLLIN
        elif isinstance(error, SSL.WantWriteError):
            self.wants = select.EPOLLOUT
        elif isinstance(error, SSL.ZeroReturnError):
            raise EOFError from error
        else:
            raise ConnectionAbortedError(f"TLS: {error}") from error
        return False

    def _say_goodbye(self) -> None:
        if self._opened:
            self._opened = False
            with contextlib.suppress(SSL.Error):
                self._tls.shutdown()


def make_context(certificate: Path, key: Path) -> SSL.Context:
    """Make the server's side of TLS from its certificate (chain) and key, both PEM files."""
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.set_min_proto_version(SSL.TLS1_2_VERSION)
    # A resumed session would show the certificate of the day it began: each connection proves
    # anew who it is.
    context.set_options(SSL.OP_NO_TICKET | SSL.OP_NO_RENEGOTIATION | SSL.OP_NO_COMPRESSION)
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    context.set_mode(SSL.MODE_RELEASE_BUFFERS)
    context.clear_mode(PARTIAL_WRITE)
    context.set_cipher_list(CIPHERS)
    context.set_verify(SSL.VERIFY_PEER, _accept_any)
    try:
        context.use_certificate_chain_file(str(certificate))
        context.use_privatekey_file(str(key))
        context.check_privatekey()
    except SSL.Error as error:
        raise errors.ConfigurationError(
            f"{certificate} and {key} are not a certificate and its key: {error}"
        ) from error
    return context


def listen_tcp(host: str, port: int) -> socket.socket:
    """Listen on one address; the host ``*`` means all, of both families where there are two."""
    if host != "*":
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return _listen(family, (host, port), v6only=True)
    try:
        return _listen(socket.AF_INET6, ("::", port), v6only=False)
    except OSError as error:
        if error.errno not in (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL):
            raise
        return _listen(socket.AF_INET, ("0.0.0.0", port), v6only=False)


def listen_unix(path: Path) -> socket.socket:
    """Listen on a unix socket that nobody but our own user can connect to."""
    _remove_stale(path)
    sock = socket.socket(socket.AF_UNIX)
    try:
        sock.bind(str(path))
        # Nobody can connect before listen, so there is no moment at which it is open to others.
        path.chmod(0o600)
        sock.listen(BACKLOG)
    except OSError as error:
        sock.close()
        raise errors.ConfigurationError(f"can't listen on {path}: {error}") from error
    sock.setblocking(False)
    return sock


def peer_uid(sock: socket.socket) -> int:
    """The user at the other end of a unix socket, as the kernel knows it."""
    credentials = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    return int(struct.unpack("3i", credentials)[1])


def _listen(family: int, address: tuple[str, int], *, v6only: bool) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, v6only)
        # Accepted sockets inherit it.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.bind(address)
        sock.listen(BACKLOG)
    except OSError:
        sock.close()
        raise
    sock.setblocking(False)
    return sock


def _remove_stale(path: Path) -> None:
    """Remove the socket of a server that is gone; refuse to take it from one that runs."""
    try:
        if not stat.S_ISSOCK(os.lstat(path).st_mode):
            raise errors.ConfigurationError(f"{path} is in the way and not a socket")
    except FileNotFoundError:
        return
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
            return
    raise errors.ConfigurationError(f"another server listens on {path}")


def _accept_any(
    connection: SSL.Connection, certificate: crypto.X509, error: int, depth: int, ok: int
) -> bool:
    return True
