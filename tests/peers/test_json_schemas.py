"""JSON-RPC against the peer's own schemas: same methods, and answers that the peer understands."""

import json
import subprocess

import pytest
from jsonschema import Draft7Validator

from slapcore.protocol.jsonrpc import read_command
from slapmaster.api.jsonrpc import list_methods
from tests.calls import add_askers
from tests.json_calls import CALLS
from tests.json_calls import post

pytestmark = pytest.mark.peer

#: What the peer itself calls unfinished.
PEERS_OWN = {"allDocs.WIP.compute_node_list"}

#: Prints what the peer's proxy describes itself by.
PROGRAM = """
import json, pathlib, slapos.proxy
folder = pathlib.Path(slapos.proxy.__path__[0])
paths = {}
for name in ("json_rpc.json", "json_rpc_experimental.json"):
    paths.update(json.loads((folder / name).read_text())["paths"])
print(json.dumps(paths))
"""


@pytest.fixture(scope="module")
def described(install):
    """Give the peer's methods: name -> its schemas of input and output."""
    python = install("1.26.1").python
    done = subprocess.run([python, "-c", PROGRAM], capture_output=True, text=True, check=True)
    paths = json.loads(done.stdout)
    return {path.strip("/"): read_schemas(verbs["post"]) for path, verbs in paths.items()}


def read_schemas(operation):
    content = (operation["requestBody"], operation["responses"]["200"])
    return tuple(part["content"]["application/json"]["schema"] for part in content)


def test_none_of_the_peer_s_methods_is_missing_and_what_is_ours_alone_says_so(described):
    names = {method.name for _, method in list_methods()}
    assert not set(described) - names
    assert all(".WIP." in name for name in names - set(described))


def test_each_method_takes_the_same_properties(described):
    for name, (schema, _) in described.items():
        ours = read_command(name).input
        assert set(ours["properties"]) == set(schema.get("properties", {}))
        # A message may be left out here: there it is a must.
        missing = set(schema.get("required", [])) - set(ours.get("required", []))
        assert missing <= {"message"}
        assert set(ours.get("required", [])) <= set(schema.get("required", []))


#: What both know: of what isn't the peer's, the only schemas are ours, and others try those.
SHARED = [call for call in CALLS if ".v0." in call[1] or call[1] in PEERS_OWN]


@pytest.mark.parametrize("good", SHARED, ids=lambda good: f"{good[0]}-{good[1]}")
def test_what_is_said_and_answered_is_as_the_peer_s_schemas_say(make_master, described, good):
    who, name, said, _ = good
    answer = post(add_askers(make_master(in_memory=True))[who], name, said).json
    taken, given = described[f"slapos.{name}"]
    assert not list(Draft7Validator(taken).iter_errors(said))
    assert not list(Draft7Validator(given).iter_errors(answer))
