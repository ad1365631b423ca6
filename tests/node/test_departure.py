"""An instance leaves: it is stopped, kept as long as promised, and gone."""

import time

import pytest

from slapcore.errors import Conflict
from slapcore.node.agent import Verdict
from tests.node.place import URL
from tests.node.place import wait_until


@pytest.fixture
def leaving(place):
    place.run()
    place.master.change("slappart0", state="destroyed", timestamp=2)
    place.master.said.clear()
    return place


def left_in(place, name="slappart0"):
    return sorted(path.name for path in place.partition(name).iterdir())


def test_a_run_stops_it_and_a_report_removes_it(leaving):
    leaving.run()
    assert not leaving.programs()
    assert "etc" in left_in(leaving)
    assert leaving.report().changed == ["slappart0"]
    assert left_in(leaving) == [".slapos-resource"]
    assert leaving.master.words("destroyed") == [("slappart0",)]
    assert not list((leaving.directory / "inst" / "etc" / "supervisord.conf.d").iterdir())


def test_a_report_alone_is_enough(leaving):
    assert leaving.report().verdict is Verdict.DONE
    assert not leaving.programs()
    assert left_in(leaving) == [".slapos-resource"]


def test_it_is_kept_for_the_days_that_were_promised_at_first(place):
    place.master.change("slappart0", sla={"retention_delay": "0.00002"})
    place.run()
    place.master.change("slappart0", state="destroyed", timestamp=2, sla={})
    assert place.report().changed == []
    assert "etc" in left_in(place)
    assert not place.programs()
    wait_until(lambda: place.report().changed == ["slappart0"], 20)
    assert left_in(place) == [".slapos-resource"]


def test_its_own_end_is_run_before_and_a_failing_one_stops_it(leaving):
    folder = leaving.partition("slappart0") / "sbin"
    folder.mkdir()
    (folder / "destroy").write_text("#!/bin/sh\necho no way; exit 3\n")
    (folder / "destroy").chmod(0o755)
    summary = leaving.report()
    assert "exit code 3: no way" in summary.failed["slappart0"]
    assert "etc" in left_in(leaving)
    (folder / "destroy").write_text("#!/bin/sh\ntrue\n")
    assert leaving.report().changed == ["slappart0"]


def test_programs_of_prerm_are_run_once_and_waited_for(leaving):
    folder = leaving.partition("slappart0") / "etc" / "prerm"
    folder.mkdir()
    count = leaving.partition("slappart0") / "count"
    (folder / "last").write_text(f"#!/bin/sh\nsleep 1\necho x >> {count}\n")
    (folder / "last").chmod(0o755)
    assert leaving.report().changed == []
    wait_until(count.exists)
    time.sleep(0.3)
    assert count.read_text() == "x\n"
    assert leaving.report().changed == ["slappart0"]
    assert left_in(leaving) == [".slapos-resource"]


def test_it_is_told_again_while_the_master_does_not_agree(leaving):
    leaving.master.troubles["destroyed"] = Conflict("children first")
    assert leaving.report().changed == []
    assert leaving.report().verdict is Verdict.DONE
    assert len(leaving.master.words("destroyed")) == 2


def test_a_release_is_kept_while_somebody_lives_on_it(place):
    place.run()
    place.master.releases[URL] = "destroyed"
    summary = place.software()
    assert "slappart0 live on it" in summary.failed[URL]
    assert place.host.release(URL).is_complete
    place.master.change("slappart0", state="destroyed", timestamp=2)
    place.report()
    assert place.software().changed == [URL]
    assert not place.host.release(URL).directory.exists()
