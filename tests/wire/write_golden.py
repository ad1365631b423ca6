"""Write the golden pairs again, with the peer's library: python write_golden.py DIRECTORY.

Run it with a Python that has slapos.core, and this project on its path.  Each file holds the
value as a line of Python, then the bytes that the peer writes for it.
"""

import sys
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

from slapcore.protocol.documents import InstanceView
from slapcore.protocol.documents import SharedInstanceView
from slapcore.protocol.documents import write_computer
from slapcore.protocol.documents import write_free_partition
from slapcore.protocol.documents import write_instance
from slapcore.protocol.documents import write_partition
from slapcore.protocol.documents import write_release
from slapcore.protocol.documents import write_shared_instance
from slapcore.protocol.marshal import Document

RELEASE_URL = "https://lab.example.org/slapos/raw/1.0.400/software/web/software.cfg?a=1&b=2"

SHARED = SharedInstanceView(
    title="site of Zoë",
    reference="SOFTINST-12",
    software_type="default",
    timestamp=1763875449000001,
    connection={"url": "https://[2001:db8::1]:4443/", "slave_title": "overridden"},
    parameters={"domain": "zoë.example.org", "timestamp": "0", "slave_reference": "SOFTINST-1"},
)

INSTANCE = InstanceView(
    computer_guid="COMP-1",
    partition_id="slappart0",
    instance_guid="SOFTINST-11",
    title="web <&> frontend",
    root_title="shop",
    root_short_title="",
    software_type="frontend",
    release_url=RELEASE_URL,
    state="started",
    timestamp=1763875449000002,
    parameters={"_": '{"port": 80, "100%": "\t\r\n"}', "ip_list": "overridden", "empty": ""},
    connection={"url": "http://10.0.0.1:80/"},
    sla={"computer_guid": "COMP-1", "region": "europe/france"},
    ip_list=(("slaptap0", "10.0.0.1"), ("route_slaptap0", "10.1.0.1")),
    full_ip_list=(("route_slaptap0", "10.1.0.1", "10.1.0.254", "255.255.255.0", "10.1.0.0"),),
    shared_instances=(SHARED,),
    access_status="#access Instance correctly started",
)

VALUES = {
    "none": None,
    "true": True,
    "false": False,
    "int": 42,
    "int-negative": -7,
    "int-largest": 10**23,
    "long": 10**24,
    "long-negative": -(10**30),
    "float": 2.5,
    "float-whole": 3.0,
    "float-small": -1e-07,
    "float-large": 1e300,
    "text": "started",
    "text-empty": "",
    "text-space": " \t\n ",
    "text-markup": "<a href=\"x\" id='1'>&amp; & 100%d %% ]]></a>",
    "text-return": "one\r\ntwo\rthree\n",
    "text-unicode": "é ß €\x7f\x85\u2028\ufffd\U0001f600",
    "list-empty": [],
    "list": ["a", 1, None, True, 1.5, []],
    "tuple-empty": (),
    "tuple": ("slaptap0", "10.0.0.1", ()),
    "dictionary-empty": {},
    "dictionary": {"b": "2", "a": "1", "B": "3", "é": "4", "": "5"},
    "dictionary-mixed-keys": {"b": 1, 2: "two", None: 3, "a": False},
    "dictionary-nested": {"x": {"y": {"z": [({"a": []},)]}}},
    "release": write_release(RELEASE_URL, "COMP-1", "available"),
    "partition-free": write_free_partition("COMP-1", "slappart1"),
    "partition": write_partition(INSTANCE),
    "partition-registered": write_partition(INSTANCE, with_status=False),
    "computer-empty": write_computer("COMP-1", [], []),
    "computer": write_computer(
        "COMP-1",
        [
            write_release(RELEASE_URL, "COMP-1", "available"),
            write_release("https://example.org/old.cfg", "COMP-1", "destroyed"),
        ],
        [write_partition(INSTANCE), write_free_partition("COMP-1", "slappart1")],
    ),
    "instance": write_instance(INSTANCE),
    "instance-shared": write_shared_instance(INSTANCE),
}

PARAMETERS = {
    "empty": {},
    "text": {"b": "2", "a": "1"},
    "values": {"none": None, "true": True, "int": 1, "float": 1.5, "empty": ""},
    "markup": {'é&"<\n\t': "<x>&amp; \"'\r\n\t é \U0001f600</x>"},
}


def main(directory: Path) -> None:
    util = import_module("slapos.util")
    for name, value in VALUES.items():
        write_pair(directory / f"marshal-{name}", value, util.dumps(make_peer_value(value)))
    for name, parameters in PARAMETERS.items():
        content = util.dict2xml(parameters).encode()
        write_pair(directory / f"parameters-{name}", parameters, content)
    shared = {"a": ["x"]}
    repeated = [shared, (shared["a"], shared)]
    write_pair(directory / "repeated", repeated, util.dumps(repeated))
    write_description(directory)
    write_collected_usage(directory)
    write_aggregated_usage(directory)


def write_pair(path: Path, value: object, content: bytes) -> None:
    path.with_suffix(".pair").write_bytes(repr(value).encode() + b"\n" + content)


def make_peer_value(value: object) -> object:
    """Make what the peer makes, with every list and dictionary a new one."""
    if isinstance(value, Document):
        import_module("slapos.slap")
        made = getattr(sys.modules["slapos.slap.slap"], value.class_name)(*value.args)
        made.__dict__.clear()
        made.__dict__.update(
            {name: make_peer_value(member) for name, member in value.attributes.items()}
        )
        return made
    if isinstance(value, list | tuple):
        return type(value)(make_peer_value(member) for member in value)
    if isinstance(value, dict):
        return {key: make_peer_value(member) for key, member in value.items()}
    return value


def write_description(directory: Path) -> None:
    """Write what the peer's format command sends for two partitions."""
    peer = import_module("slapos.format")
    util = import_module("slapos.util")
    partitions = [make_partition(peer, index) for index in range(2)]
    partitions[1].capability_list = ["gpu", "licence é"]
    computer = peer.Computer(
        "COMP-1",
        addr="10.0.0.1",
        netmask="255.255.255.0",
        instance_root="/var/slapgrid",
        software_root="/opt/slapgrid",
        partition_list=partitions,
    )
    computer.public_ipv4_address = "192.0.2.1"
    computer.slapos_version = "1.26.1"
    computer.os_type = '["Linux-6.1", "debian", "12", "Debian GNU/Linux"]'
    value = peer._getDict(computer)
    write_pair(directory / "description", value, util.dumps(value))


def make_partition(peer: object, index: int) -> object:
    tap = peer.Tap(f"slaptap{index}")
    if index == 0:
        tap.ipv4_addr, tap.ipv4_netmask = "10.1.0.1", "255.255.255.0"
        tap.ipv4_gateway, tap.ipv4_network = "10.1.0.254", "10.1.0.0"
        tap.ipv6_addr, tap.ipv6_netmask = "2001:db8:1::1", "ffff:ffff:ffff:ffff::"
        tap.ipv6_gateway, tap.ipv6_network = "2001:db8:1::", "2001:db8:1::/64"
    addresses = [
        {"addr": f"10.0.0.{index + 10}", "netmask": "255.255.255.255"},
        {"addr": f"2001:db8::{index + 10}", "netmask": "ffff:ffff:ffff:ffff::"},
    ]
    name = f"slappart{index}"
    user = peer.User(f"slapuser{index}")
    return peer.Partition(name, f"/var/slapgrid/{name}", user, addresses, None, tap)


def write_collected_usage(directory: Path) -> None:
    """Write what the peer's collector reports for a day."""
    peer = import_module("slapos.collect.reporter")
    journal = peer.Journal()
    transaction = journal.newTransaction()
    for name, text in (
        ("title", "Eco Information for COMP-1 "),
        ("start_date", "2026-11-22 00:00:00"),
        ("stop_date", "2026-11-22 23:59:59"),
        ("reference", "2026-11-22-global"),
        ("currency", ""),
        ("payment_mode", ""),
        ("category", ""),
    ):
        journal.setProperty(transaction, name, text)
    peer.ElementTree.SubElement(transaction, "arrow").set("type", "Destination")
    for resource, reference in (("cpu_load_percent", "COMP-1"), ("memory_used", "slapuser0")):
        journal.newMovement(
            transaction, f"service_module/{resource}", f"{resource} é", "12.5", reference, ""
        )
    (directory / "usage-collected.xml").write_bytes(journal.getXML())


def write_aggregated_usage(directory: Path) -> None:
    """Write what the peer's agent makes of the reports of its partitions."""
    peer = import_module("slapos.grid.slapgrid")
    usage = (
        "<consumption><movement><resource>CPU Consumption</resource><title>Title é</title>"
        "<reference>whatever</reference><quantity>1.0</quantity><price>0.00</price><VAT/>"
        "</movement></consumption>"
    )
    partition = SimpleNamespace(usage=usage, getId=lambda: "slappart0")
    agent = SimpleNamespace(computer_id="COMP-1")
    content = peer.Slapgrid.asXML(agent, [partition])
    (directory / "usage-aggregated.xml").write_bytes(content.encode())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
