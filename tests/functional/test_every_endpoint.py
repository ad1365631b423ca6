"""Every operation of classic SLAP answers whoever may call it, under both of its addresses."""

import pytest

from slapmaster.api.classic.endpoint import PREFIXES
from tests.calls import CALLS
from tests.calls import add_askers

NEEDS_CERTIFICATES = {"generateComputerCertificate", "revokeComputerCertificate"}


@pytest.fixture
def askers(master):
    return add_askers(master)


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("call", CALLS, ids=lambda call: f"{call[0]}-{call[2]}")
def test_whoever_may_call_it_is_answered(askers, call, prefix):
    who, method, name, fields, expected = call
    answer = askers[who].call(method, f"{prefix}/{name}", fields)
    assert expected in answer.body


def test_no_operation_is_missing_here(master):
    routes = master.wsgi.registry.introspector.get_category("routes")
    names = (entry["introspectable"]["name"].partition(".") for entry in routes)
    operations = {name for face, _, name in names if face == "classic"}
    assert operations - {call[2] for call in CALLS} == {"ingestData"}  # there's no good call


@pytest.mark.parametrize("call", CALLS, ids=lambda call: f"{call[0]}-{call[2]}")
def test_one_person_alone_may_call_it_all_without_a_certificate(make_master, call):
    master = make_master(alone=True, in_memory=True)
    askers = add_askers(master)
    _, method, name, fields, expected = call
    answer = askers["nobody"].call(method, name, fields, status="*")
    if name in NEEDS_CERTIFICATES:
        assert answer.status_int == 404
    elif name == "getComputerPartitionCertificate":
        assert answer.status_int == 200 and b"BEGIN" not in answer.body
    else:
        assert answer.status_int == 200 and expected in answer.body
