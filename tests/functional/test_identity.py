"""Who asks is proved by a certificate of ours that is in time and not revoked; or by a token, once.
"""

import base64
from datetime import UTC
from datetime import datetime
from datetime import timedelta
from ipaddress import ip_network

import pytest
from cryptography import x509

from slapmaster.auth.authority import Authority
from slapmaster.auth.seal import hash_token
from slapmaster.auth.seal import new_token
from slapmaster.domain.certificate import NewCertificate
from slapmaster.domain.certificate import hold
from slapmaster.domain.project import Role
from slapmaster.domain.token import LIFETIME
from slapmaster.domain.token import Token
from slapmaster.domain.token import TokenPurpose
from tests.driver import ClassicDriver
from tests.driver import der_of

PROXY = "10.9.8.7"


@pytest.fixture
def person(master):
    return master.add_person("owner")


@pytest.fixture
def project(master, person):
    return master.add_project("mine", person)


@pytest.fixture
def node(master, project, person):
    node = master.add_node(project, "n", partitions=2)
    person.supply(node)
    return node


def of(node):
    return {"computer_id": node.reference}


def with_certificate(master, pem, address="127.0.0.1"):
    return ClassicDriver(master.app, certificate=der_of(pem), address=address)


def refused(asker, node):
    return asker.get("getComputerStatus", of(node), status=401)


def test_nobody_is_refused_and_told_what_is_missing(master, node):
    answer = refused(master.nobody(), node)
    assert answer.text == "a client certificate is needed here, and none was shown"
    assert "WWW-Authenticate" in answer.headers


def test_a_certificate_of_another_authority_is_refused(master, node):
    now = datetime.now(UTC)
    forged = Authority.create("another", now).issue(node.reference, "x@y.z", days=1, now=now)
    answer = refused(with_certificate(master, forged.certificate), node)
    assert "issued by another authority" in answer.text


def test_a_certificate_that_the_store_does_not_know_is_refused(master, issuer, node):
    unknown = issuer.issue(node.reference).certificate
    assert "is not known here" in refused(with_certificate(master, unknown), node).text


def test_an_expired_certificate_is_refused(master, issuer, node):
    old = datetime.now(UTC) - timedelta(days=10)
    issued = issuer.authority.issue(node.reference, "x@y.z", days=5, now=old)
    not_after = int(issued.not_after.timestamp()) * 1_000_000
    new = NewCertificate(
        issued.serial, issued.fingerprint, not_after, issued.certificate, issued.key
    )
    # It was held in time; nobody has forgotten it since.
    master.change(lambda act: hold(act.site.nodes[node.reference], new, not_after - 1))
    answer = refused(with_certificate(master, issued.certificate), node)
    assert answer.text.startswith("certificate expired on 20")


def test_the_server_s_own_certificate_is_not_one_for_clients(master, issuer, node):
    issued = issuer.authority.issue_server(["localhost"], days=1, now=datetime.now(UTC))
    answer = refused(with_certificate(master, issued.certificate), node)
    assert "not one for clients" in answer.text


def test_junk_instead_of_a_certificate_is_refused(master, node):
    junk = ClassicDriver(master.app, certificate=b"\x30\x03junk")
    assert "can't be read" in refused(junk, node).text


def test_a_revoked_certificate_is_refused_at_the_next_request(person, node):
    node.see()
    person.post("revokeComputerCertificate", of(node))
    assert refused(node, node).text == "certificate was revoked: revoked on request"
    assert person.post("revokeComputerCertificate", of(node), status=404).text == "No certificate"


def test_a_new_certificate_is_issued_when_none_is_active(master, person, node):
    still = person.post("generateComputerCertificate", of(node), status=404)
    assert still.text == "Certificate still active."
    person.post("revokeComputerCertificate", of(node))
    new = person.read_post("generateComputerCertificate", of(node))
    # The legacy client finds the node's name between these words.
    begin = new["certificate"].index("COMP-")
    assert new["certificate"][begin:].partition("/email")[0] == node.reference
    assert new["key"].startswith("-----BEGIN PRIVATE KEY-----")
    renewed = with_certificate(master, new["certificate"])
    assert renewed.get("getComputerStatus", of(node))


def test_a_node_may_revoke_its_own_certificate(node):
    node.post("revokeComputerCertificate", of(node))
    refused(node, node)


def test_an_instance_s_key_goes_to_its_node_and_to_nobody_else(master, person, node):
    person.request("web")
    instance = master.instance(node, "web")
    answer = node.get("getComputerPartitionCertificate", instance.place)
    assert answer.headers["Cache-Control"] == "private, no-store"
    for asker in (person, instance):
        asker.get("getComputerPartitionCertificate", instance.place, status=403)
    operator = master.add_person("operator", operator=True)
    operator.get("getComputerPartitionCertificate", instance.place, status=403)


def test_the_key_of_an_instance_is_not_stored_in_clear(master, person, node, tmp_path):
    person.request("web")
    key = node.read("getComputerPartitionCertificate", node.place_of("web"))["key"]
    stored = (tmp_path / "master0" / "main.fs").read_bytes()
    assert b"SOFTINST-1" in stored
    assert b"PRIVATE KEY" not in stored
    assert key.splitlines()[1].encode() not in stored


def test_the_same_certificate_is_delivered_at_every_run(master, person, node):
    person.request("web")
    place = node.place_of("web")
    with master.writing_nothing():
        first = node.read("getComputerPartitionCertificate", place)
        assert node.read("getComputerPartitionCertificate", place) == first


def test_a_trusted_reverse_proxy_may_say_whose_certificate_it_saw(make_master):
    master = make_master(trusted_proxies=(ip_network("10.9.8.0/24"),))
    node = node_of(master)
    header = {"Client-Cert": f":{base64.b64encode(node.certificate).decode()}:"}
    behind = ClassicDriver(master.app, address=PROXY)
    assert behind.get("getComputerStatus", of(node), headers=header)
    for headers in ({}, {"Client-Cert": ""}, {"Client-Cert": "junk"}, {"Client-Cert": ":!:"}):
        behind.get("getComputerStatus", of(node), headers=headers, status="4*")


def node_of(master):
    return master.add_node(master.add_project("mine", master.add_person("owner")), "n")


@pytest.mark.parametrize("address", ["10.9.9.1", "127.0.0.1", "::1", "", "nonsense"])
def test_from_anybody_else_that_header_is_ignored(make_master, address):
    master = make_master(trusted_proxies=(ip_network("10.9.8.0/24"),))
    node = node_of(master)
    header = {"Client-Cert": f":{base64.b64encode(node.certificate).decode()}:"}
    stranger = ClassicDriver(master.app, address=address)
    stranger.get("getComputerStatus", of(node), headers=header, status=401)


def add_token(master, purpose, person, project="", expires=LIFETIME):
    shown = new_token()

    def add(act):
        token = Token(purpose, person.reference, project, act.now + expires)
        act.site.tokens.add(hash_token(shown), token, act.now)

    master.change(add)
    return {"X-Access-Token": shown}


def test_a_token_registers_a_node(master, person, project):
    token = add_token(master, TokenPurpose.NODE, person, project)
    nobody = master.nobody()
    answer = nobody.post("Person_requestComputer", {"title": "new"}, headers=token)
    assert answer.headers["Cache-Control"] == "private, no-store"
    made = answer.json
    assert set(made) == {"certificate", "key", "reference", "relative_url"}
    new = with_certificate(master, made["certificate"])
    assert new.get("getFullComputerInformation", {"computer_id": made["reference"]})
    assert person.get("getComputerStatus", {"computer_id": made["reference"]})


def test_a_token_gives_a_person_another_certificate(master, person, project):
    token = add_token(master, TokenPurpose.CLIENT, person)
    made = master.nobody().post("Person_getCertificate", headers=token).json
    assert set(made) == {"certificate", "key"}
    again = with_certificate(master, made["certificate"])
    for asker in (person, again):
        links = asker.get("hateoas").json["_links"]
        assert links["me"]["href"].endswith(person.reference)


@pytest.mark.parametrize("purpose", list(TokenPurpose))
def test_a_token_is_good_for_one_use(master, person, project, purpose):
    token = add_token(master, purpose, person, project)
    use(master, purpose, token, title="first")
    with master.writing_nothing():
        answer = use(master, purpose, token, title="second", status=403)
    assert "has been used" in answer.text


def use(master, purpose, token, *, title="new", status=200):
    nobody = master.nobody()
    if purpose is TokenPurpose.NODE:
        fields = {"title": title}
        return nobody.post("Person_requestComputer", fields, headers=token, status=status)
    return nobody.post("Person_getCertificate", headers=token, status=status)


@pytest.mark.parametrize("purpose", list(TokenPurpose))
@pytest.mark.parametrize(
    ("headers", "fault"),
    [
        ({}, "is missing"),
        ({"X-Access-Token": ""}, "is missing"),
        ({"X-Access-Token": "x"}, "not valid"),
    ],
)
def test_a_wrong_token_is_refused(master, purpose, headers, fault):
    with master.writing_nothing():
        assert fault in use(master, purpose, headers, status=403).text


def test_a_token_for_one_thing_is_not_one_for_another(master, person, project):
    token = add_token(master, TokenPurpose.NODE, person, project)
    assert "not valid" in use(master, TokenPurpose.CLIENT, token, status=403).text
    use(master, TokenPurpose.NODE, token)


def test_a_token_ends_after_its_time(master, person, project):
    token = add_token(master, TokenPurpose.NODE, person, project, expires=-1)
    assert "has expired" in use(master, TokenPurpose.NODE, token, status=403).text


def test_a_token_of_who_has_left_the_project_is_refused(master, person, project):
    guest = master.add_person("guest")
    master.give_role(project, guest, Role.AGENT)
    token = add_token(master, TokenPurpose.NODE, guest, project)
    master.change(
        lambda act: act.site.projects[project].dismiss(act.site.persons[guest.reference])
    )
    with master.writing_nothing():
        assert "no member" in use(master, TokenPurpose.NODE, token, status=403).text


def test_a_token_is_not_used_up_when_it_comes_to_nothing(master, person, project, node):
    token = add_token(master, TokenPurpose.NODE, person, project)
    with master.writing_nothing():
        assert "Certificate still active." in use(
            master, TokenPurpose.NODE, token, title="n", status=409
        ).text
        use(master, TokenPurpose.NODE, token, title="", status=400)
    use(master, TokenPurpose.NODE, token, title="other")


def test_whoever_is_revoked_is_in_the_list_that_anybody_can_read(master, issuer, person, node):
    serial = x509.load_der_x509_certificate(node.certificate).serial_number
    assert read_list(master, issuer).get_revoked_certificate_by_serial_number(serial) is None
    person.post("revokeComputerCertificate", of(node))
    assert read_list(master, issuer).get_revoked_certificate_by_serial_number(serial)


def read_list(master, issuer):
    answer = master.nobody().get("revoked.crl")
    assert answer.content_type == "application/pkix-crl"
    found = x509.load_der_x509_crl(answer.body)
    assert found.is_signature_valid(issuer.authority.certificate.public_key())
    return found


def test_secrets_are_not_in_the_log(master, person, project, caplog):
    caplog.set_level("DEBUG")
    token = add_token(master, TokenPurpose.NODE, person, project)
    use(master, TokenPurpose.NODE, token)
    use(master, TokenPurpose.NODE, token, status=403)
    person.ask("web", parameters={"password": "hidden"}, status=408)
    assert token["X-Access-Token"] not in caplog.text
    assert "hidden" not in caplog.text
