"""The real legacy client against our cache: its library, its own test suite, its commands."""

import json
import os
import subprocess
import sys
from contextlib import closing
from io import BytesIO
from pathlib import Path
from urllib.error import HTTPError

import pytest
from slapos import libnetworkcache
from slapos import libnetworkcachetests

from slapcore.cache.trust import read_public_key
from slapcore.protocol import shadir
from slapcore.protocol.shadir import Entry
from tests.shacache.world import KEY
from tests.shacache.world import URL
from tests.shacache.world import Door
from tests.shacache.world import about
from tests.shacache.world import make_cache
from tests.shacache.world import serving
from tests.shacache.world import sum_of

DATA = b"what was built " * 10_000
SCRIPTS = Path(sys.executable).parent
#: These of the suite look into the directory of the suite's own server.
INSIDE = {
    "test_select_no_entries",
    "test_select_no_json_response",
    "test_select_json_no_in_json_response",
    "test_select_json_in_json_no_dict",
    "test_select_signed_content_server_hacked",
}
SUITE = sorted(
    name
    for name in dir(libnetworkcachetests.OnlineTest)
    if name.startswith("test_") and name not in INSIDE
)


@pytest.fixture
def client(door, alice, tmp_path):
    """A client that signs as alice and trusts nobody else."""
    return make_client(door, *alice.write(tmp_path))


def said():
    """Make the metadata as the library wants it: it adds the sum itself."""
    return {name: value for name, value in about(DATA).items() if name != "sha512"}


def make_client(door, key, certificate):
    return libnetworkcache.NetworkcacheClient(
        door.contents, door.entries, str(key), [certificate.read_text()]
    )


def test_what_the_library_uploads_it_downloads(client, door):
    assert client.upload(BytesIO(DATA), KEY, **said()) == sum_of(DATA)
    found = list(client.select(KEY))
    assert [entry["sha512"] for entry in found] == [sum_of(DATA)]
    with closing(client.download(sum_of(DATA))) as answer:
        assert answer.read() == DATA


def test_the_library_does_not_upload_what_is_here_already(client, door):
    for _ in range(2):
        client.upload(BytesIO(DATA))
    assert door.cache.statistic.events["upload"] == 1
    assert "duplicate" not in door.cache.statistic.events


def test_the_library_understands_a_stamped_entry(client, door, alice):
    door.post(DATA)
    door.put_entry(KEY, alice.sign(about(DATA), KEY))
    (found,) = client.select(KEY, {"software_url": URL}, {"multiarch"})
    assert found["sha512"] == sum_of(DATA)


def test_the_library_says_that_a_key_is_unknown(client):
    with pytest.raises(HTTPError) as raised:
        list(client.select("unknown"))
    assert raised.value.code == 404
    raised.value.close()


def test_the_library_goes_on_with_what_broke_off(client, door):
    client.upload(BytesIO(DATA))
    answer = client._request("cache", sum_of(DATA))
    begin = answer.read(1000)
    answer.response.close()
    # What the library does when it reads nothing although something is missing.
    answer.getresponse()
    assert answer.response.status == 206
    assert begin + answer.response.read() == DATA
    answer.response.close()


def test_the_library_refuses_a_content_that_was_damaged_on_the_disk(client, door, folder):
    client.upload(BytesIO(DATA))
    (path,) = folder.glob("contents/*/*")
    path.write_bytes(DATA[:-1] + b"!")
    damaged = client.download(sum_of(DATA))
    with closing(damaged), pytest.raises(libnetworkcache.NetworkcacheException):
        damaged.read()


def test_the_library_trusts_nobody_s_entries_but_its_signers(door, alice, bob, tmp_path):
    theirs = make_client(door, *bob.write(tmp_path))
    theirs.upload(BytesIO(DATA), KEY, **said())
    ours = make_client(door, *alice.write(tmp_path))
    assert list(ours.select(KEY)) == []


def test_an_entry_that_the_legacy_cache_would_replay_is_refused(client, door):
    """The legacy client believes a signed entry under any key; so it must not get there."""
    client.upload(BytesIO(DATA), KEY, **said())
    text, signature = door.look_up(KEY)[0]
    assert client.verifySignatureInCertificateList(text, signature)
    victim = shadir.release_key("http://example.com/other.cfg")
    assert door.put_entry(victim, Entry(text, signature)).status_code == 400
    with pytest.raises(HTTPError) as raised:
        list(client.select(victim))
    raised.value.close()


def test_a_legacy_client_needs_one_check_per_hit_of_a_trusted_signer(door, alice, bob, tmp_path):
    """Each check of the client is a process; the cache shows only whom it asks for."""
    door.post(DATA)
    for number in range(5):
        door.put_entry(KEY, bob.sign(about(DATA, system=str(number))))
    door.put_entry(KEY, alice.sign(about(DATA)))
    for number in range(5, 9):
        door.put_entry(KEY, bob.sign(about(DATA, system=str(number))))
    _, certificate = alice.write(tmp_path)
    url = f"{door.entries}/@signer=alice,multiarch=x86_64-linux-gnu,os=debian-12"
    client = libnetworkcache.NetworkcacheClient(
        door.contents, url, signature_certificate_list=[certificate.read_text()]
    )
    checks = []
    check = client.verifySignatureInCertificateList
    client.verifySignatureInCertificateList = lambda *entry: checks.append(entry) or check(*entry)
    assert next(client.select(KEY))["sha512"] == sum_of(DATA)
    assert len(checks) == 1


@pytest.mark.parametrize("mode", ["open", "registered"])
def test_the_client_s_own_suite_passes(folder, mode):
    cache = make_cache(folder, unsigned=True, foreign=mode == "open")
    if mode == "registered":
        public, _ = read_public_key(libnetworkcachetests.OnlineTest.certificate.encode())
        cache.signers.add("suite", public)
    with serving(cache) as door:
        done = subprocess.run(
            [sys.executable, "-m", "unittest", "-v"]
            + [f"slapos.libnetworkcachetests.OnlineTest.{name}" for name in SUITE],
            env={**os.environ, "TEST_SHA_CACHE": door.contents, "TEST_SHA_DIR": door.entries},
            capture_output=True,
            text=True,
            timeout=120,
        )
    assert done.returncode == 0, done.stderr
    assert f"Ran {len(SUITE)} tests" in done.stderr


@pytest.fixture
def configuration(door, alice, tmp_path):
    """The configuration file of the legacy commands."""
    return write_configuration(door, tmp_path, *alice.write(tmp_path))


def write_configuration(door: Door, folder: Path, key: Path, certificate: Path) -> Path:
    lines = certificate.read_text().replace("\n", "\n  ")
    path = folder / "slapos.cfg"
    path.write_text(
        "[networkcache]\n"
        f"download-cache-url = {door.contents}\ndownload-dir-url = {door.entries}\n"
        f"upload-cache-url = {door.contents}\nupload-dir-url = {door.entries}\n"
        f"signature-private-key-file = {key}\n"
        f"signature-certificate-list =\n  {lines}\n"
    )
    return path


def run(name: str, configuration: Path, *words: object) -> subprocess.CompletedProcess[bytes]:
    command = [SCRIPTS / name, "-c", configuration, *map(str, words)]
    return subprocess.run(command, capture_output=True, timeout=60)


def test_the_commands_upload_and_download_a_file(configuration, tmp_path):
    path = tmp_path / "file"
    path.write_bytes(DATA)
    done = run("networkcache-upload", configuration, "-f", path, "-u", "http://example.com/file")
    assert done.returncode == 0, done.stderr
    done = run("networkcache-download", configuration, "-u", "http://example.com/file")
    assert (done.returncode, done.stdout) == (0, DATA)


def test_the_commands_choose_among_entries_by_their_metadata(configuration, tmp_path):
    path = tmp_path / "file"
    for revision in range(3):
        path.write_bytes(b"revision %d" % revision)
        done = run("networkcache-upload", configuration, "-f", path, "-k", "git-buildout-1",
                   f"revision={revision}")  # fmt: skip
        assert done.returncode == 0, done.stderr
    done = run("networkcache-download", configuration, "-k", "git-buildout-1", 'revision=="1"')
    assert done.stdout == b"revision 1"
    done = run("networkcache-download", configuration, "-k", "git-buildout-1", "-l")
    assert [each["revision"] for each in json.loads(done.stdout)] == ["2", "1", "0"]


def test_the_commands_say_when_nothing_is_found_or_an_entry_is_refused(configuration, tmp_path):
    path = tmp_path / "file"
    path.write_bytes(DATA)
    done = run("networkcache-upload", configuration, "-f", path, "-k", "pypi:foo=1.0",
               "basename=bar-1.0.zip")  # fmt: skip
    assert done.returncode == 1
    assert b"HTTP Error 400" in done.stderr
    done = run("networkcache-download", configuration, "-k", "pypi:foo=1.0")
    assert done.returncode == 1
