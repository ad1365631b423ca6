"""The commands, as people run them, against a server of their own."""

import json
import os
import signal
import tarfile
import urllib.request

import pytest

from tests.shacache.process import Shacache
from tests.shacache.world import left_behind

RELEASE = "http://example.com/software.cfg"


@pytest.fixture
def shacache(folder):
    return Shacache(folder)


@pytest.fixture
def keys(shacache, tmp_path):
    """The files of a registered signer."""
    shacache.run("keys", "new", "alice", "--to", tmp_path / "keys")
    found = {path.name.removeprefix("alice."): path for path in (tmp_path / "keys").iterdir()}
    shacache.run("keys", "add", "alice", found["crt"], found["ed25519.pub"])
    return found


@pytest.fixture
def built(tmp_path):
    """A release as it was built, with all that a directory may hold."""
    root = tmp_path / "built"
    (root / "bin").mkdir(parents=True)
    (root / "bin" / "run").write_text("#!/bin/sh\n")
    (root / "bin" / "run").chmod(0o755)
    (root / "link").symlink_to("bin/run")
    (root / "data").write_bytes(os.urandom(3_000_000))
    return root


def upload(shacache, server, path, keys, *words, code=0):
    signing = ("--signature-key", keys["key"], "--stamp-key", keys["ed25519"])
    return shacache.run("upload", path, "--cache", server.url, *signing, *words, code=code).strip()


def test_a_release_goes_from_its_builder_to_a_node(shacache, keys, built, tmp_path):
    with shacache.serving() as server:
        sha512 = upload(shacache, server, built, keys, "--release-url", RELEASE, "git=0123")
        assert upload(shacache, server, built, keys, "--release-url", RELEASE) == sha512
        where = ("--cache", server.url, "--release-url", RELEASE)
        for trusted in ("crt", "ed25519.pub"):
            got = tmp_path / f"got-{trusted}"
            found = shacache.run("download", *where, "--trust", keys[trusted], "--output", got)
            assert found.strip() == sha512
            with tarfile.open(got) as archive:
                names = {"built", "built/bin", "built/bin/run", "built/link", "built/data"}
                assert set(archive.getnames()) == names
        rows = shacache.read("lookup", *where, "--trust", keys["ed25519.pub"])
        assert {row["trusted"] for row in rows} == {"yes"}
        assert rows[0]["metadata"]["software_url"] == RELEASE
        assert "no" in shacache.run("lookup", *where)


def test_a_release_is_unpacked_where_it_is_wanted(shacache, keys, built, tmp_path):
    with shacache.serving() as server:
        upload(shacache, server, built, keys, "--release-url", RELEASE)
        where = ("--cache", server.url, "--release-url", RELEASE, "--trust", keys["ed25519.pub"])
        got = tmp_path / "got"
        shacache.run("download", *where, "--unpack", "--output", got)
        assert (got / "data").read_bytes() == (built / "data").read_bytes()
        assert os.access(got / "bin" / "run", os.X_OK)
        assert "there already" in shacache.run(
            "download", *where, "--unpack", "--output", got, code=2
        )


def test_what_nobody_trusted_has_signed_is_not_downloaded(shacache, keys, built, tmp_path):
    shacache.run("keys", "new", "bob", "--to", tmp_path / "other")
    output = tmp_path / "got"
    with shacache.serving() as server:
        upload(shacache, server, built, keys, "--release-url", RELEASE)
        where = ("--cache", server.url, "--release-url", RELEASE, "--output", output)
        said = shacache.run("download", *where, "--trust", tmp_path / "other" / "bob.crt", code=1)
        assert "none of 1 entries" in said
        assert "--trust" in shacache.run("download", *where, code=2)
        assert not output.exists()
        shacache.run("download", *where, "--unsigned")
        assert output.exists()


def test_a_file_is_found_by_its_url_and_a_content_alone_by_nothing(shacache, keys, tmp_path):
    path = tmp_path / "file"
    path.write_text("content")
    with shacache.serving() as server:
        sha512 = upload(shacache, server, path, keys, "--url", "http://example.com/file")
        got = tmp_path / "got"
        where = ("--cache", server.url, "--trust", keys["crt"], "--output", got)
        shacache.run("download", *where, "--url", "http://example.com/file")
        assert got.read_text() == "content"
        path.write_text("other")
        assert upload(shacache, server, path, keys) != sha512
        assert "no entry" in shacache.run("lookup", "--cache", server.url, "--key", "x", code=1)


def test_an_account_is_used_by_its_token_and_refused_in_words(shacache, keys, tmp_path):
    path = tmp_path / "file"
    path.write_text("content")
    with shacache.serving("--listen", "127.0.0.1:0") as server:
        assert "without a certificate" in upload(shacache, server, path, keys, code=1)
        token = shacache.run("accounts", "add", "bob", "--prefix", "pypi:").strip()
        said = upload(shacache, server, path, keys, "--token", token, "--key", "other", code=1)
        assert "bob may not put" in said
        words = ("--token", token, "--key", "pypi:foo=1", "basename=foo-1.zip")
        upload(shacache, server, path, keys, *words)
        (account,) = shacache.read("accounts", "list")
        assert (account["name"], account["prefixes"]) == ("bob", ["pypi:"])
        shacache.run("accounts", "remove", "bob")
        assert "certificate" in upload(shacache, server, path, keys, *words, code=1)


def test_a_revoked_key_is_out_while_the_server_runs(shacache, keys, tmp_path):
    path = tmp_path / "file"
    path.write_text("content")
    with shacache.serving() as server:
        upload(shacache, server, path, keys, "--key", "one")
        where = ("--cache", server.url, "--key", "one")
        assert shacache.read("lookup", *where)
        assert len(shacache.run("keys", "revoke", "alice").split()) == 2
        assert "no entry" in shacache.run("lookup", *where, code=1)
    assert all(row["revoked"] for row in shacache.read("keys", "list"))
    assert "no key of carol" in shacache.run("keys", "revoke", "carol", code=1)


def test_blocking_and_pinning_are_listed_and_undone(shacache):
    shacache.run("block", "url:http://example.com/", "--why", "broken")
    assert shacache.read("block") == [{"blocked": "url:http://example.com/", "why": "broken"}]
    shacache.run("block", "url:http://example.com/", "--remove")
    assert shacache.read("block") == []
    assert "is wanted" in shacache.run("block", "nonsense", code=1)
    shacache.run("pin", "one", "two")
    assert [row["pin"] for row in shacache.read("pin")] == ["one", "two"]
    shacache.run("pin", "one", "--remove")
    assert "two" in shacache.run("pin")


def test_the_house_is_kept_from_outside_while_the_server_runs(shacache, folder, keys, tmp_path):
    path = tmp_path / "file"
    path.write_text("content")
    with shacache.serving() as server:
        sha512 = upload(shacache, server, path, keys, "--key", "one")
        assert shacache.run("check") == shacache.run("scrub") == shacache.run("gc") == ""
        found = shacache.read("stats")
        assert found == {
            "contents": 1, "bytes": 7, "keys": {"other": 1}, "entries": {"alice": 1},
        }  # fmt: skip
        assert "1 contents, 7 bytes" in shacache.run_apart("stats")
        told = json.loads(shacache.run("provenance"))
        assert (told["signer"], told["put_from"], told["sha512"]) == ("alice", "127.0.0.1", sha512)
        (content,) = folder.glob("contents/*/*")
        content.write_text("damaged")
        shacache.run("scrub", code=1)
        assert "no entry" in shacache.run("lookup", "--cache", server.url, "--key", "one", code=1)
        assert "entries of one" in shacache.run("gc", "--dry-run")
        (row,) = shacache.read("gc")
        assert row["what"] == "entries of one"
        status = json.load(urllib.request.urlopen(f"{server.url}/status", timeout=5))
        assert status["events"]["upload"] == 1


def test_a_cache_without_network_takes_in_what_another_has(shacache, folder, keys, tmp_path):
    path = tmp_path / "file"
    with shacache.serving() as server:
        for number in range(3):
            path.write_text(f"content {number}")
            upload(shacache, server, path, keys, "--key", f"key{number}")
    archive = tmp_path / "all.tar"
    assert shacache.run("export", archive) == "3 entries, 3 contents\n"
    assert shacache.run("export", tmp_path / "one.tar", "key1") == "1 entries, 1 contents\n"
    other = Shacache(folder.parent / "other")
    assert "refused" in other.run("import", archive, code=1)
    other.run("keys", "add", "alice", keys["crt"], keys["ed25519.pub"])
    assert other.run("import", archive) == "3 entries, 3 contents\n"
    assert other.run("check") == other.run("scrub") == ""
    assert other.read("stats")["keys"] == {"other": 3}
    assert not left_behind(other.directory)


def test_an_archive_that_lies_is_refused_and_leaves_nothing(shacache, tmp_path):
    with tarfile.open(tmp_path / "lie.tar", "w") as archive:
        path = tmp_path / "content"
        path.write_text("content")
        archive.add(path, arcname="0" * 128)
    assert "the sha512 of what was sent" in shacache.run("import", tmp_path / "lie.tar", code=1)
    with tarfile.open(tmp_path / "odd.tar", "w") as archive:
        archive.add(path, arcname="../outside")
    assert "nothing that a cache exports" in shacache.run("import", tmp_path / "odd.tar", code=1)
    path.write_bytes(os.urandom(2000))
    assert "no archive" in shacache.run("import", path, code=1)
    assert shacache.read("stats")["contents"] == 0


def test_two_servers_do_not_share_a_directory(shacache):
    with shacache.serving():
        assert "works in" in shacache.run("serve", "--listen", "127.0.0.1:0", code=1)


def test_the_settings_are_read_from_a_file_and_checked(shacache, tmp_path):
    path = tmp_path / "shacache.ini"
    path.write_text("[shacache]\ndirectory = here\ncap = 3 GiB\norphan_days = 7\n")
    shacache.run("--config", path, "stats")
    path.write_text("[shacache]\nsize = 3\n")
    assert "unknown key" in shacache.run("--config", path, "stats", code=1)
    path.write_text("[shacache]\ncap = much\n")
    assert "a size is wanted" in shacache.run("--config", path, "stats", code=1)
    path.write_text("[cache]\n")
    assert "unknown section" in shacache.run("--config", path, "stats", code=1)
    path.write_text("[shacache]\nlisten_tls = *:1\n")
    assert "wants a certificate" in shacache.run("--config", path, "stats", code=1)


def test_a_server_reads_its_certificate_again_when_told(shacache):
    with shacache.serving() as server:
        server.signal(signal.SIGHUP)
        assert urllib.request.urlopen(f"{server.url}/status", timeout=5).status == 200
