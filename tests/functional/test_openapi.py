"""The OpenAPI document says what is true: schemathesis makes calls of it and judges the answers."""

import json

import pytest
import schemathesis
from hypothesis import HealthCheck
from hypothesis import given
from hypothesis import settings
from schemathesis.specs.openapi.checks import positive_data_acceptance

from slapmaster.api.jsonrpc import list_methods
from tests.calls import add_askers
from tests.driver import Master
from tests.driver import make_issuer

#: What these take is more than a schema can tell: demands, addresses, a report in XML, a date,
#: a cursor that may be from the future.
BEYOND_SCHEMAS = (
    "slapos.allDocs.WIP.event_list",
    "slapos.put.WIP.compute_node_cordon",
    "slapos.put.WIP.compute_node_drain",
    "slapos.put.WIP.instance_tree",
    "slapos.post.WIP.software_release",
    "slapos.get.WIP.instance_plan",
    "slapos.post.v0.software_instance",
    "slapos.put.v0.compute_node_format",
    "slapos.post.v0.compute_node_usage",
)
NAMES = [method.name for _, method in list_methods()]


class Door:
    """The application, with ``asker`` standing at its door."""

    def __init__(self, master, asker):
        self._wsgi = master.wsgi
        self._certificate = asker.certificate

    def __call__(self, environ, start_response):
        environ["webob.is_body_seekable"] = True
        environ["slapmaster.client_certificate"] = self._certificate
        return self._wsgi(environ, start_response)


@pytest.fixture(scope="module")
def master():
    master = Master(None, make_issuer())
    yield master
    assert master.close() == []


@pytest.fixture(scope="module")
def door(master):
    return Door(master, add_askers(master)["person"])


@pytest.fixture(scope="module")
def schema(door):
    return schemathesis.openapi.from_wsgi("/openapi.json", door)


@pytest.mark.parametrize("name", NAMES)
def test_every_answer_is_one_that_the_document_promises(schema, name):
    @given(case=schema[f"/{name}"]["POST"].as_strategy())
    @settings(
        max_examples=10, deadline=None, database=None, derandomize=True,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    def judge(case):
        excluded = [positive_data_acceptance] if name in BEYOND_SCHEMAS else []
        case.call_and_validate(excluded_checks=excluded)

    judge()


def test_every_method_is_described(master):
    document = json.loads(master.nobody().get("openapi.json").body)
    assert set(document["paths"]) == {f"/{name}" for name in NAMES}
