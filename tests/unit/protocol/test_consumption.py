"""Usage reports: what is read, and what is wrong with the others."""

from datetime import UTC
from datetime import datetime

import pytest

from slapcore.errors import ProtocolError
from slapcore.protocol import consumption
from slapcore.protocol.consumption import Arrow
from slapcore.protocol.consumption import Movement
from slapcore.protocol.consumption import Transaction
from slapcore.protocol.consumption import read_usage

MOVEMENT = (
    "<movement><resource>service_module/cpu</resource><title>CPU</title>"
    "<reference>slappart0</reference><quantity>1.5</quantity><price>0.0</price><VAT/>"
    "<category>unit/percent</category><category/></movement>"
)
HEAD = (
    "<title>Usage</title><start_date>2026-11-22 00:00:00</start_date>"
    "<stop_date>2026-11-22 23:59:59</stop_date><reference>day</reference>"
    "<currency/><payment_mode/><category/>"
)
ARROW = '<arrow type="Administration"><source>a</source><destination/></arrow>'


def report(head=HEAD, arrow=ARROW, movement=MOVEMENT, kind=' type="Sale Packing List"'):
    transaction = f"<transaction{kind}>{head}{arrow}{movement}</transaction>"
    return f'<?xml version="1.0"?><journal>{transaction}</journal>'


def test_a_whole_report_is_read():
    assert read_usage(report()).transactions == (
        Transaction(
            kind="Sale Packing List",
            title="Usage",
            reference="day",
            start=datetime(2026, 11, 22, tzinfo=UTC),
            stop=datetime(2026, 11, 22, 23, 59, 59, tzinfo=UTC),
            currency="",
            payment_mode="",
            arrows=(Arrow(kind="Administration", source="a", destination=""),),
            movements=(
                Movement(
                    resource="service_module/cpu",
                    reference="slappart0",
                    title="CPU",
                    quantity=1.5,
                    price=0.0,
                    vat="",
                    categories=("unit/percent",),
                ),
            ),
        ),
    )


def test_what_may_be_missing_is_empty():
    bare = MOVEMENT.replace("<title>CPU</title><reference>slappart0</reference>", "")
    (transaction,) = read_usage(
        report(head=HEAD.replace("<title>Usage</title>", ""), movement=bare)
    ).transactions
    assert (transaction.title, transaction.movements[0].reference) == ("", "")


def test_the_order_does_not_matter():
    assert read_usage(report(head=MOVEMENT, movement=HEAD)) == read_usage(report())


def test_the_word_none_of_the_agent_is_nothing():
    changed = MOVEMENT.replace("<VAT/>", "<VAT>None</VAT>")
    (transaction,) = read_usage(report(movement=changed)).transactions
    assert transaction.movements[0].vat == ""


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("", None),
        (" \n", None),
        ("2026-11-22", datetime(2026, 11, 22, tzinfo=UTC)),
        ("2026-11-22 at 05:06:07", datetime(2026, 11, 22, 5, 6, 7, tzinfo=UTC)),
        ("2026-11-22T05:06:07Z", datetime(2026, 11, 22, 5, 6, 7, tzinfo=UTC)),
        ("2026-11-22 05:06:07+01:00", datetime(2026, 11, 22, 4, 6, 7, tzinfo=UTC)),
    ],
)
def test_dates_come_in_many_forms(text, moment):
    head = HEAD.replace("2026-11-22 23:59:59", text)
    (transaction,) = read_usage(report(head=head)).transactions
    assert transaction.stop == moment


@pytest.mark.parametrize("text", ["1", "-1.5", "+.5", "1.", "1e3", " 2 "])
def test_numbers_come_in_many_forms(text):
    changed = MOVEMENT.replace(">1.5<", f">{text}<")
    (transaction,) = read_usage(report(movement=changed)).transactions
    assert transaction.movements[0].quantity == float(text)


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ("", "not well-formed"),
        ("<movement/>", "the report is a <movement>, not a <journal>"),
        ("<journal/>", "<journal> holds no <transaction>"),
        ("<journal>x</journal>", "<journal> holds 'x' between its elements"),
        ("<journal><movement/></journal>", "<journal> holds an unknown <movement>"),
        ("<consumption/>", "markup that is not allowed here: '<consumption/>"),
        (report(kind=""), "<transaction> has no type"),
        (report(arrow=ARROW.replace(' type="Administration"', "")), "<arrow> has no type"),
        (report(arrow=""), "<transaction> holds no <arrow>"),
        (report(movement=""), "<transaction> holds no <movement>"),
        (report(head=HEAD.replace("<currency/>", "")), "<transaction> holds no <currency>"),
        (report(head=HEAD + "<currency/>"), "<transaction> holds more than one <currency>"),
        (report(head=HEAD + "x"), "<transaction> holds 'x' between its elements"),
        (report(head=HEAD + "<price/>"), "<transaction> holds an unknown <price>"),
        (
            report(head=HEAD.replace("<currency/>", "<currency><price/></currency>")),
            "<currency> holds an element instead of text",
        ),
        (
            report(head=HEAD.replace(">day<", f">{'x' * 1001}<")),
            "<reference> holds more than 1000 characters",
        ),
        (
            report(head=HEAD.replace("2026-11-22 00:00:00", "yesterday")),
            "<start_date> holds 'yesterday', not a date",
        ),
        (
            report(head=HEAD.replace("2026-11-22 00:00:00", "2026-02-30")),
            "<start_date> holds '2026-02-30', not a date",
        ),
        (report(movement="<movement/>"), "<movement> holds no <resource>"),
        *(
            (
                report(movement=MOVEMENT.replace(">1.5<", f">{text}<")),
                f"<quantity> holds '{text}', not a finite number",
            )
            for text in ("", "many", "NaN", "INF", "1e999", "1_0", "\u0663")
        ),
    ],
)
def test_the_fault_of_a_report_is_named(content, fault):
    with pytest.raises(ProtocolError, match=fault):
        read_usage(content)


def test_too_much_is_refused():
    with pytest.raises(ProtocolError, match="longer than 10 bytes"):
        read_usage(report(), max_bytes=10)
    with pytest.raises(ProtocolError, match="more than 200000 elements"):
        read_usage(f"<journal>{'<title/>' * consumption.MAX_ELEMENTS}</journal>")
