"""Run by the peer's own Python: does with the peer's client library what it is told, line by line.

A line of JSON comes in, one goes out; it knows nothing of us.
"""

import json
import sys

import requests
import slapos.slap
from slapos.slap import NotFoundError
from slapos.slap import ResourceNotReady

#: status -> why it was refused, in the words of whoever asks
KINDS = {400: "wrong", 401: "unknown asker", 403: "forbidden", 404: "absent", 409: "conflict"}


def show(partition):
    """Give all that the library knows of a partition and that JSON can say."""
    return json.loads(json.dumps(vars(partition), default=lambda value: None))


def at(slap, said):
    return slap.registerComputerPartition(*said["place"])


def request(slap, said):
    asker = at(slap, said) if said["place"] else slap.registerOpenOrder()
    found = asker.request(
        software_release=said["release"],
        software_type="default",
        partition_reference=said["title"],
        partition_parameter_kw=said["parameters"],
        filter_kw=said["demands"],
        state=said["state"],
        shared=said["shared"],
    )
    try:
        found.getId()
    except ResourceNotReady:
        return None
    return show(found)


def supply(slap, said):
    slap.registerSupply().supply(said["release"], said["node"], said["state"])


def list_on(slap, said):
    return [show(found) for found in slap.registerComputer(said["node"]).getComputerPartitionList()]


def say(slap, said):
    getattr(at(slap, said), said["state"])()


def publish(slap, said):
    at(slap, said).setConnectionDict(said["connection"])


def bang(slap, said):
    at(slap, said).bang(said["message"])


def fail(slap, said):
    at(slap, said).error(said["message"])


def rename(slap, said):
    at(slap, said).rename(said["title"])


def certificate(slap, said):
    return at(slap, said).getCertificate()


ACTIONS = {
    action.__name__: action
    for action in (request, supply, list_on, say, publish, bang, fail, rename, certificate)
}


def obey(line):
    said = json.loads(line)
    slap = slapos.slap.slap()
    try:
        slap.initializeConnection(said["url"], said["key"] or None, said["certificate"] or None)
        return {"told": ACTIONS[said["action"]](slap, said)}
    except NotFoundError as error:
        return {"kind": "absent", "text": str(error)}
    except requests.HTTPError as error:
        status = error.response.status_code
        return {"kind": KINDS.get(status, str(status)), "text": str(error)}


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps(obey(line)), flush=True)
