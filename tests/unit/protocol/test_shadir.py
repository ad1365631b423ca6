"""Entries of the binary cache: read, written, signed, stamped, bound to their keys."""

import hashlib
import json
import subprocess
from contextlib import suppress

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.hazmat.primitives.serialization import PublicFormat
from hypothesis import given
from hypothesis import strategies

from slapcore.errors import ProtocolError
from slapcore.protocol import shadir
from slapcore.protocol.shadir import Entry
from slapcore.protocol.shadir import Machine

SUM = "0123456789abcdef" * 8
URL = "http://example.com/software.cfg"
MD5 = hashlib.md5(URL.encode()).hexdigest()
TEXT = json.dumps({"sha512": SUM, "software_url": URL})

RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER_RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
ED25519 = Ed25519PrivateKey.generate()
OTHER_ED25519 = Ed25519PrivateKey.generate()

VALUES = strategies.recursive(
    strategies.none()
    | strategies.booleans()
    | strategies.integers()
    | strategies.floats(allow_nan=False, allow_infinity=False)
    | strategies.text(),
    lambda inner: strategies.lists(inner) | strategies.dictionaries(strategies.text(), inner),
    max_leaves=10,
)
METADATA = strategies.dictionaries(strategies.text(), VALUES).map(
    lambda found: {**found, "sha512": SUM}
)
TEXTS = strategies.text(strategies.characters(exclude_categories=["Cs"]))
ENTRIES = strategies.builds(Entry, TEXTS, TEXTS)


@given(strategies.lists(ENTRIES))
def test_entries_come_back_as_they_were_written(entries):
    assert shadir.read_entries(shadir.write_entries(entries)) == tuple(entries)


@given(ENTRIES)
def test_an_entry_comes_back_as_it_was_written(entry):
    assert shadir.read_entry(shadir.write_entry(entry)) == entry


@given(strategies.binary())
def test_junk_is_a_protocol_error_and_nothing_else(data):
    for read in (shadir.read_entry, shadir.read_entries):
        with suppress(ProtocolError):
            read(data)


@given(VALUES)
def test_any_json_is_metadata_or_a_protocol_error(value):
    try:
        metadata = shadir.read_metadata(json.dumps(value))
    except ProtocolError:
        return
    assert metadata["sha512"]


@given(METADATA)
def test_any_metadata_can_be_stamped_and_survives_its_way_as_text(metadata):
    stamped = shadir.stamp(metadata, "key", 7, ED25519)
    read = shadir.read_metadata(json.dumps(stamped))
    mark = shadir.read_stamp(read)
    assert (mark.key, mark.time) == ("key", 7)
    assert shadir.is_stamped_by(read, mark, "key", ED25519.public_key())
    assert not shadir.is_stamped_by(read, mark, "other", ED25519.public_key())
    assert not shadir.is_stamped_by(read, mark, "key", OTHER_ED25519.public_key())
    changed = {**read, "sha512": SUM[::-1]}
    assert not shadir.is_stamped_by(changed, mark, "key", ED25519.public_key())
    assert shadir.stamp(stamped, "key", 7, ED25519) == stamped


@pytest.mark.parametrize(
    ("member", "value"), [("time", 8), ("key", "other"), ("signature", "AAAA")]
)
def test_no_part_of_a_stamp_can_be_changed(member, value):
    stamped = shadir.stamp({"sha512": SUM}, "key", 7, ED25519)
    stamped["stamp"][member] = value
    mark = shadir.read_stamp(stamped)
    assert not shadir.is_stamped_by(stamped, mark, mark.key, ED25519.public_key())


@pytest.mark.parametrize(
    "stamp",
    [
        "text",
        [],
        {},
        {"key": "k", "signer": "s", "time": 1.5, "signature": ""},
        {"key": "k", "signer": "s", "time": True, "signature": ""},
        {"key": "k", "signer": "s", "time": -1, "signature": ""},
        {"key": "k", "signer": 1, "time": 1, "signature": ""},
        {"key": "k", "signer": "s", "time": 1, "signature": "?"},
    ],
)
def test_a_malformed_stamp_is_a_protocol_error(stamp):
    with pytest.raises(ProtocolError):
        shadir.read_stamp({"stamp": stamp})


def test_no_stamp_is_none():
    assert shadir.read_stamp({"sha512": SUM}) is None


@given(TEXTS)
def test_a_legacy_signature_is_of_one_text_and_one_key(text):
    entry = shadir.make_entry({"sha512": SUM, "about": text}, RSA)
    assert shadir.is_signed_by(entry, RSA.public_key())
    assert not shadir.is_signed_by(entry, OTHER_RSA.public_key())
    assert not shadir.is_signed_by(Entry(entry.text + " ", entry.signature), RSA.public_key())


@given(TEXTS)
def test_any_text_as_a_signature_is_none(text):
    assert not shadir.is_signed_by(Entry(TEXT, text), RSA.public_key())


def test_openssl_agrees_about_the_legacy_signature(tmp_path):
    entry = shadir.make_entry({"sha512": SUM}, RSA)
    pem = RSA.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (tmp_path / "public").write_bytes(pem)
    (tmp_path / "text").write_text(entry.text)
    subprocess.run(
        ["openssl", "base64", "-d", "-A", "-out", tmp_path / "signature"],
        input=entry.signature.encode(),
        check=True,
    )
    command = ["openssl", "sha1", "-verify", tmp_path / "public", "-signature"]
    done = subprocess.run(
        [*command, tmp_path / "signature", tmp_path / "text"], capture_output=True, text=True
    )
    assert done.stdout == "Verified OK\n"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not JSON",
        b'"text"',
        b"[]",
        b'["one"]',
        b'["one", "two", "three"]',
        b'["one", 2]',
        b'[{"sha512": "x"}, ""]',
        b'["\\ud800", ""]',
        b"\xff",
        b"[" * 100_000,
    ],
)
def test_what_is_no_pair_of_texts_is_refused(data):
    with pytest.raises(ProtocolError):
        shadir.read_entry(data)


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "{}",
        '{"sha512": 1}',
        '{"sha512": "abc"}',
        json.dumps({"sha512": SUM.upper()}),
        json.dumps({"sha512": f"{SUM[:-1]}/"}),
        f'{{"sha512": "{SUM}", "sha512": "{SUM[::-1]}"}}',
        f'{{"sha512": "{SUM}", "size": NaN}}',
        f'{{"sha512": "{SUM}", "size": {"1" * 5000}}}',
    ],
)
def test_what_names_no_content_is_refused(text):
    with pytest.raises(ProtocolError):
        shadir.read_metadata(text)


@pytest.mark.parametrize(
    "key",
    ["", ".", "..", ".hidden", "a/b", "a\\b", "a\0b", "a b", "a%2fb", "ä", "a\n", "-x", "x" * 256],
)
def test_a_key_can_not_lead_anywhere(key):
    with pytest.raises(ProtocolError):
        shadir.check_key(key)


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        (MD5, "release"),
        (f"file-urlmd5:{MD5}", "file"),
        ("pypi:slapos.core=1.0.0+slapos1", "package"),
        (f"git-buildout-{MD5}", "git"),
        ("0.8232", "other"),
        (f"{MD5}0", "other"),
    ],
)
def test_the_kind_of_a_key_is_known(key, kind):
    shadir.check_key(key)
    assert shadir.kind_of(key) == kind


def test_keys_are_made_of_what_they_stand_for():
    assert shadir.release_key(URL) == MD5
    assert shadir.file_key(URL) == f"file-urlmd5:{MD5}"
    assert shadir.package_key("zc.buildout", "3.0") == "pypi:zc.buildout=3.0"


@pytest.mark.parametrize(
    ("key", "metadata"),
    [
        (MD5, {"software_url": URL}),
        (f"file-urlmd5:{MD5}", {"url": URL}),
        ("pypi:slapos.core=1.26.1", {"basename": "slapos.core-1.26.1.tar.gz"}),
        ("pypi:slapos.core=1.26.1", {"basename": "slapos_core-1.26.1-py3-none-any.whl"}),
        ("pypi:Foo=1.0+slapos1", {"basename": "foo-1.0+slapos1.zip"}),
        ("pypi:foo=1.0", {"basename": "foo-1.0"}),
        (f"git-buildout-{MD5}", {}),
        ("anything", {}),
    ],
)
def test_metadata_of_what_a_key_stands_for_is_accepted(key, metadata):
    shadir.check_binding(key, metadata)


@pytest.mark.parametrize(
    ("key", "metadata"),
    [
        (MD5, {}),
        (MD5, {"software_url": f"{URL}2"}),
        (MD5, {"software_url": [URL]}),
        (MD5, {"url": URL}),
        (f"file-urlmd5:{MD5}", {"software_url": URL}),
        ("file-urlmd5:short", {"url": URL}),
        ("pypi:foo=1.0", {}),
        ("pypi:foo=1.0", {"basename": "foo-1.01.zip"}),
        ("pypi:foo=1.0", {"basename": "foobar-1.0.zip"}),
        ("pypi:foo=", {"basename": "foo-1.0.zip"}),
        ("pypi:=1.0", {"basename": "-1.0.zip"}),
    ],
)
def test_metadata_of_anything_else_is_refused(key, metadata):
    with pytest.raises(ProtocolError):
        shadir.check_binding(key, metadata)


@pytest.mark.parametrize(
    ("metadata", "machine"),
    [
        (
            {"multiarch": "x86_64-linux-gnu", "os": ["debian", "12.5", "bookworm"]},
            Machine("x86_64-linux-gnu", ("debian", "12")),
        ),
        (
            {"machine": "x86_64", "os": "('debian', '9.1', '')"},
            Machine("x86_64-linux-gnu", ("debian", "9")),
        ),
        ({"machine": "armv7l", "os": "Raspbian"}, Machine("armv7l", ("debian",))),
        ({"os": ["ubuntu", "22.04", "jammy"]}, Machine("", ("ubuntu", "22.04"))),
        ({"os": 7}, Machine()),
        ({}, Machine()),
    ],
)
def test_what_a_binary_is_for_is_read_from_old_and_new_metadata(metadata, machine):
    assert shadir.read_machine(metadata) == machine
