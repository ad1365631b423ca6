"""What an instance of hello says to the master and hears from it, with the certificate of its partition."""

import hashlib
import json
from pathlib import Path
from urllib.parse import quote

import slapos.slap

DEFAULTS = {"greeting": "Hello", "port": "8080"}

#: software type -> (name, type, whether it is shared) of what an instance of it asks for
CHILDREN = {
    "parent": (
        ("child", "default", False),
        ("host", "host", False),
        ("share", "host", True),
    )
}


def own_partition(connection):
    """Give the partition that the buildout section ``connection`` stands for."""
    slap = slapos.slap.slap()
    slap.initializeConnection(
        connection["server-url"], connection.get("key-file") or None, connection.get("cert-file") or None
    )
    return slap.registerComputerPartition(connection["computer-id"], connection["partition-id"])


def read_options(connection):
    """Give the options of the section ``partition``: all of them strings, as buildout wants them."""
    wanted = own_partition(connection).getInstanceParameterDict()
    title = wanted.get("instance_title") or connection["partition-id"]
    address = next(address for _, address in wanted["ip_list"] if ":" not in address)
    port = str(wanted.get("port", DEFAULTS["port"]))
    options = {
        "title": title,
        "address": address,
        "port": port,
        "url": f"http://{address}:{port}/",
        "greeting": str(wanted.get("greeting", DEFAULTS["greeting"])),
        "software-type": wanted.get("slap_software_type") or "default",
        "library": str(Path(slapos.slap.__file__).parents[2]),
        "shared": json.dumps(read_shared(wanted.get("slave_instance_list") or ()), sort_keys=True),
    }
    content = json.dumps(options, sort_keys=True).encode()
    return {**options, "digest": hashlib.sha256(content).hexdigest()[:12]}


def read_shared(listed):
    """Give each shared instance's reference, title and greeting, in an order that stays."""
    shares = [
        {
            "reference": share["slave_reference"],
            "title": share.get("slave_title") or share["slave_reference"],
            "greeting": share.get("greeting", DEFAULTS["greeting"]),
        }
        for share in listed
    ]
    return sorted(shares, key=lambda share: share["reference"])


def request_children(connection, own, options):
    """Ask for what this type needs and keep, as ``<name>-url``, the addresses that are known by now."""
    partition = own_partition(connection)
    for name, software_type, shared in CHILDREN.get(own["software-type"], ()):
        wanted = {
            "software_release": connection["software-release-url"],
            "software_type": software_type,
            "partition_reference": f"{name} of {own['title']}",
            "shared": shared,
            "partition_parameter_kw": {"greeting": f"Hello from {name}"},
            "state": connection["requested-state"],
        }
        url = request_child(partition, wanted)
        if url:
            options[f"{name}-url"] = url


def request_child(partition, wanted):
    """Ask for one instance and give the address it has published, or nothing while there is none."""
    try:
        return partition.request(**wanted).getConnectionParameter("url")
    except (slapos.slap.ResourceNotReady, slapos.slap.NotFoundError):
        # There is no place yet, or the child has not published yet: its news makes the node process us again.
        return None


def publish(connection, own, children):
    """Tell whoever asked for this instance, or for a share in it, where to go."""
    partition = own_partition(connection)
    addresses = {key: value for key, value in children.items() if key.endswith("-url")}
    partition.setConnectionDict({"url": own["url"], **addresses})
    for share in json.loads(own["shared"]):
        partition.setConnectionDict({"url": own["url"] + quote(share["reference"])}, share["reference"])
