"""The types of promises that a release uses by name, as the plugins that our recipe writes."""

import contextlib
import http.server
import os
import socket
import ssl
import subprocess
import sys
import threading
from datetime import UTC
from datetime import datetime
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from slapplugin_promise_certificate.certificate import read_dates

from slapcore.errors import InvalidValue
from slapcore.plugin import find_promise_types
from tests.promise.world import messages
from tests.promise.world import results

TYPES = find_promise_types()


@pytest.fixture
def look(partition):
    """Give a function that looks at one promise of a type: whether it failed, and its message."""

    def look(name, *, anomaly=False, **options):
        kind = TYPES[name]
        options = {key.replace("_", "-"): value for key, value in options.items()}
        content = f"""
from slapcore.promise.bridge import make_run_promise
from {kind.__module__} import {kind.__name__}
extra_config_dict = {options!r}
RunPromise = make_run_promise({kind.__name__})
"""
        path = partition.folder / "etc/plugin/one.py"
        if not path.exists() or path.read_text() != content:
            path.write_text(content)
        outcome = partition.check(force=True, anomaly=anomaly)
        return results(outcome).get("one"), messages(outcome).get("one")

    return look


class Pages(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        status = int(self.path.strip("/") or 200)
        if self.path == "/401" and self.headers["Authorization"] == "Basic YWxpY2U6cHc=":
            status = 200
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "/200")
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"hello")

    def log_message(self, *said):
        pass


@contextlib.contextmanager
def serving(context=None):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="module")
def port():
    with serving() as port:
        yield port


def make_certificate(folder, days=30, begun=1):
    """Write a certificate that signs itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=begun))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    kind, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (folder / "key").write_bytes(key.private_bytes(pem, kind, plain))
    (folder / "certificate").write_bytes(certificate.public_bytes(pem))
    return certificate


def test_there_are_ten_types():
    assert list(TYPES) == [
        *("certificate", "command", "cpu", "deviation", "disk"),
        *("log", "memory", "service", "socket", "url"),
    ]


@pytest.mark.parametrize("name", TYPES)
def test_a_type_says_what_it_is_and_what_its_options_mean(name):
    assert TYPES[name].__doc__
    assert all({**TYPES[name].needs, **TYPES[name].takes}.values())


def test_options_are_checked():
    url = TYPES["url"]
    url.check_options({"url": "http://[::1]/", "frequency": "5"})
    with pytest.raises(InvalidValue, match="no option urll; there are bang-on-failure, ca-file"):
        url.check_options({"urll": "http://[::1]/"})
    with pytest.raises(InvalidValue, match="the option url is missing: what to ask for"):
        url.check_options({"url": ""})


def test_a_url_is_answered(look, port):
    own = f"http://127.0.0.1:{port}"
    assert look("url", url=f"{own}/") == (False, f"{own}/ is answered with 200")
    assert look("url", url=f"{own}/404") == (True, f"{own}/404 is answered with 404, not 200")
    assert look("url", url=f"{own}/404", status="404")[0] is False
    assert look("url", url=f"{own}/302")[0] is False
    assert look("url", url=f"{own}/302", follow="false", status="302")[0] is False
    assert look("url", url=f"{own}/", text="hell")[0] is False
    assert look("url", url=f"{own}/", text="bye")[1].endswith("without the text 'bye'")
    assert look("url", url=f"{own}/401", username="alice", password="pw")[0] is False
    assert look("url", url=f"{own}/401", username="alice", password="no")[0] is True


def test_a_url_that_nobody_answers(look):
    with socket.create_server(("127.0.0.1", 0)) as server:
        own = f"http://127.0.0.1:{server.getsockname()[1]}/"
        assert "timed out" in look("url", url=own, timeout="0.2")[1]
    assert "refused" in look("url", url=own)[1]
    assert look("url", url="file:///etc/passwd") == (
        True,
        "file:///etc/passwd is neither http nor https",
    )


def test_a_server_s_certificate_is_verified(look, tmp_path):
    make_certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "certificate", tmp_path / "key")
    with serving(context) as port:
        url = f"https://localhost:{port}/"
        assert "CERTIFICATE_VERIFY_FAILED" in look("url", url=url)[1]
        assert look("url", url=url, verify="false")[0] is False
        assert look("url", url=url, ca_file=str(tmp_path / "certificate"))[0] is False
        failed, message = look("certificate", host="localhost", port=str(port), days="10")
        assert not failed and "in 30.0 days" in message


def test_a_socket_listens(look, partition):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        where = f"127.0.0.1 port {port}"
        assert look("socket", host="127.0.0.1", port=str(port)) == (
            False,
            f"somebody listens at {where}",
        )
    failed, message = look("socket", host="127.0.0.1", port=str(port))
    assert failed and message.startswith(f"nobody listens at {where}: ")
    path = partition.folder / "own"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        assert look("socket", path=str(path))[0] is False
    assert look("socket", path=str(path))[0] is True
    assert look("socket")[1] == "a socket is at a path, or at a host and port"


def test_a_command_ends_as_it_should(look):
    assert look("command", command="echo 'a b'") == (False, "echo has ended with 0: a b")
    assert look("command", command="false")[1] == "false has ended with 1, not 0: "[:-1]
    assert look("command", command="false", code="1")[0] is False
    assert look("command", command="echo five", output="^f.ve$")[0] is False
    assert look("command", command="echo six", output="^f.ve$")[0] is True
    assert look("command", command="sleep 9", timeout="0.1")[1].startswith("sleep has not ended")
    assert look("command", command="/nowhere/x")[0] is True


def test_a_command_is_run_by_no_shell(look, partition):
    look("command", command="echo $(touch made); touch made")
    assert not (partition.folder / "made").exists()


@pytest.mark.parametrize(
    ("days", "begun", "failed"), [(30, 1, False), (9, 1, True), (90, -5, True)]
)
def test_a_certificate_is_good_for_some_days(look, tmp_path, days, begun, failed):
    certificate = make_certificate(tmp_path, days, begun)
    dates = (certificate.not_valid_before_utc, certificate.not_valid_after_utc)
    assert read_dates(certificate.public_bytes(serialization.Encoding.DER)) == dates
    assert look("certificate", file=str(tmp_path / "certificate"))[0] is failed


def test_what_is_no_certificate_is_a_failure(look, tmp_path):
    (tmp_path / "none").write_text("nothing")
    assert look("certificate", file=str(tmp_path / "none"))[1].endswith("holds no certificate")
    begin, end = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
    (tmp_path / "none").write_text(f"{begin}\nMAoC\n{end}\n")
    assert look("certificate", file=str(tmp_path / "none")) == (True, "that is no certificate")


def test_a_disk_has_room(look):
    assert look("disk", percent="0", megabytes="1")[0] is False
    assert look("disk", percent="100")[0] is True
    assert "are free at /proc" in look("disk", path="/proc")[1]
    assert look("disk", megabytes="x")[1] == "the option megabytes is no number: x"


def test_memory_is_left(look):
    assert look("memory", megabytes="1")[0] is True
    assert look("memory", megabytes="1000000", percent="0.01")[0] is False
    assert look("memory", percent="100")[0] is True
    assert look("memory")[1] == "megabytes or percent have to be given"


def test_the_machine_has_time(look):
    assert look("cpu", load="100000", minutes="1")[0] is False
    assert look("cpu", load="-1")[0] is True
    assert look("cpu", minutes="2")[1].startswith("the load is known over 1, 5 or 15")


def test_a_service_runs(look, partition):
    assert look("service", service="web") == (True, "web does not run")
    assert look("service", service="web", state="stopped")[0] is False
    name = partition.folder.name
    own = {"SUPERVISOR_GROUP_NAME": name, "SUPERVISOR_PROCESS_NAME": "web-on-watch"}
    program = [sys.executable, "-c", "import time; print(1, flush=True); time.sleep(60)"]
    with subprocess.Popen(program, env={**os.environ, **own}, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        try:
            assert look("service", service="web")[0] is False
            assert look("service", service="we")[0] is True
            assert look("service", service="web", since="3600")[0] is True
            assert look("service", service="web", state="stopped") == (True, "web runs")
        finally:
            process.kill()
    assert look("service", service="web", state="on")[1].startswith("a service is running or")


class TestLog:
    @pytest.fixture
    def path(self, partition):
        path = partition.folder / "app.log"
        path.write_text("ERROR before the first look\n")
        return path

    def add(self, path, text):
        with path.open("a") as file:
            file.write(text)

    def test_only_what_is_new_counts(self, look, path):
        assert look("log", path=str(path)) == (False, "0 of 0 new lines are bad")
        self.add(path, "INFO fine\nERROR one\nCRITICAL two\n")
        failed, message = look("log", path=str(path))
        assert failed and message == "2 of 3 lines are bad; the last: ERROR one\nCRITICAL two"
        assert look("log", path=str(path))[0] is False

    def test_the_first_look_may_read_all(self, look, path):
        assert look("log", path=str(path), from_start="true")[0] is True

    def test_half_a_line_is_left_for_the_next_look(self, look, path):
        look("log", path=str(path))
        self.add(path, "ERROR ha")
        assert look("log", path=str(path))[0] is False
        self.add(path, "lf\n")
        assert look("log", path=str(path))[1].endswith("ERROR half")

    def test_a_renamed_log_is_read_to_its_end_and_the_fresh_one_too(self, look, path):
        look("log", path=str(path))
        self.add(path, "ERROR old\n")
        path.rename(path.with_name("app.log.2"))
        path.with_name("app.log.1").write_text("ERROR between\n")
        path.write_text("ERROR new\n")
        assert look("log", path=str(path))[1] == (
            "3 of 3 lines are bad; the last: ERROR old\nERROR between\nERROR new"
        )
        assert look("log", path=str(path))[0] is False

    def test_an_emptied_log_is_read_from_its_start(self, look, path):
        self.add(path, "much that makes the file longer than what follows\n")
        look("log", path=str(path))
        path.write_text("ERROR new\n")
        assert look("log", path=str(path))[0] is True

    def test_patterns_levels_and_what_is_ignored(self, look, path):
        look("log", path=str(path))
        how = {"path": str(path), "patterns": "time ?out\nfailed", "ignore": "retry\\b"}
        self.add(path, "ERROR but no pattern\na timeout\na timeout, retry\n")
        assert look("log", **how)[1].startswith("1 of 3")
        self.add(path, "ERRORS are no level\nWARN ERROR\n")
        assert look("log", path=str(path), levels="ERROR")[1].startswith("1 of 2")

    def test_some_may_be_bad(self, look, path):
        look("log", path=str(path))
        self.add(path, "ERROR\nERROR\n")
        assert look("log", path=str(path), most="2")[0] is False

    def test_a_missing_log_is_a_failure_unless_it_may_be(self, look, path):
        path.unlink()
        assert look("log", path=str(path)) == (True, f"there is no log {path}")
        assert look("log", path=str(path), missing="true")[0] is False


class TestDeviation:
    def test_what_is_usual_is_learnt_and_something_else_is_an_anomaly(self, look, partition):
        path = partition.folder / "number"
        how = {"file": str(path), "learning": "4", "failures": "1"}
        for number in (10, 11, 10, 9):
            path.write_text(f"{number}\n")
            assert look("deviation", anomaly=True, **how)[1].endswith("still learnt")
        path.write_text("11.5")
        assert look("deviation", anomaly=True, **how)[0] is False
        path.write_text("40")
        failed, message = look("deviation", anomaly=True, **how)
        assert failed and message.startswith("it is 40, usually 10.3, and may be off by")

    def test_it_is_never_tested(self, look):
        assert look("deviation", command="echo 5") == (None, None)

    def test_the_number_comes_from_a_command_too(self, look):
        how = {"command": "echo 5", "learning": "0", "failures": "1"}
        assert look("deviation", anomaly=True, **how)[1] == "it is 5; what is usual is still learnt"
        assert look("deviation", anomaly=True, **how)[1].startswith("it is 5, usually 5")
        how = {"command": "echo nan", "failures": "1"}
        assert "no number to learn from" in look("deviation", anomaly=True, **how)[1]


def test_three_failures_in_a_row_are_an_anomaly(look):
    found = [look("command", anomaly=True, command="false")[0] for _ in range(4)]
    assert found == [False, False, True, True]


def test_time_of_a_look_is_told(look, partition):
    look("command", command="sleep 0.3")
    assert 0.3 <= partition.state()["execution-time"] < 5
