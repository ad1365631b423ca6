"""Promises of a partition, looked at through the launcher as the agent does it."""

import threading
from pathlib import Path

import pytest

from slapcore.errors import InvalidValue
from slapcore.promise.launcher import Launcher
from slapcore.promise.launcher import PromisesUnknown
from slapcore.promise.launcher import Promising
from tests.promise.world import Partition
from tests.promise.world import messages
from tests.promise.world import results


def test_a_kept_promise_is_told_and_its_message_kept(partition):
    partition.add("one", "self.logger.info('the page has 12 bytes')")
    outcome = partition.check()
    assert outcome.promised and not outcome.failed and outcome.problem == ""
    assert messages(outcome) == {"one": "the page has 12 bytes"}


def test_a_status_is_as_monitoring_tools_read_it(partition):
    path = partition.add("one", "self.logger.error('no answer')")
    partition.check()
    state = partition.state()
    assert set(state) == {"title", "name", "path", "execution-time", "result"}
    assert (state["title"], state["name"], state["path"]) == ("one", "one.py", str(path))
    assert state["result"].pop("date").endswith("+0000")
    assert state["result"] == {"type": "Test Result", "failed": True, "message": "no answer"}


def test_what_is_raised_is_a_failure_with_its_text(partition):
    partition.add("one", "raise OSError('the disk is gone')")
    partition.add("two", "sys.exit('not here')")
    partition.add("three", "raise KeyError('port')")
    assert messages(partition.check()) == {
        "one": "the disk is gone",
        "two": "not here",
        "three": "KeyError: 'port'",
    }


def test_what_sense_gives_back_means_nothing(partition):
    partition.add("one", "self.logger.info('fine'); return 'error'")
    assert results(partition.check()) == {"one": False}


def test_the_report_names_the_first_and_then_the_others(partition):
    for name in "abcdef":
        partition.add(name, f"self.logger.error('no {name}')")
    text = "Promise 'a.py' failed with output: no a (others failed: b.py, c.py, d.py and 2 more)"
    assert partition.check().problem == text


def test_an_instance_without_promises_is_told_as_such(partition):
    outcome = partition.check()
    assert not outcome.promised and not outcome.failed


def test_a_promise_is_looked_at_again_only_when_it_is_due(partition):
    partition.add("one", init="self.setPeriodicity(minute=5)")
    assert partition.check().looked == {"one.py"}
    again = partition.check()
    assert again.looked == set() and results(again) == {"one": False}
    assert partition.check(force=True).looked == {"one.py"}


def test_a_promise_that_was_changed_is_due(partition):
    partition.add("one", "self.logger.error('no')")
    assert partition.check().failed
    partition.add("one", "self.logger.info('yes')")
    assert not partition.check().failed


def test_a_failure_is_told_until_the_next_look(partition):
    partition.add("one", "self.logger.error('no')", init="self.setPeriodicity(minute=5)")
    partition.check()
    assert partition.check(anomaly=True).failed


def test_only_the_named_ones_are_looked_at(partition):
    partition.add("one")
    partition.add("two")
    assert partition.check(only=("two.py",)).looked == {"two.py"}


def test_an_anomaly_bangs_and_a_failed_test_does_not(partition):
    partition.add("one", "self.logger.error('no')")
    assert partition.check().bangs == ()
    outcome = partition.check(anomaly=True, force=True)
    assert outcome.bangs == ("one",)
    assert outcome.bang_message == "Promise one is failing"
    assert partition.state()["result"]["type"] == "Anomaly Result"


@pytest.mark.parametrize(
    "init", ["self.allowBang(False)", "self._Promise__x = 0; self.bangs = False"]
)
def test_a_promise_may_do_without_banging(partition, init):
    partition.add("one", "self.logger.error('no')", init=init)
    outcome = partition.check(anomaly=True)
    assert outcome.failed and outcome.bangs == ()


def test_bang_on_failure_is_read_from_the_configuration(partition):
    head = "extra_config_dict = {'bang-on-failure': 'false'}"
    partition.add("one", "self.logger.error('no')", head=head)
    assert partition.check(anomaly=True).bangs == ()


def test_an_anomaly_may_need_several_failed_looks(partition):
    rest = "def anomaly(self): return self._anomaly(result_count=3, failure_amount=3)"
    partition.add("one", "self.logger.error('no')", rest=rest)
    found = [bool(partition.check(anomaly=True, force=True).failed) for _ in range(3)]
    assert found == [False, False, True]


def test_a_testless_promise_is_not_tested(partition):
    partition.add("one", "self.logger.error('no')", init="self.setTestLess()")
    assert partition.check().looked == set()
    assert partition.check(anomaly=True).bangs == ("one",)
    assert not partition.check().failed


def test_an_anomalyless_promise_is_not_asked_for_anomalies(partition):
    partition.add("one", "self.logger.error('no')", init="self.setAnomalyLess()")
    assert partition.check(anomaly=True).looked == set()
    assert partition.check().failed
    assert not partition.check(anomaly=True).failed


def test_a_promise_may_not_be_both(partition):
    partition.add("one", init="self.setAnomalyLess(); self.setTestLess()")
    assert messages(partition.check()) == {
        "one": "the promise is neither tested nor asked for anomalies"
    }


def test_executables_are_promises(partition):
    partition.add_executable("good", "echo all is well")
    partition.add_executable("bad", "echo no socket; exit 3")
    partition.add_executable("silent", "exit 4")
    outcome = partition.check()
    assert results(outcome) == {"good": False, "bad": True, "silent": True}
    told = {"good": "all is well", "bad": "no socket", "silent": "ended with 4"}
    assert messages(outcome) == told


def test_an_executable_runs_in_its_partition_with_a_clean_environment(partition, monkeypatch):
    partition.add_executable("one", "pwd; echo $HOME; echo ${SECRET:-none}")
    with Launcher() as launcher:
        monkeypatch.setenv("SECRET", "s3cret")
        partition.launcher = launcher
        folder = str(partition.folder)
        assert messages(partition.check())["one"].split() == [folder, folder, "none"]


def test_what_is_no_executable_is_told(partition):
    partition.write("etc/promise/README", "not a promise")
    outcome = partition.check()
    assert outcome.odd == ("etc/promise/README is no executable file",)
    assert not outcome.promised


def test_a_plugin_without_the_class_is_a_failure(partition):
    partition.write("etc/plugin/one.py", "class Promise: pass")
    text = "one.py holds no class RunPromise that is a promise"
    assert messages(partition.check()) == {"one": text}


def test_a_plugin_that_does_not_parse_is_a_failure(partition):
    partition.write("etc/plugin/one.py", "class RunPromise(:")
    assert "invalid syntax" in messages(partition.check())["one"]


def test_a_promise_may_be_named_like_a_library(partition):
    partition.add("json", "self.logger.info('fine')", head="import json\njson.dumps(1)")
    partition.add("logging", "self.logger.info('fine')", head="import json\njson.dumps(1)")
    assert results(partition.check()) == {"json": False, "logging": False}


def test_a_plugin_s_own_configuration_is_its_own(partition):
    head = "extra_config_dict = {'url': 'http://[::1]/', 'frequency': 3}"
    sense = "self.logger.info('%s %s', self.getConfig('url'), self.getConfig('partition-id'))"
    partition.add("one", sense, head=head)
    assert messages(partition.check()) == {"one": "http://[::1]/ slappart0"}


def test_a_plugin_may_not_say_what_the_node_says(partition):
    partition.add("one", head="extra_config_dict = {'computer-id': 'COMP-9'}")
    text = "extra_config_dict may not say computer-id: the node does"
    assert messages(partition.check()) == {"one": text}


def test_a_promise_that_is_gone_leaves_nothing(partition):
    path = partition.add("one")
    partition.add("two")
    partition.check()
    path.unlink()
    assert results(partition.check()) == {"two": False}
    left = [each.name for each in (partition.folder / ".slapgrid").rglob("one.*.json")]
    assert left == []


def test_many_threads_ask_one_launcher(open_folder, launcher):
    partitions = [Partition(open_folder, launcher, f"slappart{n}") for n in range(12)]
    for number, partition in enumerate(partitions):
        partition.add("one", f"self.logger.info('number {number}')")
    found = {}

    def ask(number):
        found[number] = messages(partitions[number].check())["one"]

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {number: f"number {number}" for number in range(12)}


def test_a_missing_partition_is_named(launcher):
    with pytest.raises(PromisesUnknown, match="/nowhere/slappart0: No such file"):
        launcher.check(Promising(name="slappart0", directory=Path("/nowhere/slappart0")))


def test_a_launcher_needs_time_and_room():
    with pytest.raises(InvalidValue, match="too few"):
        Launcher(parallel=0)
