"""What is kept of promises: their logs, results, history, statistics and feed."""

import json
import logging
import sys
from datetime import datetime
from pathlib import Path
from xml.etree import ElementTree

import pytest

from slapcore.errors import InvalidValue
from slapcore.promise import diary
from slapcore.promise import history
from slapcore.promise.diary import Diary
from slapcore.promise.folder import PromiseFolder
from slapcore.promise.history import History
from slapcore.promise.history import Shown
from slapcore.promise.interpreter import find_python
from slapcore.promise.interpreter import find_release_python
from slapcore.promise.interpreter import read_interpreter
from slapcore.promise.result import AnomalyResult
from slapcore.promise.result import Status
from slapcore.promise.result import TestResult
from slapcore.promise.result import decode_status
from slapcore.promise.result import read_status

#: As a legacy node has left it.
LOG = """\
half a line of before
2020-11-23 10:00:00 - ERROR - 1795428000-123 - not there
Traceback
  in a line
2020-11-23 10:00:00 - INFO - 1795428000-123 - but tried
2020-11-23 10:02:00 - INFO - 1795428120-456 - fine
2020-11-23 10:04:00 - CRITICAL - 1795428240-789 - worse
"""


def test_a_log_of_a_legacy_node_is_read(tmp_path):
    path = tmp_path / "one.log"
    path.write_text(LOG)
    looks = diary.read_looks(path, 9)
    found = [[(line.level, line.message) for line in look] for look in looks]
    assert found == [
        [("CRITICAL", "worse")],
        [("INFO", "fine")],
        [("ERROR", "not there\nTraceback\n  in a line"), ("INFO", "but tried")],
    ]
    assert looks[0][0].date == datetime(2020, 11, 23, 10, 4)
    assert len(diary.read_looks(path, 2)) == 2
    assert diary.read_looks(path, 9, minutes=1) == []
    assert diary.read_looks(tmp_path / "none", 9) == []


@pytest.mark.parametrize(
    ("levels", "wanted", "failed"),
    [
        ("", 1, False),
        ("E", 1, True),
        ("I", 1, False),
        ("EII", 1, True),
        ("EIE", 2, True),
        ("IEE", 1, False),
        ("EEI", 3, False),
        ("EEE", 3, True),
    ],
)
def test_the_newest_and_so_many_more_have_to_have_failed(levels, wanted, failed):
    names = {"E": "ERROR", "I": "INFO"}
    looks = [[diary.Line(datetime.now(), names[level], "1-1", "said")] for level in levels]
    assert diary.judge(looks, wanted)[0] is failed


def test_a_log_that_is_too_long_keeps_its_end(tmp_path):
    path = tmp_path / "one.log"
    path.write_text("x" * 99 + "\n" + LOG * 10000)
    diary.shorten(path)
    assert path.stat().st_size <= diary.KEPT
    assert path.read_text().endswith(LOG)


def test_what_is_logged_badly_is_logged_all_the_same(tmp_path):
    handler = Diary(tmp_path / "one.log")
    logger = logging.getLogger("badly")
    logger.propagate = False
    logger.addHandler(handler)
    logger.error("%s %s", "one")
    logger.error("surrogate \udc80")
    handler.close()
    logger.removeHandler(handler)
    (look,) = diary.read_looks(tmp_path / "one.log", 1)
    assert look[0].message.startswith("%s %s (") and look[1].message == "surrogate \\udc80"


def make_status(problem=False, message="fine", name="one.py", kind=TestResult, date=None):
    date = date or datetime(2026, 11, 23, 10)
    title = name.removesuffix(".py")
    return Status(title=title, name=name, path=f"/p/{name}", result=kind(problem, message, date))


def test_a_status_is_written_and_read_back():
    for kind in (TestResult, AnomalyResult):
        status = make_status(True, "no", kind=kind)
        assert read_status(status.write()) == status


def test_a_long_message_keeps_its_end():
    assert TestResult(True, "x" * 6000 + "end").message == "..." + "x" * 4997 + "end"


@pytest.mark.parametrize(
    "content",
    [b"{", b"[]", b"{}", b'{"result": {}}', b'{"result": {"type": "Odd"}}', b"null"],
)
def test_what_is_no_status_is_an_error_of_ours(content):
    with pytest.raises(InvalidValue):
        decode_status(content)


class TestHistory:
    @pytest.fixture
    def folder(self, tmp_path):
        folder = PromiseFolder(tmp_path)
        folder.make()
        return folder

    def add(self, folder, *statuses):
        for status in statuses:
            kept = History(folder, Shown("web <1>", "the tree"))
            kept.add(status)
            kept.save({status.name}, {status.title})

    def entries(self, path):
        data = json.loads(path.read_text())
        assert isinstance(data["date"], float)
        return data["data"]

    def test_changes_are_entries_and_repetitions_are_none(self, folder):
        at = [datetime(2026, 11, 23, 10, minute) for minute in range(5)]
        self.add(
            folder,
            make_status(date=at[0]),
            make_status(date=at[1]),
            make_status(True, "no", date=at[2]),
            make_status(True, "still no", date=at[3]),
            make_status(date=at[4]),
        )
        entries = self.entries(folder.history_file("one"))
        assert [(each["status"], each["date"][14:16]) for each in entries] == [
            ("OK", "00"),
            ("ERROR", "02"),
            ("ERROR", "03"),
            ("OK", "04"),
        ]
        assert [each["change-date"][14:16] for each in entries] == ["00", "02", "02", "04"]
        assert entries[0]["title"] == "one" and "title" not in entries[1]

    def test_it_is_bounded(self, folder, monkeypatch):
        monkeypatch.setattr(history, "MAX_ENTRIES", 3)
        self.add(folder, *(make_status(number % 2 == 0) for number in range(8)))
        assert len(self.entries(folder.history_file("one"))) == 3

    def test_a_day_that_is_over_becomes_a_number(self, folder, monkeypatch):
        self.add(folder, make_status(), make_status(True), make_status())
        assert not folder.statistic_file("one").exists()
        monkeypatch.setattr(history, "_today", lambda: "2099-01-01")
        self.add(folder, make_status())
        (entry,) = self.entries(folder.statistic_file("one"))
        assert entry["status"] == "ERROR" and entry["message"] == {"ERROR": 1, "OK": 2}

    def test_the_feed_shows_the_present_state_of_each(self, folder):
        kept = History(folder, Shown("web <1>", "the tree"))
        kept.add(make_status(True, "a & b \x00 <c>"))
        kept.add(make_status(name="two.py"))
        kept.save({"one.py", "two.py"}, {"one", "two"})
        channel = ElementTree.parse(folder.feed_file).getroot().find("channel")
        assert channel.findtext("title") == "web <1>"
        items = channel.findall("item")
        assert [item.findtext("title") for item in items] == ["[ERROR] one", "[OK] two"]
        assert items[0].findtext("description") == "a & b  <c>"
        assert [item.findtext("category") for item in items] == ["ERROR", "OK"]
        guid = items[0].findtext("guid")
        self.add(folder, make_status(), make_status(True, "other", name="one.py"))
        channel = ElementTree.parse(folder.feed_file).getroot().find("channel")
        assert channel.find("item").findtext("guid") != guid

    def test_tools_find_the_results_below_public_too(self, folder):
        self.add(folder, make_status())
        assert decode_status((folder.public / "promise/one.status.json").read_bytes())


@pytest.mark.parametrize(
    ("head", "wanted"),
    [
        ("#!/opt/py/bin/python3.12\nimport sys", "/opt/py/bin/python3.12"),
        ("#!/opt/py/bin/python -I\n", "/opt/py/bin/python"),
        ('#!/bin/sh\nexec /opt/py/bin/python3 "$0" "$@"\n', "/opt/py/bin/python3"),
        ("#!/usr/bin/env python3\n", ""),
        ("#!/bin/bash\n", ""),
        ("#! python3\n", ""),
        ("#!\n", ""),
        ("#!/bin/sh\nexec 'open\n", ""),
        ("import sys\n", ""),
        ("", ""),
    ],
)
def test_which_python_a_script_names(head, wanted):
    assert read_interpreter(head) == wanted


def test_a_plugin_s_own_python_comes_before_that_of_its_release(tmp_path):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/buildout").write_text("#!/opt/release/bin/python3\n")
    release = find_release_python(tmp_path)
    assert release == "/opt/release/bin/python3"
    assert find_release_python(tmp_path / "none") == ""
    assert find_python("#!/opt/own/bin/python\n", release) == "/opt/own/bin/python"
    assert find_python("import sys\n", release) == release
    assert find_python("import sys\n", "") is None
    assert find_python(f"#!{sys.executable}\n", release) is None
    beside = Path(sys.executable).with_name("python3")
    assert find_python("", str(beside)) is None
