"""Partitions are brought to their wanted states, by the real supervisord and a scripted release."""

import os
import signal

import pytest

from slapcore.errors import Unavailable
from slapcore.node.agent import Verdict
from slapcore.slap.as_node import Credentials
from tests.node.place import URL
from tests.node.place import make_place
from tests.node.place import wait_until

WEB = "slappart0:web-on-watch"


def test_an_instance_is_deployed_started_and_reported(place):
    assert place.run().verdict is Verdict.DONE
    assert place.programs()[WEB].is_running
    assert place.master.words("started") == [("slappart0",)]
    assert (place.partition("slappart0") / ".timestamp").read_text() == "1"
    assert (place.partition("slappart0") / "software_release").is_symlink()


def test_what_is_unchanged_is_neither_deployed_nor_reported_again(place):
    place.run()
    place.master.said.clear()
    summary = place.run()
    assert (summary.verdict, summary.changed) == (Verdict.DONE, [])
    assert place.master.said == [("see",)]
    assert place.ran("slappart0") == 1


def test_an_instance_that_the_master_believes_broken_is_reported_again(place):
    place.run()
    place.master.change("slappart0", access_status="#error bang called: no reason")
    place.master.said.clear()
    place.run()
    assert place.master.words("started") == [("slappart0",)]


def test_new_orders_leave_unchanged_programs_running(place):
    place.run()
    before = place.programs()[WEB].pid
    place.master.change("slappart0", timestamp=2)
    assert place.run().changed == ["slappart0"]
    assert place.ran("slappart0") == 2
    assert place.programs()[WEB].pid == before


def test_a_changed_partition_does_not_restart_the_programs_of_others(place):
    place.master.order("slappart1", URL)
    place.run()
    before = place.programs()["slappart1:web-on-watch"].pid
    script = place.host.release(URL).directory / "bin" / "buildout"
    script.write_text(script.read_text() + "cp etc/service/web etc/service/more\n")
    place.master.change("slappart0", timestamp=2)
    place.run()
    states = place.programs()
    assert states["slappart0:more-on-watch"].is_running
    assert states["slappart1:web-on-watch"].pid == before


def test_orders_hold_for_a_period_only(place):
    place.run()
    (place.host.release(URL).directory / "periodicity").write_text("0")
    assert place.run().changed == ["slappart0"]
    (place.host.release(URL).directory / "periodicity").write_text("-1")
    os.utime(place.partition("slappart0") / ".timestamp", (0, 0))
    assert place.run().changed == []


def test_older_orders_are_refused_unless_they_are_forced(place):
    place.master.change("slappart0", timestamp=5)
    place.run()
    place.master.change("slappart0", timestamp=4, state="stopped")
    summary = place.run()
    assert summary.verdict is Verdict.FAILED
    assert "have been obeyed already" in summary.failed["slappart0"]
    assert place.programs()[WEB].is_running
    assert place.run(force=True).changed == ["slappart0"]
    assert WEB not in place.programs()


def test_orders_for_another_instance_are_new_whatever_their_time(place):
    place.master.change("slappart0", timestamp=5)
    place.run()
    place.master.change("slappart0", timestamp=4, instance_guid="SI-other")
    assert place.run().changed == ["slappart0"]


def test_one_that_is_broken_stops_no_other(place):
    place.master.order("slappart1", URL)
    (place.partition("slappart0") / "fail").touch()
    summary = place.run()
    assert summary.verdict is Verdict.FAILED
    assert summary.changed == ["slappart1"]
    (told,) = place.master.words("failed")
    assert told[0] == "slappart0"
    assert told[1].endswith("part-of-it: Error: it was told to fail")
    log = (place.partition("slappart0") / ".slapgrid-slappart0-error.log").read_text()
    assert "it was told to fail" in log


def test_a_failure_is_told_once_and_its_end_is_told_too(place):
    place.run()
    place.master.change("slappart0", timestamp=2)
    (place.partition("slappart0") / "fail").touch()
    place.run()
    place.master.change("slappart0", access_status="#error while instanciating: it")
    place.run()
    assert len(place.master.words("failed")) == 1
    (place.partition("slappart0") / "fail").unlink()
    place.run()
    assert len(place.master.words("started")) == 2


def test_a_stopped_instance_is_deployed_and_does_not_run(place):
    place.run()
    place.master.change("slappart0", state="stopped", timestamp=2)
    place.run()
    assert place.ran("slappart0") == 2
    assert WEB not in place.programs()
    assert place.master.words("stopped") == [("slappart0",)]


def test_what_is_to_be_stopped_is_stopped_even_if_its_profile_is_broken(place):
    place.run()
    (place.partition("slappart0") / "fail").touch()
    place.master.change("slappart0", state="stopped", timestamp=2)
    assert place.run().verdict is Verdict.FAILED
    assert WEB not in place.programs()


def test_without_a_master_what_is_deployed_goes_on(place):
    place.run()
    place.agent().supervisor.shut_down()
    place.master.troubles["see"] = Unavailable("nobody answers")
    assert place.run().verdict is Verdict.OFFLINE
    wait_until(lambda: place.programs()[WEB].is_running)


def test_what_was_started_is_started_again_after_a_new_supervisord(place):
    place.run()
    place.agent().supervisor.shut_down()
    assert place.run().changed == []
    wait_until(lambda: place.programs()[WEB].is_running)


def test_a_partition_with_another_mode_is_refused(place):
    place.partition("slappart0").chmod(0o755)
    summary = place.run()
    assert "has mode 0755, not 0750" in summary.failed["slappart0"]
    assert place.ran("slappart0") == 0


def test_a_release_that_is_not_built_yet_is_said_so(place):
    place.master.order("slappart1", "https://example.com/other.cfg")
    assert "is not built here yet" in place.run().failed["slappart1"]


def test_a_full_disk_is_found_before_anything_is_begun(place):
    text = place.config.read_text()
    place.config.write_text(text.replace("e_min_free_space = 1M", "e_min_free_space = 999999G"))
    assert "instance_min_free_space wants" in place.run().failed["slappart0"]
    assert place.ran("slappart0") == 0


def test_the_certificate_is_where_the_profile_says_and_nobody_else_reads_it():
    pki = "/tmp/none"
    place = make_place(1)
    try:
        pki = place.directory / "pki"
        pki.mkdir(mode=0o711)
        (place.directory / "key").write_text("ours")
        own = f"key_file = {place.directory}/key\ncert_file = {place.directory}/key\n"
        text = place.config.read_text() + own + f"certificate_repository_path = {pki}\n"
        place.config.write_text(text)
        place.add_release()
        place.master.order("slappart0", URL)
        place.master.credentials = Credentials("the certificate", "the key")
        assert place.run().verdict is Verdict.DONE
        key = pki / "slappart0.key"
        assert key.read_text() == "the key"
        assert key.stat().st_mode & 0o777 == 0o400
        assert key.stat().st_uid == place.partition("slappart0").stat().st_uid
        profile = (place.partition("slappart0") / "buildout.cfg").read_text()
        assert f"key-file = {key}\n" in profile
        assert "master-ca-file = \nmaster-fingerprint = \n" in profile
    finally:
        place.end()


def test_children_that_were_asked_for_are_told(place):
    script = place.host.release(URL).directory / "bin" / "buildout"
    script.write_text(
        script.read_text() + "printf 'two\\none\\n' > .slapos-request-transaction-slappart0\n"
    )
    place.run()
    assert place.master.words("note_related") == [("slappart0", "one", "two")]


@pytest.mark.parametrize("name", ["we b", "a:b", "a,b", "x;y"])
def test_a_program_with_an_impossible_name_is_named(place, name):
    script = place.host.release(URL).directory / "bin" / "buildout"
    script.write_text(script.read_text() + f"cp etc/service/web 'etc/service/{name}'\n")
    assert repr(name) in place.run().failed["slappart0"]


def test_a_crash_bangs_once_per_deployment(place):
    place.run()
    os.kill(place.programs()[WEB].pid, signal.SIGKILL)
    log = place.host.logs / "watchdog.log"
    wait_until(lambda: log.exists() and "no bang" in log.read_text(), 30)
    assert "can't be reached" in log.read_text()
