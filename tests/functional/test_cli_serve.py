"""``slapmaster serve``: it listens, is talked to, ends well, and is there once."""

import json
import signal
import socket
import ssl
import stat
import time
from urllib.parse import urlencode

import pytest

from tests.commands import Slapmaster


@pytest.fixture(scope="module")
def master(tmp_path_factory):
    made = Slapmaster(tmp_path_factory.mktemp("serve") / "data")
    made.init("--certificate-directory", made.directory.parent / "alice")
    return made


@pytest.fixture(scope="module")
def server(master):
    with master.serving() as serving:
        yield serving


def authority(master):
    return master.directory / "authority.crt"


def test_a_person_is_known_by_their_certificate(master, server):
    alice = master.directory.parent / "alice"
    body = urlencode({"computer_title": "desk"})
    status, answer = server.ask(
        "POST", "/requestComputer", body, authority=authority(master), certificate=alice
    )
    assert (status, b"COMP-1" in answer) == (200, True)
    status, _ = server.ask("POST", "/requestComputer", body, authority=authority(master))
    assert status == 401


def test_a_token_is_worth_a_node_once(master, server):
    token = master.run("token", "node").strip()
    asked = {
        "body": urlencode({"title": "shelf"}),
        "authority": authority(master),
        "headers": {"X-Access-Token": token},
    }
    status, answer = server.ask("POST", "/Person_requestComputer", **asked)
    assert (status, b"COMP-" in answer) == (200, True)
    assert server.ask("POST", "/Person_requestComputer", **asked)[0] == 403
    assert "shelf" in master.run("node", "list")


def test_the_control_socket_is_the_owner_s_alone(master, server):
    mode = (master.directory / "control.sock").stat().st_mode
    assert stat.S_ISSOCK(mode)
    assert stat.S_IMODE(mode) == 0o600


def test_what_is_no_question_is_refused_on_the_control_socket(master, server):
    for body in (b"", b"[]", b"{}", b'{"operation": "person.list"}', b"\xff"):
        with socket.socket(socket.AF_UNIX) as asking:
            asking.connect(str(master.directory / "control.sock"))
            head = f"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n"
            asking.sendall(head.encode() + b"Connection: close\r\n\r\n" + body)
            answer = b"".join(iter(lambda: asking.recv(65536), b""))
        assert b"ProtocolError" in answer


def test_a_second_server_of_the_same_directory_is_refused(master, server):
    said = master.run("serve", "--listen", "127.0.0.1:0", code=1)
    assert said.strip() == f"Error: a server works in {master.directory} already"


def test_a_taken_port_is_said_in_one_line(master, server, tmp_path):
    other = Slapmaster(tmp_path / "other")
    other.init()
    said = other.run("serve", "--listen", f"127.0.0.1:{server.port}", code=1)
    assert f"can't listen on 127.0.0.1:{server.port}" in said.splitlines()[-1]
    assert "Traceback" not in said


def test_a_key_unknown_to_the_settings_is_named(master):
    strange = Slapmaster(master.directory, {"SLAPMASTER_THREDS": "3"})
    assert "did you mean threads?" in strange.run("person", "list", code=1)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_well_and_it_can_start_again(tmp_path, number):
    master = Slapmaster(tmp_path / "data")
    master.init()
    for _ in range(2):
        with master.serving() as server:
            master.run("person", "list")
            server.signal(number)
            server.process.wait(20)
        assert not (master.directory / "control.sock").exists()
    assert master.run("check").strip() == "nothing is wrong"


def test_after_sigkill_it_starts_again(tmp_path):
    master = Slapmaster(tmp_path / "data")
    master.init()
    with pytest.raises(AssertionError), master.serving() as server:
        master.run("person", "add", "bob", "bob@example.com")
        server.process.kill()
    assert (master.directory / "control.sock").exists()
    assert "bob@example.com" in master.run("person", "list")
    with master.serving():
        assert "bob@example.com" in master.run("person", "list")


def shown_certificate(port):
    return ssl.get_server_certificate(("127.0.0.1", port), timeout=20)


def test_a_new_certificate_is_shown_after_sighup_without_a_restart(tmp_path):
    master = Slapmaster(tmp_path / "data")
    master.init()
    with master.serving() as server:
        before = shown_certificate(server.port)
        (master.directory / "server.crt").unlink()
        server.signal(signal.SIGHUP)
        deadline = time.monotonic() + 20
        while shown_certificate(server.port) == before:
            assert time.monotonic() < deadline, "".join(server.log)
            time.sleep(0.05)


def test_with_files_that_can_not_be_used_the_old_certificate_stays(tmp_path):
    master = Slapmaster(tmp_path / "data")
    master.init()
    with master.serving() as server:
        before = shown_certificate(server.port)
        key = master.directory / "server.key"
        good = key.read_bytes()
        key.write_bytes(b"no key at all")
        server.signal(signal.SIGHUP)
        deadline = time.monotonic() + 20
        while not any("could not be read again" in line for line in server.log):
            assert time.monotonic() < deadline, "".join(server.log)
            time.sleep(0.05)
        assert shown_certificate(server.port) == before
        key.write_bytes(good)


def test_the_certificate_is_made_again_near_its_end_and_for_other_names(tmp_path):
    short = Slapmaster(tmp_path / "data", {"SLAPMASTER_SERVER_CERTIFICATE_DAYS": "1"})
    short.init()
    with short.serving() as server:
        first = shown_certificate(server.port)
    with short.serving() as server:
        assert shown_certificate(server.port) == first
    renamed = Slapmaster(tmp_path / "data", {"SLAPMASTER_SERVER_NAMES": "127.0.0.1 here.example"})
    with renamed.serving() as server:
        assert shown_certificate(server.port) != first
        status, _ = server.ask("GET", "/getHateoasUrl", authority=authority(renamed))
        assert status == 200


def test_when_nodes_were_heard_last_is_written_every_so_often(tmp_path):
    often = Slapmaster(tmp_path / "data", {"SLAPMASTER_PULSE_FLUSH_SECONDS": "0.2"})
    mine = tmp_path / "alice"
    often.init("--certificate-directory", mine)
    pulse = often.directory / "pulse.fs"
    with often.serving() as server:
        token = often.run("token", "node").strip()
        status, answer = server.ask(
            "POST", "/Person_requestComputer", urlencode({"title": "desk"}),
            authority=authority(often), headers={"X-Access-Token": token},
        )  # fmt: skip
        assert status == 200
        write_certificate(answer, tmp_path / "node")
        before = pulse.stat().st_size
        status, _ = server.ask(
            "GET", "/getFullComputerInformation?computer_id=COMP-1",
            authority=authority(often), certificate=tmp_path / "node",
        )  # fmt: skip
        assert status == 200
        deadline = time.monotonic() + 20
        while pulse.stat().st_size == before:
            assert time.monotonic() < deadline, "".join(server.log)
            time.sleep(0.05)


def write_certificate(answer, folder):
    folder.mkdir()
    given = json.loads(answer)
    (folder / "certificate").write_text(given["certificate"])
    (folder / "key").write_text(given["key"])
