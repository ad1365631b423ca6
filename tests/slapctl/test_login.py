"""``slapctl login``: nobody is believed before they are recognised, and what is kept is private."""

import os
import pty
import ssl
import stat
import subprocess
from hashlib import sha256

import pytest

from tests.commands import PATIENCE
from tests.commands import Slapctl


@pytest.fixture
def ctl(tmp_path):
    return Slapctl(tmp_path / "slapctl")


def fingerprint_of(path):
    return sha256(ssl.PEM_cert_to_DER_cert(path.read_text())).hexdigest()


def written(digits):
    return ":".join(digits[at : at + 2].upper() for at in range(0, 64, 2))


def test_a_server_that_nobody_vouches_for_is_sent_nothing(ctl, server, authority, token):
    said = ctl.run("login", server.url, "--token", token, code=3)
    assert "nobody on this machine vouches for" in said
    assert fingerprint_of(authority) in said
    assert not ctl.home.exists()
    ctl.run("login", server.url, "--authority", authority, "--token", token)


@pytest.mark.parametrize("write", [str, written, lambda digits: f"SHA256 Fingerprint={digits}"])
def test_a_fingerprint_that_was_told_is_enough(ctl, server, authority, token, write):
    told = write(fingerprint_of(authority))
    ctl.run("login", server.url, "--fingerprint", told, "--token", token)
    assert ctl.read("whoami")["name"] == "alice"
    assert (ctl.home / "127.0.0.1/authority.crt").is_file()


def test_the_server_s_own_fingerprint_pins_it_alone(ctl, site, server, token):
    host, port = "127.0.0.1", server.port
    pem = ssl.get_server_certificate((host, port))
    told = sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest()
    ctl.run("login", server.url, "--fingerprint", told, "--token", token)
    assert ctl.read("whoami")["name"] == "alice"
    assert not (ctl.home / "127.0.0.1/authority.crt").exists()


def test_another_fingerprint_is_refused_and_nothing_sent(ctl, server, authority, token):
    said = ctl.run("login", server.url, "--fingerprint", "0" * 64, "--token", token, code=3)
    assert written(fingerprint_of(authority)) in said
    ctl.run("login", server.url, "--authority", authority, "--token", token)


def test_what_is_no_fingerprint_is_refused(ctl, server):
    assert "64 hexadecimal" in ctl.run("login", server.url, "--fingerprint", "xyz", code=6)


def answer_on_a_terminal(command, *answers):
    """Run a command as a person would: it asks, and is answered."""
    ours, theirs = pty.openpty()
    try:
        process = subprocess.Popen(
            command, stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            env=os.environ,
        )  # fmt: skip
        os.write(ours, "".join(f"{line}\n" for line in answers).encode())
        output, _ = process.communicate(timeout=PATIENCE)
    finally:
        os.close(ours)
        os.close(theirs)
    return process.returncode, output


def test_a_person_compares_the_fingerprint(ctl, server, authority, token):
    command = ctl.words("login", server.url, "--token", token)
    code, output = answer_on_a_terminal(command, "n")
    assert code == 3 and written(fingerprint_of(authority)) in output
    assert not ctl.home.exists()
    code, output = answer_on_a_terminal(command, "y")
    assert code == 0 and "You are PERS-1 alice" in output


def test_a_token_may_come_from_standard_input_or_the_environment(ctl, site, server, authority):
    def new_token():
        return site.run("token", "client").strip()

    where = ("login", server.url, "--authority", authority)
    ctl.run(*where, "--token", "-", given=new_token() + "\n")
    other = Slapctl(ctl.home, {"SLAPCTL_TOKEN": new_token()})
    assert "known as second" in other.run(*where, "--name", "second")


def test_a_bad_token_leaves_what_was_known_as_it_was(ctl, server, authority, token):
    where = ("login", server.url, "--authority", authority, "--token")
    ctl.run(*where, token)
    before = {path: path.read_bytes() for path in ctl.home.rglob("*") if path.is_file()}
    assert "token" in ctl.run(*where, token, code=4)
    assert {path: path.read_bytes() for path in ctl.home.rglob("*") if path.is_file()} == before
    assert ctl.read("whoami")["name"] == "alice"


def test_what_is_kept_is_its_owner_s_alone(ctl, server, authority, token):
    ctl.run("login", server.url, "--authority", authority, "--token", token)
    for path in (ctl.home, *ctl.home.rglob("*")):
        wanted = 0o700 if path.is_dir() else 0o600
        assert stat.S_IMODE(path.stat().st_mode) == wanted, path
    key = ctl.home / "127.0.0.1/key"
    key.chmod(0o644)
    assert "others may read" in ctl.run("whoami", code=1)


def test_several_masters_are_told_apart(ctl, site, server, authority):
    for name in ("home", "work"):
        token = site.run("token", "client").strip()
        where = ("login", server.url, "--authority", authority, "--token", token)
        ctl.run(*where, "--name", name, "--project", "PROJ-1")
    rows = {row["name"]: row["current"] for row in ctl.read("context", "list")}
    assert rows == {"home": False, "work": True}
    ctl.run("context", "use", "home")
    assert ctl.read("whoami")["context"] == "home"
    assert ctl.read("--context", "work", "whoami")["context"] == "work"
    ctl.run("context", "remove", "home", "--yes")
    assert ctl.read("whoami")["context"] == "work"
    assert "no master is known as 'home'" in ctl.run("--context", "home", "whoami", code=5)
    assert "no master is known as" in ctl.run("context", "use", "none", code=5)


def test_no_master_loses_its_name_to_another(ctl):
    for port, name in ((5000, "127.0.0.1"), (5001, "127.0.0.1-5001"), (5000, "127.0.0.1")):
        assert f"known as {name};" in ctl.run("login", f"http://127.0.0.1:{port}")
    assert "known as 1;" in ctl.run("login", "http://[::1]:5000")
    said = ctl.run("login", "http://127.0.0.1:5002", "--name", "127.0.0.1", code=6)
    assert "is another master already" in said


def test_a_certificate_from_elsewhere_does_too(ctl, site, server, authority, tmp_path):
    folder = tmp_path / "alice"
    site.run("person", "certificate", "issue", "alice", folder)
    pair = ("--certificate", folder / "certificate", "--key", folder / "key")
    ctl.run("login", server.url, "--authority", authority, *pair)
    assert ctl.read("whoami")["name"] == "alice"


def test_where_nobody_is_known_it_says_how_to_begin(ctl):
    assert "slapctl login URL" in ctl.run("service", "list", code=1)


def test_a_name_that_leads_elsewhere_is_refused(ctl, server):
    assert "is no name" in ctl.run("login", server.url, "--name", "../x", code=6)
    assert "is no name" in ctl.run("--context", "../x", "whoami", code=6)


def test_plain_http_is_for_this_machine(ctl):
    assert "another machine" in ctl.run("login", "http://192.0.2.1:5000", code=1)
    said = ctl.run("login", "http://127.0.0.1:5000", "--name", "own")
    assert "is known as own" in said
    assert "can't be reached" in ctl.run("service", "list", code=3)


def test_a_certificate_that_was_revoked_is_told_so(ctl, site, server, authority):
    made = site.read("person", "add", "bob", "bob@example.com")
    token = site.run("person", "token", made["reference"]).strip()
    ctl.run("login", server.url, "--authority", authority, "--token", token)
    site.run("person", "certificate", "revoke", "bob")
    assert "slapctl login URL" in ctl.run("service", "list", code=4)
