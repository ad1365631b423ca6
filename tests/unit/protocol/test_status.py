"""Messages of nodes and the documents made of them."""

from datetime import UTC
from datetime import datetime
from datetime import timedelta
from datetime import timezone

import pytest

from slapcore.protocol import status
from slapcore.protocol.marshal import decode
from slapcore.protocol.marshal import encode
from slapcore.protocol.status import AccessMessage
from slapcore.protocol.status import Status
from slapcore.protocol.status import no_data_document
from slapcore.protocol.status import status_document

NOW = datetime(2026, 11, 23, 5, 24, tzinfo=UTC)
URL = "https://example.org/software.cfg"


@pytest.mark.parametrize(
    ("message", "text"),
    [
        (status.node_contacted("COMP-1"), "#access COMP-1"),
        (status.instance_started(), "#access Instance correctly started"),
        (status.instance_stopped(), "#access Instance correctly stopped"),
        (status.instance_destroyed(), "#access Instance correctly destroyed"),
        (status.instance_failed("no room"), "#error while instanciating: no room"),
        (status.instance_failed("x" * 90 + "end"), f"#error while instanciating: {'x' * 77}end"),
        (status.instance_banged("promise"), "#error bang called: promise"),
        (status.node_banged("by hand"), "#error bang: by hand"),
        (status.release_building(URL), f"#building software release {URL}"),
        (status.release_available(URL), f"#access software release {URL} available"),
        (status.release_failed(URL), f"#error while installing {URL}"),
        (status.no_data("COMP-1"), "#error no data found for COMP-1"),
        (status.no_data(), "#error no data found"),
    ],
)
def test_the_texts_are_those_that_clients_know(message, text):
    assert message == AccessMessage(text)
    assert message.is_error is text.startswith("#error")
    assert message.kind == text.split()[0]


@pytest.mark.parametrize(
    "say", [status.instance_failed, status.instance_banged, status.node_banged]
)
def test_whatever_a_node_says_can_be_sent_on(say):
    message = say("\x1b[31mred\x00 \ud800é" + "x" * 70)
    assert decode(encode(message.text)) == message.text
    assert "\ufffd[31mred\ufffd \ufffdé" in say("\x1b[31mred\x00 \ud800é").text


def test_a_long_message_is_cut():
    assert len(status.instance_banged("x" * 100_000).text) < 5100
    assert len(status.node_banged("x" * 100_000).text) < 5100


def make_status(age):
    return Status(
        user="SOFTINST-1",
        created_at=NOW - age,
        text=status.instance_started().text,
        since=NOW - timedelta(days=1),
        state="started",
        reference="SOFTINST-1",
        portal_type="Software Instance",
    )


def test_a_status_says_who_what_and_when():
    assert status_document(make_status(timedelta(minutes=1)), NOW) == {
        "created_at": "Mon, 23 Nov 2026 05:23:00 GMT",
        "no_data_since_15_minutes": 0,
        "no_data_since_5_minutes": 0,
        "portal_type": "Software Instance",
        "reference": "SOFTINST-1",
        "since": "Sun, 22 Nov 2026 05:24:00 GMT",
        "state": "started",
        "text": "#access Instance correctly started",
        "user": "SOFTINST-1",
    }


@pytest.mark.parametrize(
    ("age", "five", "fifteen"),
    [
        (timedelta(0), 0, 0),
        (timedelta(minutes=4, seconds=59), 0, 0),
        (timedelta(minutes=5), 1, 0),
        (timedelta(minutes=14, seconds=59), 1, 0),
        (timedelta(minutes=15), 1, 1),
        (timedelta(days=3), 1, 1),
        (-timedelta(minutes=20), 0, 0),
    ],
)
def test_silence_is_counted_in_true_minutes(age, five, fifteen):
    document = status_document(make_status(age), NOW)
    assert document["no_data_since_5_minutes"] == five
    assert document["no_data_since_15_minutes"] == fifteen


def test_without_data_the_document_says_so():
    document = no_data_document("COMP-1", "Compute Node", NOW)
    assert document["text"] == "#error no data found for COMP-1"
    assert document["user"] == "SlapOS Master"
    assert document["state"] == ""
    assert document["no_data"] == 1
    assert document["no_data_since_5_minutes"] == document["no_data_since_15_minutes"] == 1


def test_dates_are_in_gmt():
    moment = datetime(2026, 11, 23, 6, 24, tzinfo=timezone(timedelta(hours=1)))
    assert status.format_http_date(moment) == "Mon, 23 Nov 2026 05:24:00 GMT"
