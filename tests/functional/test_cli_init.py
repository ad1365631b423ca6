"""``slapmaster init``: what a new master is, and that nothing of an old one is lost."""

import stat
import subprocess

import pytest

from tests.commands import COMMAND
from tests.commands import Slapmaster


@pytest.fixture
def master(tmp_path):
    return Slapmaster(tmp_path / "data")


def test_a_new_master_has_keys_an_operator_and_a_project_and_says_how_to_go_on(master):
    said = master.run("init", "--operator", "alice", "--email", "alice@example.com")
    assert "PERS-1 alice <alice@example.com>, manager of PROJ-1" in said
    assert f"slapmaster --directory {master.directory} serve" in said
    assert "slapos configure client --master-url https://localhost:8443" in said
    (person,) = master.read("person", "list")
    assert (person["reference"], person["operator"]) == ("PERS-1", True)
    (project,) = master.read("project", "list")
    assert (project["reference"], project["title"]) == ("PROJ-1", "main")
    assert master.run("check").strip() == "nothing is wrong"


def test_nobody_else_can_read_what_is_in_the_directory(master):
    master.init()
    assert stat.S_IMODE(master.directory.stat().st_mode) == 0o700
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in master.directory.iterdir()}
    assert {name: mode for name, mode in modes.items() if mode & 0o077} == {}


def test_doing_it_again_changes_nothing_and_says_what_is_there(master):
    master.init()
    files = {path: path.read_bytes() for path in master.directory.glob("*.crt")}
    files |= {path: path.read_bytes() for path in master.directory.glob("*.key")}
    again = master.init("--project", "another")
    assert (again["made"], again["made_files"]) == (False, [])
    assert "token" not in again
    assert again["person"]["reference"] == "PERS-1"
    assert {path: path.read_bytes() for path in files} == files
    assert "There is a master" in master.run("init")


def test_a_lost_server_certificate_is_made_again(master):
    master.init()
    (master.directory / "server.crt").unlink()
    assert master.init()["made_files"] == ["server.crt"]


@pytest.mark.parametrize("lost", ["authority.key", "authority.crt", "seal.key"])
def test_a_lost_key_is_not_made_anew(master, lost):
    master.init()
    (master.directory / lost).unlink()
    said = master.run("init", code=1)
    assert lost in said
    assert len(said.splitlines()) == 1
    assert not (master.directory / lost).exists()
    for words in (["person", "list"], ["serve", "--listen", "127.0.0.1:0"]):
        assert lost in master.run(*words, code=1)


def test_a_master_that_lost_all_its_keys_is_not_opened_to_everybody(master):
    master.init()
    for name in ("authority.key", "authority.crt", "seal.key"):
        (master.directory / name).unlink()
    for words in (["init"], ["person", "list"], ["serve", "--listen", "127.0.0.1:0"]):
        assert "bring" in master.run(*words, code=1)


def test_the_operator_s_certificate_can_be_had_at_once(master, tmp_path):
    made = master.init("--certificate-directory", tmp_path / "mine")
    assert "token" not in made
    assert made["certificate_files"] == [
        str(tmp_path / "mine" / "certificate"), str(tmp_path / "mine" / "key"),
    ]  # fmt: skip
    assert stat.S_IMODE((tmp_path / "mine" / "key").stat().st_mode) == 0o600


def test_no_command_makes_a_master_by_accident(master):
    said = master.run("person", "list", code=1)
    assert "slapmaster init" in said
    assert not master.directory.exists()


def test_a_file_says_where_the_master_is_and_what_it_is_called(tmp_path):
    config = tmp_path / "slapmaster.ini"
    config.write_text("[slapmaster]\nserver_names = master.example\nlisten = 127.0.0.1:9443\n")
    command = [*COMMAND, "--config", str(config), "init", "--operator", "alice"]
    done = subprocess.run(command, capture_output=True, text=True, cwd="/")
    assert done.returncode == 0, done.stderr
    assert f"slapmaster --config {config} serve" in done.stdout
    assert "--master-url https://master.example:9443" in done.stdout
    assert (tmp_path / "var" / "Data.fs").exists()


def test_an_unknown_command_and_a_wrong_option_are_named(master):
    assert "No such command 'inti'" in master.run("inti", code=2)
    assert "No such option" in master.run("init", "--operater", "x", code=2)
    for word in ("init", "serve", "backup", "evolve"):
        assert word in master.run("--help")
