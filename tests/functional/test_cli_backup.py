"""Backup, restore and pack: what was there comes back, and what is damaged is found."""

import json
import threading

import pytest
from click.testing import CliRunner

from slapmaster.cli import main
from tests.commands import Slapmaster


def invoke(directory, *words, code=0):
    """Run a command in this process; give what it says, on standard error when it fails."""
    done = CliRunner().invoke(main, ["--directory", str(directory), *map(str, words)])
    assert done.exit_code == code, f"{words}: {done.output} {done.exception!r}"
    return done.stderr if code else done.stdout


def read(directory, *words):
    return json.loads(invoke(directory, *words, "--json"))


def add_person(directory, name):
    invoke(directory, "person", "add", name, f"{name}@example.com")


def names(directory):
    return {person["name"] for person in read(directory, "person", "list")}


@pytest.fixture
def data(tmp_path):
    invoke(tmp_path / "data", "init", "--operator", "alice")
    return tmp_path / "data"


def test_what_was_backed_up_comes_back_with_its_keys(data, tmp_path):
    copies, keys, again = tmp_path / "copies", tmp_path / "keys.tar", tmp_path / "again"
    first = read(data, "backup", copies, "--with-keys", keys)
    assert (first["kind"], first["files"]) == ("full", 1)
    assert read(data, "backup", copies)["kind"] == "unchanged"
    add_person(data, "bob")
    second = read(data, "backup", copies)
    assert (second["kind"], second["files"]) == ("incremental", 2)
    assert second["size"] == (data / "Data.fs").stat().st_size
    add_person(data, "late")
    assert "restored" in invoke(again, "restore", copies, "--with-keys", keys)
    assert names(again) == {"alice", "bob"}
    assert invoke(again, "check").strip() == "nothing is wrong"
    for name in ("authority.key", "authority.crt", "seal.key"):
        assert (again / name).read_bytes() == (data / name).read_bytes()
        assert (again / name).stat().st_mode & 0o077 == 0
    assert keys.stat().st_mode & 0o077 == 0
    assert read(again, "init")["made_files"] == ["server.crt"]


def test_keys_are_in_no_backup_and_without_them_nothing_is_opened(data, tmp_path):
    copies, again = tmp_path / "copies", tmp_path / "again"
    invoke(data, "backup", copies)
    secret = (data / "authority.key").read_bytes()
    assert not [path for path in copies.iterdir() if secret in path.read_bytes()]
    assert "bring its keys" in invoke(again, "restore", copies)
    assert "bring the keys back" in invoke(again, "person", "list", code=1)


def test_a_directory_in_use_is_not_restored_into(data, tmp_path):
    copies = tmp_path / "copies"
    invoke(data, "backup", copies)
    before = (data / "Data.fs").read_bytes()
    assert "is not empty" in invoke(data, "restore", copies, code=1)
    assert (data / "Data.fs").read_bytes() == before


def test_it_comes_back_as_it_was_at_a_moment(data, tmp_path):
    copies = tmp_path / "copies"
    invoke(data, "backup", copies)
    (full,) = copies.glob("*.fs")
    add_person(data, "bob")
    # As if the first had been made a day before the second.
    for path in copies.glob(f"{full.stem}.*"):
        path.rename(path.with_name(f"2026-01-31-12-00-00{path.suffix}"))
    listed = copies / "2026-01-31-12-00-00.dat"
    listed.write_text(listed.read_text().replace(full.stem, "2026-01-31-12-00-00"))
    assert read(data, "backup", copies)["kind"] == "incremental"
    invoke(tmp_path / "then", "restore", copies, "--at", "2026-02-01", "--of-proxy")
    assert names(tmp_path / "then") == {"alice"}
    invoke(tmp_path / "now", "restore", copies, "--of-proxy")
    assert names(tmp_path / "now") == {"alice", "bob"}
    assert "No files" in invoke(
        tmp_path / "never", "restore", copies, "--at", "2026-01-01", code=1
    )


@pytest.mark.parametrize("damage", ["changed", "cut", "gone"])
def test_a_damaged_backup_is_found_and_not_restored(data, tmp_path, damage):
    copies, again = tmp_path / "copies", tmp_path / "again"
    invoke(data, "backup", copies)
    add_person(data, "bob")
    invoke(data, "backup", copies)
    (part,) = copies.glob("*.deltafs")
    content = part.read_bytes()
    if damage == "gone":
        part.unlink()
    else:
        changed = content[:-1] if damage == "cut" else content[:50] + b"?" + content[51:]
        part.write_bytes(changed)
    if damage != "gone":
        said = invoke(again, "restore", copies, code=1)
        assert "can't be made or read" in said
        assert not (again / "Data.fs").exists()
        assert "not what was written" in invoke(data, "backup", copies, code=1)
    assert read(data, "backup", copies, "--full")["kind"] == "full"
    invoke(again, "restore", copies, "--of-proxy")
    assert names(again) == {"alice", "bob"}


def test_after_a_backup_that_was_broken_off_the_next_is_a_full_one(data, tmp_path):
    copies = tmp_path / "copies"
    invoke(data, "backup", copies)
    add_person(data, "bob")
    invoke(data, "backup", copies)
    (listed,) = copies.glob("*.dat")
    listed.write_text(listed.read_text().splitlines()[0] + "\n")
    assert read(data, "backup", copies)["kind"] == "full"


def test_old_backups_are_dropped_on_demand(data, tmp_path):
    copies = tmp_path / "copies"
    invoke(data, "backup", copies)
    add_person(data, "bob")
    invoke(data, "backup", copies)
    assert read(data, "backup", copies, "--full", "--drop-old")["kind"] == "full"
    assert len([*copies.glob("*.fs"), *copies.glob("*.deltafs")]) == 1


def test_packing_drops_old_revisions_and_the_next_backup_is_a_full_one(data, tmp_path):
    copies = tmp_path / "copies"
    invoke(data, "backup", copies)
    invoke(data, "project", "add", "lab", "--manager", "alice")
    for role in ("agent", "customer", "manager") * 3:
        invoke(data, "project", "member", "role", "lab", "alice", role)
    sizes = read(data, "pack", "--days", "0")
    assert sizes["after"] < sizes["before"]
    assert "bytes now" in invoke(data, "pack", "--days", "365")
    assert names(data) == {"alice"}
    assert read(data, "backup", copies)["kind"] == "full"


def test_a_path_with_spaces_is_refused_by_name(data, tmp_path):
    assert "can't have spaces" in invoke(data, "backup", tmp_path / "two words", code=1)


def test_what_is_no_backup_is_said(data, tmp_path):
    (tmp_path / "empty").mkdir()
    invoke(tmp_path / "again", "restore", tmp_path / "empty", code=1)
    (tmp_path / "keys.tar").write_bytes(b"no archive")
    invoke(data, "backup", tmp_path / "copies")
    words = ["restore", tmp_path / "copies", "--with-keys", tmp_path / "keys.tar"]
    assert "no archive of keys" in invoke(tmp_path / "other", *words, code=1)


def test_a_running_master_is_backed_up_and_packed_while_it_is_written(tmp_path):
    master = Slapmaster(tmp_path / "data")
    master.init()
    copies, stop, added = tmp_path / "copies", threading.Event(), ["alice"]

    def write():
        while not stop.is_set():
            name = f"person{len(added)}"
            invoke(master.directory, "person", "add", name, f"{name}@example.com")
            added.append(name)

    with master.serving():
        writer = threading.Thread(target=write)
        writer.start()
        try:
            while len(added) < 20:
                before = list(added)
                invoke(master.directory, "backup", copies)
                invoke(master.directory, "pack", "--days", "0")
                assert len(added) > len(before)
        finally:
            stop.set()
            writer.join()
        last = read(master.directory, "backup", copies)
    assert last["kind"] in ("full", "incremental", "unchanged")
    again = tmp_path / "again"
    invoke(again, "restore", copies, "--of-proxy")
    assert names(again) == set(added)
    assert invoke(again, "check").strip() == "nothing is wrong"
