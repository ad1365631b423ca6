"""One good call of every method of JSON-RPC: by whom, what, with what, what is answered."""

import json

from webtest import TestResponse

from tests.calls import NODE
from tests.calls import REMOVED
from tests.calls import USAGE
from tests.driver import RELEASE
from tests.driver import ClassicDriver

GUID = {"computer_guid": NODE["computer_id"]}
WEB = {"instance_guid": "SOFTINST-1"}
WISH = {"title": "web", "software_release_uri": RELEASE, "software_type": "default"}
BUILT = {**GUID, "software_release_uri": RELEASE}
ADDRESS = {"ip-address": "10.0.0.1", "netmask": "255.255.255.255", "network-interface": "lo"}

#: who calls, what, with what, and what the answer must hold
CALLS = (
    ("node", "allDocs.v0.compute_node_instance_list", GUID, "result_list"),
    ("node", "allDocs.v0.compute_node_software_installation_list", GUID, "result_list"),
    ("instance", "allDocs.v0.instance_node_instance_list", WEB, "result_list"),
    ("person", "allDocs.v0.instance_tree_list", {}, "web"),
    ("person", "allDocs.WIP.compute_node_list", {}, "COMP-1"),
    ("person", "get.WIP.instance_plan", {
        "title": "planned", "software_release_uri": RELEASE, "software_type": "default",
    }, "would live in"),
    ("person", "get.v0.compute_node_status", GUID, "no data"),
    (
        "node", "get.v0.compute_partition", {**GUID, "compute_partition_id": "slappart0"},
        "SOFTINST-1",
    ),
    ("person", "get.v0.instance_tree", {"title": "web"}, "SOFTINST-1"),
    ("person", "get.v0.software_instance", WEB, "slappart0"),
    ("node", "get.v0.software_instance_certificate", WEB, "BEGIN CERTIFICATE"),
    ("nobody", "get.v0.hateoas_url", {}, "http://localhost/hateoas"),
    ("person", "post.v0.software_instance", WISH, "SOFTINST-1"),
    ("instance", "post.v0.software_instance", {**WISH, "title": "share", "shared": True}, "share"),
    ("person", "post.v0.software_installation", {**BUILT, "state": "available"}, "Supplied"),
    ("person", "post.v0.compute_node_certificate", {"computer_guid": "COMP-2"}, "BEGIN"),
    ("person", "remove.v0.compute_node_certificate", GUID, "Certificate removed"),
    ("node", "post.v0.compute_node_usage", {**GUID, "tioxml": USAGE}, "Usage reported"),
    ("node", "put.v0.compute_node_bang", {**GUID, "message": "look"}, "Bang handled"),
    (
        "node", "put.v0.compute_node_format",
        {
            **GUID,
            "compute_partition_list": [{"partition_id": "slappart0", "ip_list": [ADDRESS]}],
        },
        "Format handled",
    ),
    ("node", "put.v0.software_installation_error", {**BUILT, "message": "oh"}, "Error reported"),
    (
        "node", "put.v0.software_installation_reported_state",
        {**BUILT, "reported_state": "building"}, "State reported",
    ),
    (
        "node", "put.v0.software_installation_reported_state",
        {**BUILT, "software_release_uri": REMOVED, "reported_state": "destroyed"},
        "State reported",
    ),
    ("instance", "put.v0.software_instance_bang", {**WEB, "message": "x"}, "Bang handled"),
    ("instance", "put.v0.software_instance_error", {**WEB, "message": "x"}, "Error reported"),
    (
        "instance", "put.v0.software_instance_connection_parameter",
        {**WEB, "connection_parameter_dict": {"url": "http://x"}}, "connection parameter updated",
    ),
    (
        "node", "put.v0.software_instance_reported_state", {**WEB, "reported_state": "started"},
        "State reported",
    ),
    ("instance", "put.v0.software_instance_title", {**WEB, "title": "other"}, "Title updated"),
    ("person", "put.WIP.instance_tree", {"title": "web", "state": "stopped"}, "stopped"),
    ("person", "post.WIP.software_product", {"title": "web server"}, "web server"),
    (
        "person", "post.WIP.software_release",
        {"software_product": "known", "software_release_uri": RELEASE}, RELEASE,
    ),
    ("node", "allDocs.WIP.software_product_list", {}, "known"),
    ("person", "allDocs.WIP.event_list", {}, "placed"),
    ("person", "allDocs.WIP.compute_node_summary_list", {}, "COMP-1"),
    ("person", "get.WIP.compute_node", GUID, "SOFTINST-1"),
    ("person", "put.WIP.compute_node_cordon", {**GUID, "reason": "a disk"}, "nothing new"),
    ("person", "put.WIP.compute_node_drain", {**GUID, "reason": "a disk"}, "become empty"),
    ("person", "put.WIP.compute_node_uncordon", GUID, "new instances"),
    ("person", "get.WIP.software_instance_move_plan", WEB, "would move"),
    ("person", "put.WIP.software_instance_move", {"instance_guid": "SOFTINST-1"}, "COMP-3"),
)  # fmt: skip


def post(
    asker: ClassicDriver, name: str, said: object, *, status: int | str = 200, **headers: str
) -> TestResponse:
    """Call a method, by its name without ``slapos.``; text and bytes are posted as they are."""
    body = said if isinstance(said, str | bytes) else json.dumps(said)
    headers = {"Content-Type": "application/json", **headers}
    return asker.call("POST", f"slapos.{name}", body, headers=headers, status=status)
