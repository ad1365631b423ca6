"""One good call of every operation of classic SLAP: by whom, how, with what, what is answered."""

from slapmaster.domain.offering import make_product
from tests.driver import RELEASE
from tests.driver import ClassicDriver
from tests.driver import Master
from tests.driver import describe_node
from tests.driver import marshalled
from tests.driver import wish

NODE = {"computer_id": "COMP-1"}
PLACE = {**NODE, "computer_partition_id": "slappart0"}
NEW = "https://example.com/new.cfg"
REMOVED = "https://example.com/removed.cfg"
USAGE = """<journal><transaction type="Sale Packing List"><title>Resource</title>
<start_date>2020-01-01 at 00:00:00</start_date><stop_date>2020-01-01 at 23:59:59</stop_date>
<reference>ref</reference><currency></currency><payment_mode></payment_mode><category></category>
<arrow type="Administration"><source></source><destination></destination></arrow>
<movement><resource>CPU</resource><title>t</title><reference>slappart0</reference>
<quantity>1.5</quantity><price>0.0</price><VAT></VAT><category></category></movement>
</transaction></journal>"""

#: who calls, how, what, with which fields, and what the answer must hold
CALLS = (
    ("node", "GET", "getFullComputerInformation", NODE, b'class="Computer"'),
    ("node", "GET", "getComputerInformation", NODE, b'class="Computer"'),
    ("instance", "GET", "getFullComputerInformation", NODE, b'class="Computer"'),
    ("person", "GET", "getFullComputerInformation", NODE, b'class="Computer"'),
    (
        "node", "GET", "registerComputerPartition",
        {"computer_reference": "COMP-1", "computer_partition_reference": "slappart0"},
        b"_synced",
    ),
    ("node", "GET", "waitForComputerInformation", NODE, b"changed"),
    ("instance", "GET", "getHostingSubscriptionIpList", PLACE, b"10.0.0.1"),
    ("node", "GET", "getComputerPartitionCertificate", PLACE, b"BEGIN CERTIFICATE"),
    ("instance", "GET", "getComputerPartitionStatus", PLACE, b"#error no data found"),
    ("person", "GET", "getComputerStatus", NODE, b"no_data"),
    ("person", "GET", "getSoftwareInstallationStatus", {**NODE, "url": RELEASE}, b"no_data"),
    (
        "person", "GET", "getSoftwareReleaseListFromSoftwareProduct",
        {"software_product_reference": "none"}, b"<list",
    ),
    ("nobody", "GET", "getHateoasUrl", {}, b"http://localhost/hateoas"),
    ("person", "POST", "supplySupply", {**NODE, "url": NEW, "state": "available"}, b"Supplied"),
    ("person", "POST", "requestComputer", {"computer_title": "other"}, b"_computer_id"),
    ("person", "POST", "generateComputerCertificate", {"computer_id": "COMP-2"}, b"BEGIN"),
    (
        "node", "POST", "loadComputerConfigurationFromXML",
        {"xml": marshalled(describe_node("COMP-1", 1))}, b"Content properly posted.",
    ),
    ("person", "POST", "requestComputerPartition", wish("web"), b"_instance_guid"),
    (
        "instance", "POST", "requestComputerPartition",
        {**PLACE, **wish("share", shared=True)}, b"_instance_guid",
    ),
    ("node", "POST", "startedComputerPartition", PLACE, b"None"),
    ("node", "POST", "stoppedComputerPartition", PLACE, b"None"),
    ("node", "POST", "destroyedComputerPartition", PLACE, b"nobody asked"),
    ("node", "POST", "softwareInstanceError", {**PLACE, "error_log": "oh"}, b"None"),
    ("instance", "POST", "softwareInstanceError", {**PLACE, "error_log": "oh"}, b"None"),
    ("instance", "POST", "softwareInstanceBang", {**PLACE, "message": "look"}, b"OK"),
    ("instance", "POST", "softwareInstanceRename", {**PLACE, "new_name": "other"}, b"None"),
    (
        "instance", "POST", "setComputerPartitionConnectionXml",
        {**PLACE, "connection_xml": marshalled({"url": "http://x"}), "slave_reference": "None"},
        b"None",
    ),
    ("node", "POST", "buildingSoftwareRelease", {**NODE, "url": RELEASE}, b"None"),
    ("node", "POST", "availableSoftwareRelease", {**NODE, "url": RELEASE}, b"None"),
    ("node", "POST", "softwareReleaseError", {**NODE, "url": RELEASE, "error_log": "x"}, b"None"),
    ("node", "POST", "destroyedSoftwareRelease", {**NODE, "url": REMOVED}, b"None"),
    ("node", "POST", "computerBang", {**NODE, "message": "look"}, b"OK"),
    ("node", "POST", "useComputer", {**NODE, "use_string": USAGE}, b"OK"),
    ("person", "POST", "revokeComputerCertificate", NODE, b"None"),
    (
        "instance", "POST", "updateComputerPartitionRelatedInstanceList",
        {**PLACE, "instance_reference_xml": marshalled([])}, b"None",
    ),
)  # fmt: skip


def add_askers(master: Master) -> dict[str, ClassicDriver]:
    """Make a world in which all of these calls are good ones."""
    person = master.add_person("owner")
    project = master.add_project("mine", person)
    node = master.add_node(project, "n", partitions=1)
    person.supply(node)
    person.supply(node, REMOVED)
    person.supply(node, REMOVED, "destroyed")
    person.request("web")
    person.post("requestComputer", {"computer_title": "without a certificate"})
    master.change(lambda act: make_product(act, act.site.projects[project], "known"))
    person.supply(master.add_node(project, "spare", partitions=1))
    return {
        "person": person,
        "node": node,
        "instance": master.instance_at(node, "slappart0"),
        "nobody": master.nobody(),
    }
