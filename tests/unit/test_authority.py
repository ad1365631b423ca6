"""The authority: what it signs is what it believes, and nothing else is."""

import base64
import json
import subprocess
import time
from datetime import UTC
from datetime import datetime
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies

from slapcore import errors
from slapmaster.auth.authority import Authority
from slapmaster.auth.authority import read_client_cert_header

NOW = datetime(2026, 5, 4, 3, 2, 1, 999, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def authority():
    return Authority.create("Authority of a test", NOW)


@pytest.fixture(scope="module")
def issued(authority):
    return authority.issue("COMP-12", "comp-12@example.com", days=10, now=NOW)


def der_of(issued):
    return x509.load_pem_x509_certificate(issued.certificate.encode()).public_bytes(Encoding.DER)


def openssl(*arguments, text=""):
    done = subprocess.run(["openssl", *arguments], input=text, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


# Issuing


def test_openssl_accepts_the_chain_strictly(authority, issued, tmp_path):
    (tmp_path / "ca.crt").write_bytes(authority.certificate_pem)
    (tmp_path / "node.crt").write_text(issued.certificate)
    at = str(int((NOW + DAY).timestamp()))
    command = ["verify", "-x509_strict", "-attime", at, "-CAfile", str(tmp_path / "ca.crt")]
    assert openssl(*command, "-purpose", "sslclient", str(tmp_path / "node.crt")).endswith("OK\n")


def test_openssl_reads_the_certificate_and_its_key_as_a_pair(issued):
    of_certificate = openssl("x509", "-noout", "-pubkey", text=issued.certificate)
    assert openssl("pkey", "-pubout", text=issued.key) == of_certificate


def test_the_text_says_what_openssl_would_say(issued):
    text = openssl(
        "x509", "-noout", "-text", "-nameopt", "compat,sep_multiline", text=issued.certificate
    )
    ours = issued.certificate.partition("-----BEGIN")[0]
    lines = [line.strip() for line in ours.splitlines()]
    for word in ("Version:", "Not Before", "Not After", "Signature Algorithm"):
        assert next(line for line in lines if line.startswith(word)) in text
    assert lines[lines.index("Serial Number:") + 1] in text


def test_the_legacy_client_finds_the_node_s_reference_in_the_text(issued):
    """Its ``node register`` takes what stands from the first COMP- to /email."""
    begin = issued.certificate.find("COMP-")
    assert issued.certificate[begin : issued.certificate.find("/email", begin)] == "COMP-12"
    assert "Subject: CN=COMP-12/emailAddress=comp-12@example.com\n" in issued.certificate


def test_a_certificate_is_for_clients_and_signs_nothing(authority, issued):
    certificate = x509.load_pem_x509_certificate(issued.certificate.encode())
    extensions = certificate.extensions
    usage = extensions.get_extension_for_class(x509.KeyUsage).value
    assert usage.digital_signature and not usage.key_cert_sign and not usage.crl_sign
    assert not extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    wanted = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])
    assert extensions.get_extension_for_class(x509.ExtendedKeyUsage).value == wanted
    own = authority.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
    issuer = extensions.get_extension_for_class(x509.AuthorityKeyIdentifier)
    assert issuer.value.key_identifier == own.value.digest
    assert isinstance(certificate.public_key().curve, ec.SECP256R1)


def test_what_is_returned_describes_the_certificate(issued):
    certificate = x509.load_pem_x509_certificate(issued.certificate.encode())
    assert int(issued.serial, 16) == certificate.serial_number
    assert issued.serial == issued.serial.lower()
    assert issued.fingerprint == certificate.fingerprint(hashes.SHA256()).hex()
    assert issued.not_after == certificate.not_valid_after_utc
    assert issued.not_after == NOW.replace(microsecond=0) + 10 * DAY


def test_a_certificate_is_backdated_for_slow_clocks(issued):
    certificate = x509.load_pem_x509_certificate(issued.certificate.encode())
    assert NOW - certificate.not_valid_before_utc >= timedelta(minutes=5)


def test_serials_are_random_and_long(authority):
    serials = {authority.issue("SOFTINST-1", "", days=1, now=NOW).serial for _ in range(50)}
    assert len(serials) == 50
    assert {len(serial) for serial in serials} == {40}


def test_issuing_is_quick_enough_for_every_allocation(authority):
    times = []
    for _ in range(20):
        begin = time.perf_counter()
        authority.issue("SOFTINST-1", "", days=1, now=NOW)
        times.append(time.perf_counter() - begin)
    assert min(times) < 0.001


def test_a_holder_may_bring_its_own_key(authority):
    key = ec.generate_private_key(ec.SECP256R1())
    issued = authority.issue("PERS-1", "", days=1, now=NOW, public_key=key.public_key())
    certificate = x509.load_pem_x509_certificate(issued.certificate.encode())
    assert issued.key == ""
    assert certificate.public_key() == key.public_key()


def test_a_weak_key_is_refused(authority):
    key = rsa.generate_private_key(65537, 1024)
    with pytest.raises(errors.InvalidValue, match="too short"):
        authority.issue("PERS-1", "", days=1, now=NOW, public_key=key.public_key())


@pytest.mark.parametrize(
    ("name", "email"),
    [
        ("COMP-1\nSubject: CN=COMP-2", ""),
        ("COMP-1/emailAddress=a", ""),
        ("COMP-1", "a\n-----BEGIN CERTIFICATE-----"),
        ("COMP-1", "Ä@example.com"),
        ("x" * 65, ""),
        ("", ""),
    ],
)
def test_a_subject_that_would_confuse_the_text_is_refused(authority, name, email):
    with pytest.raises(errors.InvalidValue):
        authority.issue(name, email, days=1, now=NOW)


def test_an_authority_can_not_be_called_like_a_node():
    with pytest.raises(errors.InvalidValue):
        Authority.create("COMP-1", NOW)


def test_a_server_certificate_names_hosts_and_addresses(authority):
    issued = authority.issue_server(["master.example.com", "2001:db8::1"], days=1, now=NOW)
    certificate = x509.load_pem_x509_certificate(issued.certificate.encode())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["master.example.com"]
    assert [str(each) for each in names.get_values_for_type(x509.IPAddress)] == ["2001:db8::1"]


# Keeping


def test_a_saved_authority_goes_on(authority, issued):
    again = Authority.load(authority.certificate_pem, authority.key_pem)
    assert again.verify(der_of(issued), NOW).common_name == "COMP-12"
    assert authority.verify(der_of(again.issue("A", "", days=1, now=NOW)), NOW).common_name == "A"


def test_an_authority_lasts_twenty_years_and_signs_no_other(authority):
    certificate = authority.certificate
    assert certificate.not_valid_after_utc - NOW > timedelta(days=19.9 * 365)
    constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
    assert constraints.critical
    assert constraints.value == x509.BasicConstraints(ca=True, path_length=0)
    usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    assert usage.key_cert_sign and usage.crl_sign and not usage.digital_signature


def test_a_key_of_another_authority_is_refused(authority):
    other = Authority.create("Another", NOW)
    with pytest.raises(errors.ConfigurationError, match="not a pair"):
        Authority.load(authority.certificate_pem, other.key_pem)


@pytest.mark.parametrize("junk", [b"", b"junk", b"-----BEGIN CERTIFICATE-----\n-----END"])
def test_what_is_not_pem_is_a_configuration_error(authority, junk):
    with pytest.raises(errors.ConfigurationError):
        Authority.load(junk, authority.key_pem)
    with pytest.raises(errors.ConfigurationError):
        Authority.load(authority.certificate_pem, junk)


# Verifying


def test_what_was_issued_is_verified(authority, issued):
    shown = authority.verify(der_of(issued), NOW)
    assert (shown.common_name, shown.serial) == ("COMP-12", issued.serial)
    assert (shown.fingerprint, shown.not_after) == (issued.fingerprint, issued.not_after)


def test_time_counts_at_every_call(authority, issued):
    der = der_of(issued)
    authority.verify(der, NOW)
    with pytest.raises(errors.Unauthenticated, match="certificate expired on 2026-05-14 03:02 UTC"):
        authority.verify(der, NOW + 10 * DAY + timedelta(seconds=1))
    with pytest.raises(errors.Unauthenticated, match="not valid before 2026-05-04 02:57 UTC"):
        authority.verify(der, NOW - DAY)
    authority.verify(der, NOW)


def test_a_certificate_of_another_authority_is_refused_even_of_the_same_name(authority):
    other = Authority.create("Authority of a test", NOW)
    foreign = der_of(other.issue("COMP-12", "", days=1, now=NOW))
    with pytest.raises(errors.Unauthenticated, match="issued by another authority"):
        authority.verify(foreign, NOW)


def test_a_certificate_for_servers_is_refused(authority):
    issued = authority.issue_server(["localhost"], days=1, now=NOW)
    with pytest.raises(errors.Unauthenticated, match="not one for clients"):
        authority.verify(der_of(issued), NOW)


def test_the_authority_s_own_certificate_is_nobody_s(authority):
    with pytest.raises(errors.Unauthenticated):
        authority.verify(authority.certificate.public_bytes(Encoding.DER), NOW)


def test_a_changed_certificate_is_refused(authority, issued):
    der = der_of(issued)
    changed = der.replace(b"COMP-12", b"COMP-13")
    assert changed != der
    with pytest.raises(errors.Unauthenticated, match="another authority"):
        authority.verify(changed, NOW)


def test_a_certificate_that_a_leaf_has_signed_is_refused(authority, issued):
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "COMP-1")])
    builder = x509.CertificateBuilder(
        x509.load_pem_x509_certificate(issued.certificate.encode()).subject,
        name,
        key.public_key(),
        1,
        datetime(2026, 1, 1),
        datetime(2027, 1, 1),
    )
    der = builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)
    with pytest.raises(errors.Unauthenticated, match="another authority"):
        authority.verify(der, NOW)


@given(strategies.binary(max_size=200))
def test_junk_is_unauthenticated_and_nothing_else(junk):
    authority = Authority.create("Any", NOW)
    with pytest.raises(errors.Unauthenticated):
        authority.verify(junk, NOW)


@pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning")
@given(strategies.integers(min_value=0, max_value=10_000), strategies.integers(0, 255))
def test_no_changed_byte_makes_another_certificate(authority, issued, place, byte):
    der = bytearray(der_of(issued))
    place %= len(der)
    changed = der[place] != byte
    der[place] = byte
    if changed:
        with pytest.raises(errors.Unauthenticated):
            authority.verify(bytes(der), NOW)


def test_a_version_that_does_not_exist_is_unauthenticated(authority, issued):
    version = bytes.fromhex("a003020102")  # the third, as every certificate of ours says
    der = der_of(issued).replace(version, version[:-1] + b"\x09", 1)
    with pytest.raises(errors.Unauthenticated, match="can't be read"):
        authority.verify(der, NOW)


def test_a_huge_certificate_is_not_even_read(authority):
    with pytest.raises(errors.Unauthenticated, match="too long"):
        authority.verify(b"\x30" * 20_000, NOW)


def test_while_one_authority_follows_another_both_are_believed(authority, issued):
    follower = Authority.create("Next authority", NOW)
    both = Authority.load(
        follower.certificate_pem, follower.key_pem, trusted=[authority.certificate_pem]
    )
    assert both.verify(der_of(issued), NOW).common_name == "COMP-12"
    new = der_of(both.issue("COMP-13", "", days=1, now=NOW))
    assert follower.verify(new, NOW).common_name == "COMP-13"
    with pytest.raises(errors.Unauthenticated, match="another authority"):
        authority.verify(new, NOW)


# Revoking


def test_openssl_refuses_what_is_on_the_list(authority, issued, tmp_path):
    (tmp_path / "node.crt").write_text(issued.certificate)
    for name, revoked in (("empty", []), ("full", [(issued.serial, NOW)])):
        signed = authority.crl(revoked, now=NOW, next_update=NOW + DAY)
        (tmp_path / f"{name}.pem").write_bytes(authority.certificate_pem + signed.pem)
    at = str(int(NOW.timestamp()) + 60)
    command = ["openssl", "verify", "-crl_check", "-attime", at, "-CAfile"]
    ends = [
        subprocess.run([*command, tmp_path / f"{name}.pem", tmp_path / "node.crt"]).returncode
        for name in ("empty", "full")
    ]
    assert ends[0] == 0
    assert ends[1] != 0


def test_both_encodings_of_the_list_are_one(authority):
    signed = authority.crl([("ab" * 20, NOW)], now=NOW, next_update=NOW + DAY)
    crl = x509.load_der_x509_crl(signed.der)
    assert crl == x509.load_pem_x509_crl(signed.pem)
    assert crl.is_signature_valid(authority.certificate.public_key())
    assert [f"{each.serial_number:x}" for each in crl] == ["ab" * 20]
    assert crl.next_update_utc == (NOW + DAY).replace(microsecond=0)


def test_a_long_list_takes_no_long_time(authority):
    begin = time.perf_counter()
    revoked = ((f"{number:040x}", NOW) for number in range(1, 20_001))
    authority.crl(revoked, now=NOW, next_update=NOW + DAY)
    assert time.perf_counter() - begin < 5


# The header of a reverse proxy


def test_the_header_of_a_proxy_is_read(issued):
    der = der_of(issued)
    assert read_client_cert_header(f" :{base64.b64encode(der).decode()}: ") == der


@pytest.mark.parametrize(
    "value", ["", "::", ":a:", ":YWJj", "YWJj:", ":YW Jj:", ":YWJj:, :YWJj:", ":Y=Jj:", ":-_-_:"]
)
def test_a_malformed_header_is_a_protocol_error(value):
    with pytest.raises(errors.ProtocolError):
        read_client_cert_header(value)


def test_what_is_issued_survives_the_json_of_the_legacy_client(issued):
    again = json.loads(json.dumps({"certificate": issued.certificate, "key": issued.key}))
    assert again == {"certificate": issued.certificate, "key": issued.key}
