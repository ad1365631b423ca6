"""What was used in a day, as the report that the Master takes; and reports that instances make.

- A day is told once, after it is over; what the Master does not take is told again.
- The resources have the names that the legacy node gives them.
- What lies in ``var/xml_report`` of a partition is passed on and removed; what is no report stays,
  for its author to look at.
"""

import logging
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from datetime import UTC
from datetime import datetime
from datetime import timedelta

from lxml import etree

from slapcore.errors import ProtocolError
from slapcore.errors import SlapError
from slapcore.node.collect.store import Spell
from slapcore.node.collect.store import Store
from slapcore.node.host import PartitionPlace
from slapcore.protocol.consumption import VOCABULARY
from slapcore.protocol.xml import read_xml
from slapcore.slap.as_node import AsNode

log = logging.getLogger(__name__)

REPORTS = "var/xml_report"
MAX_BYTES = 1_000_000
MIB = 1 << 20

Movement = tuple[str, str, float]


def tell_use(store: Store, node: AsNode, now: datetime) -> bool:
    """Tell what was used yesterday, unless that is told; tell whether there was anything."""
    yesterday = now.astimezone(UTC) - timedelta(days=1)
    day = yesterday.replace(hour=0, minute=0, second=0, microsecond=0)
    name = day.strftime("%Y-%m-%d")
    spells = store.spells(day.timestamp(), (day + timedelta(days=1)).timestamp())
    if not spells or store.is_told(name):
        return False
    end = day + timedelta(days=1, seconds=-1)
    movements = list(movements_of(spells, node.reference))
    node.use(write_report(f"use of {node.reference} on {name}", day, end, movements))
    store.note_told(name)
    return True


def movements_of(spells: Iterable[Spell], node: str) -> Iterator[Movement]:
    for spell in spells:
        whose = spell.partition or node
        yield whose, "service_module/cpu_load_percent", round(100 * spell.cpu, 3)
        yield whose, "service_module/memory_used", round(spell.memory / MIB, 3)
        yield whose, "service_module/disk_used", round(spell.disk / MIB, 3)


def write_report(
    title: str, begin: datetime, end: datetime, movements: Iterable[Movement]
) -> str:
    """Write a journal of one transaction."""
    journal = etree.Element("journal")
    transaction = etree.SubElement(journal, "transaction", type="Sale Packing List")
    head = {
        "title": title, "start_date": write_date(begin), "stop_date": write_date(end),
        "reference": title, "currency": "", "payment_mode": "", "category": "",
    }  # fmt: skip
    add_texts(transaction, head)
    etree.SubElement(transaction, "arrow", type="Destination")
    for whose, resource, quantity in movements:
        used = {
            "resource": resource, "title": resource.rpartition("/")[2], "reference": whose,
            "quantity": repr(float(quantity)), "price": "0.0", "VAT": "", "category": "",
        }  # fmt: skip
        add_texts(etree.SubElement(transaction, "movement"), used)
    return etree.tostring(journal, xml_declaration=True, encoding="utf-8").decode()


def add_texts(element: etree._Element, texts: Mapping[str, str]) -> None:
    for name, text in texts.items():
        etree.SubElement(element, name).text = text


def write_date(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def pass_reports_on(place: PartitionPlace, node: AsNode) -> int:
    """Pass on what an instance reports of itself, under the name of its partition; how many."""
    taken = []
    movements: list[Movement] = []
    for name in place.folder.files(REPORTS):
        text = place.folder.read(f"{REPORTS}/{name}") or ""
        try:
            movements += read_movements(text, place.name)
        except ProtocolError as error:
            log.warning("partition %s: %s/%s is no report: %s", place.name, REPORTS, name, error)
            continue
        taken.append(name)
    if movements:
        now = datetime.now(UTC)
        title = f"consumption of {place.name} until {write_date(now)}"
        try:
            node.use(write_report(title, now - timedelta(seconds=1), now, movements))
        except SlapError as error:
            log.warning("partition %s: what it used was not taken: %s", place.name, error)
            return 0
    for name in taken:
        place.folder.remove(f"{REPORTS}/{name}")
    return len(taken)


def read_movements(text: str, partition: str) -> list[Movement]:
    """Read what an instance says; whoever it names, it is the partition's."""
    root = read_xml(text, VOCABULARY, max_bytes=MAX_BYTES, max_elements=10_000)
    found = []
    for movement in root.iter("movement"):
        resource = (movement.findtext("resource") or "").strip()
        try:
            quantity = float(movement.findtext("quantity") or "")
        except ValueError as error:
            raise ProtocolError("a quantity is no number") from error
        if not resource:
            raise ProtocolError("a movement is of no resource")
        found.append((partition, resource, quantity))
    return found
