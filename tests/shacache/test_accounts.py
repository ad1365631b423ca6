"""Who may put and read: tokens, certificates, prefixes, limits."""

import ssl
from datetime import UTC
from datetime import datetime
from http.client import HTTPSConnection

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from shacache.upload import Account
from shacache.upload import fingerprint_of
from slapcore.errors import Conflict
from slapcore.errors import NotFound
from slapcore.protocol import shadir
from slapmaster.auth.authority import Authority
from tests.shacache.world import KEY
from tests.shacache.world import URL
from tests.shacache.world import about
from tests.shacache.world import make_cache
from tests.shacache.world import serving
from tests.shacache.world import sum_of

DATA = b"some content"


@pytest.fixture
def closed(folder, alice):
    """A cache into which nobody may put without an account."""
    cache = make_cache(folder, open_networks=())
    alice.register(cache)
    with serving(cache) as door:
        yield door


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


def test_nobody_puts_without_an_account(closed, alice):
    assert closed.post(DATA).status_code == 401
    assert closed.post(DATA, **bearer("guess")).status_code == 401
    assert closed.put_entry(KEY, alice.sign(about(DATA))).status_code == 401
    assert closed.get(sum_of(DATA)).status_code == 404


@pytest.mark.parametrize("header", ["Basic", "Basic ?", "Basic w6Q=", "Bearer", "Digest x", "ä"])
def test_credentials_that_make_no_sense_are_none(closed, header):
    assert closed.post(DATA, Authorization=header.encode()).status_code == 401


def test_a_token_lets_in_as_a_bearer_s_and_as_a_password(closed):
    token = closed.cache.gate.add(Account(name="bob"))
    assert closed.post(DATA, **bearer(token)).status_code == 201
    with_password = closed.url.replace("://", f"://any:{token}@")
    closed.url = with_password
    assert closed.post(DATA).status_code == 201


def test_a_removed_account_is_out_at_once(closed):
    token = closed.cache.gate.add(Account(name="bob"))
    closed.cache.gate.remove("bob")
    assert closed.post(DATA, **bearer(token)).status_code == 401
    with pytest.raises(NotFound):
        closed.cache.gate.remove("bob")


def test_a_name_is_given_once(closed):
    closed.cache.gate.add(Account(name="bob"))
    with pytest.raises(Conflict):
        closed.cache.gate.add(Account(name="bob"))


def test_a_token_is_kept_nowhere(closed, folder):
    token = closed.cache.gate.add(Account(name="bob"))
    assert token not in (folder / "accounts.json").read_text()


def test_an_account_puts_under_its_own_prefixes_only(closed, alice):
    prefixes = ("pypi:", "http://example.com/")
    token = closed.cache.gate.add(Account(name="bob", prefixes=prefixes))
    closed.post(DATA, **bearer(token))
    entry = alice.sign(about(DATA))
    assert closed.put_entry(KEY, entry, **bearer(token)).status_code == 201
    package = alice.sign({"sha512": sum_of(DATA), "basename": "foo-1.0.zip"})
    assert closed.put_entry("pypi:foo=1.0", package, **bearer(token)).status_code == 201
    other = "http://example.org/software.cfg"
    entry = alice.sign(about(DATA, software_url=other))
    answer = closed.put_entry(shadir.release_key(other), entry, **bearer(token))
    assert (answer.status_code, "bob may not" in answer.text) == (403, True)
    entry = alice.sign({"sha512": sum_of(DATA), "url": URL + "x"})
    assert closed.put_entry("other", alice.sign({"sha512": sum_of(DATA)}),
                            **bearer(token)).status_code == 403  # fmt: skip


def test_who_may_only_read_puts_nothing(folder):
    with serving(make_cache(folder, open_networks=(), public=False)) as door:
        reader = door.cache.gate.add(Account(name="reader", may_put=False))
        writer = door.cache.gate.add(Account(name="writer"))
        assert door.post(DATA, **bearer(reader)).status_code == 403
        assert door.post(DATA, **bearer(writer)).status_code == 201
        assert door.get(sum_of(DATA)).status_code == 401
        assert door.get(sum_of(DATA), **bearer(reader)).content == DATA


def test_an_account_s_limits_hold(closed):
    gate = closed.cache.gate
    small = gate.add(Account(name="small", max_size=10))
    assert closed.post(b"x" * 10, **bearer(small)).status_code == 201
    assert closed.post(b"x" * 11, **bearer(small)).status_code == 413
    assert closed.ask("POST", "/shacache", iter([b"x" * 11]), **bearer(small)).status_code == 413
    daily = gate.add(Account(name="daily", bytes_per_day=100))
    assert closed.post(b"y" * 60, **bearer(daily)).status_code == 201
    answer = closed.post(b"z" * 60, **bearer(daily))
    assert (answer.status_code, "100 bytes a day" in answer.text) == (429, True)
    assert closed.post(b"z" * 40, **bearer(daily)).status_code == 201
    slow = gate.add(Account(name="slow", puts_per_minute=2))
    statuses = [closed.post(b"%d" % number, **bearer(slow)).status_code for number in range(3)]
    assert statuses == [201, 201, 429]


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """A server's certificate and two clients', as files; their authority is the cache's nobody."""
    folder = tmp_path_factory.mktemp("certificates")
    now = datetime.now(UTC)
    authority = Authority.create("Test authority", now)
    issued = {
        "server": authority.issue_server(["localhost", "127.0.0.1"], days=9, now=now),
        "builder": authority.issue("builder", "", days=9, now=now),
        "other": authority.issue("other", "", days=9, now=now),
    }
    for name, each in issued.items():
        (folder / f"{name}.crt").write_text(each.certificate)
        (folder / f"{name}.key").write_text(each.key)
    (folder / "authority.crt").write_bytes(authority.certificate_pem)
    return folder


def ask_securely(port, certificates, name):
    context = ssl.create_default_context(cafile=certificates / "authority.crt")
    context.load_cert_chain(certificates / f"{name}.crt", certificates / f"{name}.key")
    asking = HTTPSConnection("localhost", port, timeout=10, context=context)
    asking.request("POST", "/shacache", DATA)
    answer = asking.getresponse()
    asking.close()
    return answer.status


def test_a_certificate_lets_in_whom_it_is_registered_for(folder, certificates):
    cache = make_cache(
        folder,
        open_networks=(),
        listen=(),
        listen_tls=(("localhost", 0),),
        certificate=certificates / "server.crt",
        key=certificates / "server.key",
    )
    found = x509.load_pem_x509_certificate((certificates / "builder.crt").read_bytes())
    fingerprint = fingerprint_of(found.public_bytes(Encoding.DER))
    assert cache.gate.add(Account(name="builder"), fingerprint=fingerprint) == ""
    with serving(cache) as door:
        assert ask_securely(door.port, certificates, "builder") == 201
        assert ask_securely(door.port, certificates, "other") == 401


def test_another_way_to_know_who_asks_can_be_plugged_in(folder):
    def identify(environ):
        return Account(name="known") if environ.get("HTTP_X_NAME") == "known" else None

    cache = make_cache(folder, open_networks=())
    cache.gate._identify = identify
    with serving(cache) as door:
        assert door.post(DATA, X_Name="known").status_code == 201
        assert door.post(DATA, X_Name="unknown").status_code == 401


def test_a_change_of_the_accounts_counts_from_the_next_request_on(closed, folder):
    other = make_cache(folder)
    token = other.gate.add(Account(name="late"))
    other.close()
    assert closed.post(DATA, **bearer(token)).status_code == 201
