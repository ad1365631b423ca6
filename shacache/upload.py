"""Who may put, under which keys, and how much; who may read where not everybody may.

An account is known by the certificate its connection has proved (by fingerprint), or by a
token, as a bearer token or as the password of basic authentication.  Where the operator says
so, whoever comes from certain networks may put without an account.
"""

import base64
import hashlib
import ipaddress
import secrets
import threading
import time
from collections import deque
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
from typing import Any
from typing import Protocol

from shacache.errors import TooLarge
from shacache.errors import TooMuch
from shacache.ledger import Content
from shacache.ledger import Ledger
from slapcore.errors import Conflict
from slapcore.errors import Forbidden
from slapcore.errors import NotFound
from slapcore.errors import Unauthenticated

Environ = Mapping[str, Any]
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

DAY = 86400.0
MINUTE = 60.0


@dataclass(frozen=True, kw_only=True)
class Account:
    """Somebody who may put or read; 0 is no limit.

    ``prefixes`` are beginnings of keys or of the URLs that keys stand for.  What is put counts
    for the ``purse``, which several may share.
    """

    name: str
    may_put: bool = True
    prefixes: tuple[str, ...] = ("",)
    max_size: int = 0
    bytes_per_day: int = 0
    puts_per_minute: int = 0
    purse: str = ""

    @property
    def payer(self) -> str:
        return self.purse or self.name

    def check_key(self, key: str, urls: Sequence[str]) -> None:
        """Refuse a key that is none of this account's."""
        if not any(word.startswith(prefix) for prefix in self.prefixes for word in (key, *urls)):
            raise Forbidden(f"{self.name} may not put entries under this key")


class Identifier(Protocol):
    """Another way to know who asks, such as the certificates of a master."""

    def __call__(self, environ: Environ) -> Account | None: ...


@dataclass
class Spent:
    """What one account has put in the last day and minute."""

    sizes: deque[tuple[float, int]] = field(default_factory=deque)
    puts: deque[float] = field(default_factory=deque)

    def bytes_in_a_day(self, now: float) -> int:
        while self.sizes and self.sizes[0][0] <= now - DAY:
            self.sizes.popleft()
        return sum(size for _, size in self.sizes)

    def puts_in_a_minute(self, now: float) -> int:
        while self.puts and self.puts[0] <= now - MINUTE:
            self.puts.popleft()
        return len(self.puts)


class Gate:
    """Lets in who may."""

    def __init__(
        self,
        ledger: Ledger,
        networks: Sequence[Network] = (),
        *,
        public: bool = True,
        identify: Identifier | None = None,
    ) -> None:
        self._ledger = ledger
        self._networks = networks
        self._public = public
        self._identify = identify
        self._spent: dict[str, Spent] = {}
        self._lock = threading.Lock()

    def accounts(self) -> Content:
        return self._ledger.read()

    def add(self, account: Account, *, fingerprint: str = "") -> str:
        """Register an account; its token, which is kept nowhere, unless by a certificate."""
        token = "" if fingerprint else secrets.token_urlsafe(32)
        known = {
            "fingerprint": fingerprint,
            "token": _digest(token) if token else "",
            "may_put": account.may_put,
            "prefixes": list(account.prefixes),
            "max_size": account.max_size,
            "bytes_per_day": account.bytes_per_day,
            "puts_per_minute": account.puts_per_minute,
        }

        def edit(content: Content) -> None:
            if account.name in content:
                raise Conflict(f"there is an account {account.name} already")
            content[account.name] = known

        self._ledger.change(edit)
        return token

    def remove(self, name: str) -> None:
        def edit(content: Content) -> None:
            if content.pop(name, None) is None:
                raise NotFound(f"there is no account {name}")

        self._ledger.change(edit)

    def check_reader(self, environ: Environ) -> None:
        if not self._public and self._find(environ) is None:
            raise Unauthenticated("this cache is read with a certificate or a token only")

    def check_writer(self, environ: Environ, announced: int = 0) -> Account:
        """Give the account that puts; refuse when it may not, or not so much."""
        account = self._find(environ)
        if account is None:
            raise Unauthenticated("nothing is put here without a certificate or a token")
        if not account.may_put:
            raise Forbidden(f"{account.name} may only read")
        if account.max_size and announced > account.max_size:
            raise TooLarge(f"{account.name} may put {account.max_size} bytes at once")
        now = time.time()
        with self._lock:
            spent = self._spent.setdefault(account.payer, Spent())
            if account.puts_per_minute and spent.puts_in_a_minute(now) >= account.puts_per_minute:
                raise TooMuch(f"{account.payer} may put {account.puts_per_minute} times a minute")
            allowed = account.bytes_per_day
            if allowed and spent.bytes_in_a_day(now) + announced > allowed:
                raise TooMuch(f"{account.payer} may put {allowed} bytes a day")
            if account.puts_per_minute:
                spent.puts.append(now)
        return account

    def note(self, account: Account, size: int) -> None:
        """Count what an account has put."""
        if account.bytes_per_day:
            with self._lock:
                self._spent.setdefault(account.payer, Spent()).sizes.append((time.time(), size))

    def _find(self, environ: Environ) -> Account | None:
        found = self._identify(environ) if self._identify is not None else None
        if found is not None:
            return found
        proofs = _proofs(environ)
        for name, each in self._ledger.read().items():
            if proofs & {each["fingerprint"], each["token"]} - {""}:
                return _account(name, each)
        if _is_within(environ.get("REMOTE_ADDR", ""), self._networks):
            return Account(name="anonymous")
        return None


def fingerprint_of(certificate: bytes) -> str:
    """What a certificate, in DER, is registered by."""
    return hashlib.sha256(certificate).hexdigest()


def _account(name: str, content: Content) -> Account:
    limits = {each: content[each] for each in ("max_size", "bytes_per_day", "puts_per_minute")}
    prefixes = tuple(content["prefixes"])
    return Account(name=name, may_put=content["may_put"], prefixes=prefixes, **limits)


def _proofs(environ: Environ) -> set[str]:
    """What the asker has proved, in the form in which accounts keep it."""
    found = set()
    certificate = environ.get("slapmaster.client_certificate")
    if certificate is not None:
        found.add(fingerprint_of(certificate))
    kind, _, credentials = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
    if kind.lower() == "bearer":
        found.add(_digest(credentials.strip()))
    elif kind.lower() == "basic":
        try:
            text = base64.b64decode(credentials, validate=True).decode()
        except ValueError:
            return found
        found.add(_digest(text.partition(":")[2]))
    return found


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def _is_within(address: str, networks: Sequence[Network]) -> bool:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(found in network for network in networks)
