"""``slapos.cfg`` is read as legacy nodes have it, and what is wrong with it is named."""

import dataclasses

import pytest

from slapcore.config import LEGACY
from slapcore.config import SECTIONS
from slapcore.config import CacheConfig
from slapcore.config import FormatConfig
from slapcore.config import NodeConfig
from slapcore.config import read_config
from slapcore.errors import ConfigurationError

LEAST = """[slapos]
computer_id = COMP-1
master_url = https://master.example/
software_root = /opt/slapgrid
instance_root = /srv/slapgrid
"""

PEM = "-----BEGIN CERTIFICATE-----\n  {}\n  -----END CERTIFICATE-----"


def read(tmp_path, text):
    path = tmp_path / "slapos.cfg"
    path.write_text(text)
    return read_config(path)


@pytest.mark.parametrize(("section", "kind"), [
    ("slapos", NodeConfig), ("slapformat", FormatConfig), ("networkcache", CacheConfig),
])  # fmt: skip
def test_every_key_sets_something_that_is_there(section, kind):
    names = {each.name for each in dataclasses.fields(kind)}
    assert {attribute for attribute, _ in SECTIONS[section].values()} <= names
    assert not set(SECTIONS[section]) & LEGACY[section]


def test_the_least_is_enough(tmp_path):
    config = read(tmp_path, LEAST)
    assert (config.reference, config.parallel, config.format.partitions) == ("COMP-1", 2, 10)


def test_a_legacy_file_is_read(tmp_path):
    lists = f"signature-certificate-list =\n  {PEM.format('one')}\n  {PEM.format('two')}\n"
    config = read(tmp_path, LEAST + (
        "shared_part_list =\n  /one\n  /two\nroot_check = False\nmaximum_periodicity = -1\n"
        "software_min_free_space = 1.5G\nforbid_supervisord_automatic_launch = true\n"
        "[slapformat]\npartition_amount = 3\ncreate_tap = false\n[slapproxy]\nhost = x\n"
        f"[networkcache]\ndownload-binary-cache-url = http://c\n{lists}"
    ))  # fmt: skip
    assert [str(path) for path in config.shared_parts] == ["/one", "/two"]
    assert config.periodicity == float("inf")
    assert config.software_free_space == 3 << 29
    assert not config.start_supervisord
    assert (config.format.partitions, config.format.create_tap) == (3, False)
    assert len(config.cache.certificates) == 2


@pytest.mark.parametrize(("more", "told"), [
    ("instance_rot = /x", "instance_root is the nearest"),
    ("parallel = many", "parallel is 'many', no whole number"),
    ("parallel = 0", "at least one"),
    ("software_min_free_space = lots", "no size like"),
    ("new_privileges = perhaps", "neither true nor false"),
    ("partition_timeout = -1", "less than nothing"),
    ("key_file = /key", "go together"),
    ("key_file = /key\ncert_file = /crt", "certificate_repository_path"),
    ("computer_id = again", "already exists"),
    ("[slapformat]\nwings = 2", "has no key 'wings'"),
])  # fmt: skip
def test_what_is_wrong_is_named(tmp_path, more, told):
    with pytest.raises(ConfigurationError, match=told):
        read(tmp_path, f"{LEAST}{more}\n")


@pytest.mark.parametrize("line", LEAST.splitlines()[1:])
def test_what_is_needed_and_missing_is_named(tmp_path, line):
    with pytest.raises(ConfigurationError, match=line.split()[0]):
        read(tmp_path, LEAST.replace(line, ""))


def test_a_file_that_is_not_there_is_said_so(tmp_path):
    with pytest.raises(ConfigurationError, match="can't be read"):
        read_config(tmp_path / "none.cfg")
    with pytest.raises(ConfigurationError, match="no section"):
        read(tmp_path, "[other]\n")
