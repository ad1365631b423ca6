"""Small parts on their own: ledgers, settings, the body under another server, the counters."""

import threading
from pathlib import Path

import pytest
from pyramid.config import Configurator
from webtest import TestApp

from shacache.app import make_app
from shacache.ledger import FileLedger
from shacache.ledger import replace_file
from shacache.settings import read_settings
from shacache.statistic import KEYS_AT_MOST
from shacache.statistic import Statistic
from slapcore.errors import ConfigurationError
from tests.shacache.world import KEY
from tests.shacache.world import about
from tests.shacache.world import left_behind
from tests.shacache.world import sum_of

FROM_HERE = {"REMOTE_ADDR": "127.0.0.1"}


def test_changes_of_a_ledger_by_many_are_all_there(tmp_path):
    path = tmp_path / "ledger.json"

    def change(number):
        FileLedger(path).change(lambda content: content.update({str(number): number}))

    threads = [threading.Thread(target=change, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(FileLedger(path).read()) == 20


def test_a_ledger_is_read_again_when_another_has_changed_it(tmp_path):
    one, other = FileLedger(tmp_path / "ledger.json"), FileLedger(tmp_path / "ledger.json")
    assert one.read() == {}
    other.change(lambda content: content.update(a=1))
    assert one.read() == {"a": 1}
    assert one.read() is one.read()
    (tmp_path / "ledger.json").unlink()
    assert one.read() == {}


@pytest.mark.parametrize("text", ["{", "[]", "\udcff"])
def test_a_damaged_ledger_is_named(tmp_path, text):
    path = tmp_path / "ledger.json"
    path.write_text(text, errors="surrogateescape")
    with pytest.raises(ConfigurationError, match=r"ledger\.json"):
        FileLedger(path).read()


def test_a_file_that_can_not_be_replaced_stays(tmp_path):
    path = tmp_path / "folder"
    path.mkdir()
    (path / "inside").touch()
    with pytest.raises(OSError, match="directory"):
        replace_file(path, b"data")
    assert [each.name for each in tmp_path.iterdir()] == ["folder"]


def test_settings_have_defaults_and_paths_of_a_file_are_relative_to_it(tmp_path):
    assert read_settings(None, {}).listen == (("127.0.0.1", 8090),)
    path = tmp_path / "shacache.ini"
    path.write_text("[shacache]\nlisten_tls = [::1]:1, *:2\ncertificate = a\nkey = b\n")
    found = read_settings(path, {"cap": "3 KiB"})
    assert found.listen_tls == (("::1", 1), ("*", 2))
    assert (found.certificate, found.key) == (tmp_path / "a", tmp_path / "b")
    assert (found.directory, found.cap) == (tmp_path / "shacache", 3072)
    assert read_settings(path, {"directory": "/x"}).directory == Path("/x")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("listen", "localhost"),
        ("listen", "localhost:70000"),
        ("cap", "3 XB"),
        ("public", "perhaps"),
        ("open_networks", "10.0.0.1/8"),
        ("keep_days", "-1"),
    ],
)
def test_a_wrong_setting_is_named(name, text):
    with pytest.raises(ConfigurationError, match=f"--{name.replace('_', '-')}"):
        read_settings(None, {name: text})


def test_counted_keys_do_not_fill_the_memory():
    statistic = Statistic()
    for number in range(KEYS_AT_MOST + 10):
        for _ in range(1 + (number == 5)):
            statistic.count_lookup("other", str(number), hit=True)
    assert len(statistic.keys) <= KEYS_AT_MOST
    assert statistic.as_dict()["top"][0] == ["5", 2]


def test_names_in_metrics_can_not_break_a_line():
    statistic = Statistic()
    statistic.count_entry('a"b\\c\nd')
    assert r'{signer="a\"b\\c\nd"} 1' in statistic.as_prometheus()


@pytest.fixture
def other_server(cache):
    """The same application under a server that knows nothing of places for bodies."""
    return TestApp(make_app(cache), extra_environ=FROM_HERE)


def test_the_application_works_under_any_server(other_server, alice):
    data = b"x" * 3_000_000
    answer = other_server.post("/shacache", data, content_type="application/octet-stream")
    assert (answer.status_code, answer.text) == (201, sum_of(data))
    assert other_server.get(f"/shacache/{sum_of(data)}").body == data
    part = other_server.get(f"/shacache/{sum_of(data)}", headers={"Range": "bytes=-5"})
    assert (part.status_code, part.body) == (206, data[-5:])
    other_server.put_json(f"/shadir/{KEY}", [*vars(alice.sign(about(data))).values()])
    assert len(other_server.get(f"/shadir/{KEY}").json) == 1


def test_a_body_that_ends_too_early_is_refused_under_any_server(other_server, folder):
    other_server.extra_environ["CONTENT_LENGTH"] = "100"
    answer = other_server.post("/shacache", b"short", status="*",
                               headers={"Content-Length": "100"})  # fmt: skip
    assert (answer.status_code, "too early" in answer.text) == (400, True)
    assert not left_behind(folder)


class Denier:
    """A security policy that allows nobody anything."""

    def identity(self, request):
        return None

    def authenticated_userid(self, request):
        return None

    def permits(self, request, context, permission):
        return False


def test_the_cache_has_rights_of_its_own_in_another_application(cache, alice):
    config = Configurator()
    config.set_security_policy(Denier())
    config.set_default_permission("nobody has it")
    config.registry["shacache"] = cache
    config.include("shacache.routes")
    mounted = TestApp(config.make_wsgi_app(), extra_environ=FROM_HERE)
    data = b"mounted"
    assert mounted.post("/shacache", data, content_type="application/x").text == sum_of(data)
    mounted.put_json(f"/shadir/{KEY}", [*vars(alice.sign(about(data))).values()])
    assert mounted.get(f"/shacache/{sum_of(data)}").body == data
    assert len(mounted.get(f"/shadir/{KEY}").json) == 1
    assert mounted.get("/shacache/status").json["events"]["upload"] == 1
