"""The binary cache and the real ``slapos``: lookups in ours, and what SlapProxy's accepts."""

import http.client
import subprocess
from contextlib import closing

import pytest

from slapcore.protocol import shadir
from slapcore.protocol.shadir import Entry
from slapmaster.demo.environment import NEWEST
from slapmaster.demo.process import end
from tests.served import free_port
from tests.shacache.world import KEY
from tests.shacache.world import URL
from tests.shacache.world import Signer
from tests.shacache.world import about
from tests.shacache.world import make_cache
from tests.shacache.world import serving
from tests.shacache.world import sum_of

pytestmark = pytest.mark.peer

DATA = b"what was built"
OTHER = shadir.release_key("http://example.com/other.cfg")


@pytest.fixture(scope="module")
def alice():
    return Signer("alice")


@pytest.fixture(scope="module")
def mallory():
    return Signer("mallory")


@pytest.fixture
def door(tmp_path, alice):
    cache = make_cache(tmp_path / "cache")
    alice.register(cache)
    with serving(cache) as door:
        door.post(DATA)
        yield door


@pytest.fixture
def slapos(install, door, alice, tmp_path):
    """Run ``slapos cachelookup`` against our cache."""
    _, certificate = alice.write(tmp_path)
    lines = certificate.read_text().replace("\n", "\n  ")
    path = tmp_path / "slapos.cfg"
    path.write_text(
        "[networkcache]\n"
        f"download-cache-url = {door.contents}\ndownload-dir-url = {door.entries}\n"
        f"download-binary-cache-url = {door.contents}\ndownload-binary-dir-url = {door.entries}\n"
        f"signature-certificate-list =\n  {lines}\n"
    )

    def run(*words):
        command = [install(NEWEST).slapos, "cachelookup", *words]
        command[3:3] = ["--cfg", path]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        return done.returncode, done.stdout + done.stderr

    return run


def test_a_release_is_looked_up(slapos, door, alice):
    code, said = slapos("binary-sr", URL)
    assert (code, "not found in binary cache" in said) == (1, True)
    door.put_entry(KEY, alice.sign(about(DATA), KEY))
    code, said = slapos("binary-sr", URL)
    assert code == 0, said
    assert "x86_64-linux-gnu" in said and "yes" in said, said


def test_a_file_and_a_package_are_looked_up(slapos, door, alice):
    url = "http://example.com/file.tar.gz"
    entry = alice.sign({"sha512": sum_of(DATA), "url": url})
    assert door.put_entry(shadir.file_key(url), entry).status_code == 201
    code, said = slapos("url", url)
    assert (code, url in said) == (0, True), said
    entry = alice.sign({"sha512": sum_of(DATA), "basename": "foo-1.0.tar.gz"})
    assert door.put_entry("pypi:foo=1.0", entry).status_code == 201
    code, said = slapos("pypi", "foo", "1.0")
    assert (code, sum_of(DATA) in said) == (0, True), said


class Legacy:
    """SlapProxy's cache."""

    def __init__(self, port):
        self.port = port

    def ask(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        with closing(connection):
            headers = {"Content-Type": "application/json"} if "/dir/" in path else {}
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read()

    def put_entry(self, key, entry):
        return self.ask("PUT", f"/shacache/dir/{key}", shadir.write_entry(entry))[0]

    def entries(self, key):
        status, body = self.ask("GET", f"/shacache/dir/{key}")
        return shadir.read_entries(body) if status == 200 else ()


@pytest.fixture
def legacy(install, tmp_path):
    port = free_port()
    for part in ("content", "metadata"):
        (tmp_path / part).mkdir()
    path = tmp_path / "proxy.cfg"
    path.write_text(
        f"[slapos]\nsoftware_root = {tmp_path}\ninstance_root = {tmp_path}\n"
        f"computer_id = node\nmaster_url = http://127.0.0.1:{port}/\n"
        f"[slapproxy]\nhost = 127.0.0.1\nport = {port}\ndatabase_uri = {tmp_path}/proxy.db\n"
        f"shacache_content_directory = {tmp_path}/content\n"
        f"shacache_metadata_directory = {tmp_path}/metadata\n"
    )
    command = [install(NEWEST).slapos, "proxy", "start", "--cfg", path]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
    try:
        found = Legacy(port)
        wait_for(found)
        yield found
    finally:
        end(process.pid)
        process.wait()


def wait_for(legacy):
    for _ in range(600):
        try:
            legacy.ask("GET", "/shacache/dir/nothing")
        except OSError:
            subprocess.run(["sleep", "0.05"], check=True)
        else:
            return
    raise AssertionError("SlapProxy does not answer")


def test_what_the_legacy_cache_takes_ours_refuses(legacy, door, alice, mallory):
    """The table of attacks in docs/shacache.rst."""
    legacy.ask("POST", "/shacache/cache", DATA)
    old, new = alice.sign(about(DATA, system="12")), alice.sign(about(DATA, system="12", more=1))
    attacks = [
        ("under another's key", OTHER, old),
        ("again, after a newer one", KEY, old),
        ("by an unknown key", KEY, mallory.sign(about(DATA))),
        ("unsigned", KEY, shadir.make_entry(about(DATA), None)),
        ("without its content", KEY, alice.sign(about(b"nowhere"))),
        ("very large", KEY, alice.sign(about(DATA, junk="x" * 10_000_000))),
        ("of no sum", KEY, Entry("{}", "")),
    ]
    for target in (legacy, door):
        target.put_entry(KEY, old)
        target.put_entry(KEY, new)
    for name, key, entry in attacks:
        assert legacy.put_entry(key, entry) == 201, name
        assert legacy.entries(key) == (entry,), name
        assert door.put_entry(key, entry).status_code in (400, 403, 409, 413), name
    assert [text for text, _ in door.look_up(KEY)] == [new.text]
    assert not door.look_up(OTHER)


def test_the_legacy_cache_loses_what_is_for_other_machines_and_ours_keeps_it(legacy, door, alice):
    entries = [alice.sign(about(DATA, system=system)) for system in ("11", "12")]
    for entry in entries:
        assert legacy.put_entry(KEY, entry) == 201
        assert door.put_entry(KEY, entry).status_code == 201
    assert legacy.entries(KEY) == (entries[1],)
    assert [text for text, _ in door.look_up(KEY)] == [entries[1].text, entries[0].text]
