"""The binary cache as a part of the master: who may put, what is counted, what stays."""

import hashlib
import json
import time
from urllib.parse import urlencode

import pytest

from shacache.cache import Cache
from shacache.settings import Settings
from shacache.upload import Account
from slapcore.protocol import shadir
from slapcore.protocol.shadir import Entry
from tests.commands import Slapmaster
from tests.shacache.world import KEY
from tests.shacache.world import URL
from tests.shacache.world import Signer
from tests.shacache.world import about

DATA = b"what was built" * 100_000
CONTENT = {"Content-Type": "application/octet-stream"}


class House:
    """A master with a cache, and the people and nodes who ask it."""

    def __init__(self, folder, settings="", **variables):
        self.folder = folder
        (folder / "shacache.ini").write_text(f"[shacache]\n{settings}")
        said = {f"SLAPMASTER_{name.upper()}": value for name, value in variables.items()}
        where = {"SLAPMASTER_CACHE": str(folder / "shacache.ini")}
        self.master = Slapmaster(folder / "data", {**where, **said})
        self.master.init("--certificate-directory", folder / "alice")
        self.master.run("person", "add", "bob", "bob@example.com")
        self.master.run("project", "member", "add", "main", "bob", "--role", "customer")
        self.master.run("person", "certificate", "issue", "bob", folder / "bob")

    @property
    def cache(self):
        return Cache(Settings(directory=self.folder / "shacache"))

    def register_node(self, server):
        body = urlencode({"computer_title": "desk"})
        assert self.ask(server, "POST", "/requestComputer", body, by="alice")[0] == 200
        self.master.run("node", "certificate", "renew", "desk", self.folder / "desk")

    def ask(self, server, method, path, body="", by=None, **headers):
        authority = self.master.directory / "authority.crt"
        certificate = self.folder / by if by else None
        more = {name.replace("_", "-"): value for name, value in headers.items()}
        return server.ask(
            method, path, body, authority=authority, certificate=certificate, headers=more
        )

    def post(self, server, data, by=None, **headers):
        return self.ask(server, "POST", "/shacache", data, by=by, **headers)

    def put_entry(self, server, entry, by=None):
        return self.ask(server, "PUT", f"/shadir/{KEY}", shadir.write_entry(entry), by=by)


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    return House(tmp_path_factory.mktemp("house"))


@pytest.fixture(scope="module")
def server(house):
    with house.master.serving() as server:
        house.register_node(server)
        yield server


@pytest.fixture(scope="module")
def alice(house, server):
    """Whose signature counts; registered while the master serves."""
    signer = Signer("alice")
    cache = house.cache
    signer.register(cache)
    cache.close()
    return signer


def test_who_runs_a_project_s_nodes_puts_and_everybody_gets(house, server, alice):
    status, body = house.post(server, DATA, by="alice")
    assert (status, body.decode()) == (201, hashlib.sha512(DATA).hexdigest())
    assert house.put_entry(server, alice.sign(about(DATA), KEY), by="alice")[0] == 201
    status, body = house.ask(server, "GET", f"/shadir/{KEY}")
    ((text, _),) = json.loads(body)
    sha512 = json.loads(text)["sha512"]
    assert house.ask(server, "GET", f"/shacache/{sha512}") == (200, DATA)
    assert house.ask(server, "GET", f"/shacache/{sha512}", Range="bytes=-4") == (206, DATA[-4:])


def test_a_node_puts_with_its_certificate(house, server, alice):
    data = DATA + b"by a node"
    assert house.post(server, data, by="desk")[0] == 201
    assert house.put_entry(server, alice.sign(about(data), KEY), by="desk")[0] == 201
    cache = house.cache
    (record,) = cache.directory.records(KEY)
    cache.close()
    assert record.uploader == "COMP-1"


@pytest.mark.parametrize(("by", "status"), [(None, 401), ("bob", 403)])
def test_customers_and_strangers_do_not(house, server, alice, by, status):
    assert house.post(server, b"more", by=by)[0] == status
    assert house.put_entry(server, alice.sign(about(DATA)), by=by)[0] == status
    assert not list((house.folder / "shacache" / "incoming").iterdir())


def test_the_right_to_put_is_no_right_to_sign(house, server, alice):
    assert house.post(server, DATA, by="alice")[0] == 201
    assert house.put_entry(server, Signer("mallory").sign(about(DATA)), by="alice")[0] == 403
    unsigned = Entry(alice.sign(about(DATA)).text, "")
    assert house.put_entry(server, unsigned, by="desk")[0] == 403


def test_an_account_of_the_cache_s_own_puts_by_its_token(house, server):
    cache = house.cache
    token = cache.gate.add(Account(name="robot"))
    cache.close()
    assert house.post(server, b"by a robot", Authorization=f"Bearer {token}")[0] == 201
    assert house.post(server, b"by another", Authorization="Bearer wrong")[0] == 401


def test_a_revoked_certificate_puts_nothing_from_the_next_request_on(house, server):
    house.master.run("person", "add", "carol", "carol@example.com")
    house.master.run("project", "member", "add", "main", "carol", "--role", "agent")
    house.master.run("person", "certificate", "issue", "carol", house.folder / "carol")
    assert house.post(server, b"one", by="carol")[0] == 201
    house.master.run("person", "certificate", "revoke", "carol", "--reason", "lost")
    assert house.post(server, b"two", by="carol")[0] == 401


def test_what_is_supplied_is_pinned_until_it_is_no_longer(house, server):
    house.master.run("supply", "desk", URL)
    assert wait_for_pins(house, {KEY})
    house.master.run("supply", "desk", URL, "destroyed")
    assert wait_for_pins(house, set())


def wait_for_pins(house, wanted):
    cache = house.cache
    try:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            if set(cache.supplied.listed()) == wanted:
                return True
            time.sleep(0.1)
        return False
    finally:
        cache.close()


def test_the_master_s_own_pages_are_what_they_were(house, server):
    assert house.ask(server, "GET", "/shacache/status")[0] == 200
    assert house.ask(server, "GET", "/nothing")[0] == 404
    body = urlencode({"computer_title": "shelf"})
    assert house.ask(server, "POST", "/requestComputer", body, by="alice")[0] == 200


def test_what_is_too_large_for_the_master_is_not_for_its_cache(house, server):
    data = bytes(9 << 20)
    assert house.post(server, data, by="alice")[0] == 201
    assert house.ask(server, "POST", "/requestComputer", data, by="alice")[0] == 413


def test_a_project_has_a_quota_that_its_people_and_nodes_share(tmp_path):
    house = House(tmp_path, cache_bytes_per_day="3 MiB")
    with house.master.serving() as server:
        house.register_node(server)
        assert house.post(server, bytes(2 << 20), by="alice")[0] == 201
        status, said = house.post(server, bytes(2 << 20), by="desk")
        assert (status, b"PROJ-1 may put 3145728 bytes a day" in said) == (429, True)
        assert house.post(server, b"little", by="desk")[0] == 201


def test_where_not_everybody_may_read_whoever_the_master_knows_may(tmp_path):
    house = House(tmp_path, "public = no\n")
    with house.master.serving() as server:
        house.register_node(server)
        _, sha512 = house.post(server, DATA, by="alice")
        path = f"/shacache/{sha512.decode()}"
        assert house.ask(server, "GET", path)[0] == 401
        for by in ("alice", "bob", "desk"):
            assert house.ask(server, "GET", path, by=by) == (200, DATA)


def test_room_is_made_and_what_is_supplied_stays(tmp_path):
    house = House(tmp_path, "cap = 3 MiB\nunsigned = yes\n")
    with house.master.serving() as server:
        house.register_node(server)
        house.master.run("supply", "desk", URL)
        assert wait_for_pins(house, {KEY})
        first = bytes(1 << 20)
        sha512 = house.post(server, first, by="alice")[1].decode()
        entry = shadir.make_entry(about(first), None)
        assert house.put_entry(server, entry, by="alice")[0] == 201
        others = []
        for number in range(1, 5):
            data = bytes([number]) * (1 << 20)
            status, body = house.post(server, data, by="alice")
            assert status == 201
            others.append(body.decode())
            time.sleep(0.02)
        deadline = time.monotonic() + 20
        while house.ask(server, "HEAD", f"/shacache/{others[0]}")[0] == 200:
            assert time.monotonic() < deadline
            time.sleep(0.2)
        assert house.ask(server, "HEAD", f"/shacache/{sha512}")[0] == 200
        assert house.ask(server, "GET", f"/shadir/{KEY}")[0] == 200


def test_two_servers_do_not_take_the_same_cache(house, server, tmp_path):
    other = Slapmaster(tmp_path / "data", house.master.variables)
    other.init()
    said = other.run("serve", "--listen", "127.0.0.1:0", code=1)
    assert "a server works in" in said


def test_settings_of_a_cache_that_are_not_there_are_said(tmp_path):
    master = Slapmaster(tmp_path / "data", {"SLAPMASTER_CACHE": str(tmp_path / "no.ini")})
    master.init()
    assert "no.ini" in master.run("serve", "--listen", "127.0.0.1:0", code=1)
