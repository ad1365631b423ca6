"""Settings: every key has a default, every fault names where it is."""

import ipaddress
from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

from slapcore.errors import ConfigurationError
from slapcore.server.address import Address
from slapmaster.settings import READERS
from slapmaster.settings import Settings
from slapmaster.settings import read_settings


@pytest.fixture
def write(tmp_path):
    def write_file(text):
        path = tmp_path / "master.ini"
        path.write_text(text)
        return path

    return write_file


def test_nothing_has_to_be_said():
    settings = read_settings(None, {"HOME": "/root", "PATH": "/bin"})
    assert settings == Settings()
    assert settings.listen == (Address("*", 8443),)
    assert settings.listen_plain == ()
    assert settings.trusted_proxies == ()
    assert settings.public_url == settings.web_url == "https://localhost:8443"


def test_settings_do_not_change():
    with pytest.raises(FrozenInstanceError):
        Settings().threads = 3


def test_each_key_is_read_from_the_file(write):
    settings = read_settings(
        write(
            """
            # a master behind a reverse proxy
            [slapmaster]
            data_directory = data
            database = zeo://localhost:9991
            listen =
            listen_plain = 127.0.0.1:8080 [::1]:8080
            trusted_proxies = 127.0.0.0/8, ::1
            public_url = https://master.example.com/
            server_names = master.example.com 192.0.2.1
            threads = 4
            max_body = 2 MiB
            max_header = 16KiB
            request_timeout = 7.5
            log_level = debug
            node_certificate_days = 30
            """.replace("            ", "")
        ),
        {},
    )
    assert settings.database == "zeo://localhost:9991"
    assert settings.listen == ()
    assert settings.listen_plain == (Address("127.0.0.1", 8080), Address("::1", 8080))
    assert settings.trusted_proxies == (
        ipaddress.ip_network("127.0.0.0/8"),
        ipaddress.ip_network("::1/128"),
    )
    assert settings.public_url == settings.web_url == "https://master.example.com"
    assert settings.server_names == ("master.example.com", "192.0.2.1")
    assert (settings.threads, settings.max_body, settings.max_header) == (4, 2 << 20, 16 << 10)
    assert (settings.request_timeout, settings.log_level) == (7.5, "DEBUG")
    assert settings.node_certificate_days == 30


def test_a_percent_sign_is_only_a_percent_sign(write):
    path = write("[slapmaster]\ndatabase = postgresql://u:p%40ss@host/db\n")
    assert read_settings(path, {}).database == "postgresql://u:p%40ss@host/db"


def test_the_environment_counts_more_than_the_file(write):
    path = write("[slapmaster]\nthreads = 4\nmax_body = 1MiB\n")
    settings = read_settings(path, {"SLAPMASTER_THREADS": "6"})
    assert (settings.threads, settings.max_body) == (6, 1 << 20)


def test_the_environment_may_name_the_file(write):
    path = write("[slapmaster]\nthreads = 4\n")
    assert read_settings(None, {"SLAPMASTER_CONFIG": str(path)}).threads == 4
    assert read_settings(None, {"SLAPMASTER_CONFIG": ""}).threads == Settings().threads


def test_a_path_in_the_file_is_relative_to_the_file(write, tmp_path):
    assert read_settings(write("[slapmaster]\n"), {}).data_directory == tmp_path / "var"
    path = write("[slapmaster]\ndata_directory = data\n")
    assert read_settings(path, {}).data_directory == tmp_path / "data"
    path = write("[slapmaster]\ndata_directory = /absolute\n")
    assert read_settings(path, {}).data_directory == Path("/absolute")


def test_everything_lies_in_the_data_directory(tmp_path):
    settings = Settings(data_directory=tmp_path)
    assert settings.database == f"file://{tmp_path}/Data.fs"
    assert settings.pulse_database == f"file://{tmp_path}/pulse.fs"
    paths = [
        settings.authority_certificate,
        settings.authority_key,
        settings.seal_key,
        settings.server_certificate,
        settings.server_key,
        settings.control_socket,
    ]
    assert {path.parent for path in paths} == {tmp_path}
    assert len(set(paths)) == 6


def test_without_tls_the_public_url_is_plain():
    settings = Settings(listen=(), listen_plain=(Address("127.0.0.1", 8080),))
    assert settings.public_url == "http://localhost:8080"


def test_an_address_of_version_six_is_written_in_brackets():
    assert str(Address("::1", 80)) == "[::1]:80"
    assert Settings(server_names=("2001:db8::1",)).public_url == "https://[2001:db8::1]:8443"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[slapmaster]\nthread = 3\n", ["[slapmaster] thread", "did you mean threads?"]),
        ("[slapmaster]\nlisten-plain = *:80\n", ["listen-plain", "did you mean listen_plain?"]),
        ("[slapmastr]\n", ["unknown section [slapmastr]", "did you mean slapmaster?"]),
        ("[slapmaster]\nthreads = many\n", ["[slapmaster] threads", "'many'", "whole number"]),
        ("[slapmaster]\nthreads = 0\n", ["threads", "above 0"]),
        ("[slapmaster]\nlisten = localhost\n", ["listen", "host:port"]),
        ("[slapmaster]\nlisten = localhost:99999\n", ["listen", "host:port"]),
        ("[slapmaster]\nlisten = ::1:80\n", ["listen", "[address]:port"]),
        ("[slapmaster]\nmax_body = 8 MB\n", ["max_body", "MiB"]),
        ("[slapmaster]\nlog_level = loud\n", ["log_level", "DEBUG, INFO"]),
        ("[slapmaster]\nrequest_timeout = -1\n", ["request_timeout", "seconds above 0"]),
        ("[slapmaster]\ntrusted_proxies = 10.0.0.1/8\n", ["trusted_proxies", "host bits"]),
        ("[slapmaster]\npublic_url = master.example.com\n", ["public_url", "http"]),
        ("[slapmaster]\nthreads = 3\nthreads = 4\n", ["threads", "already exists"]),
        ("[slapmaster]\nlisten =\n", ["listen and listen_plain are both empty"]),
        ("[slapmaster]\nserver_names =\n", ["server_names is empty"]),
        ("threads = 3\n", ["no section headers"]),
        ("[DEFAULT]\nthreads = 3\n", ["unknown section [DEFAULT]"]),
        (f"[slapmaster]\ndata_directory = /{'x' * 100}\n", ["data_directory is too long"]),
    ],
)
def test_a_fault_in_the_file_is_named(write, text, named):
    path = write(text)
    with pytest.raises(ConfigurationError) as raised:
        read_settings(path, {})
    message = str(raised.value)
    assert "\n" not in message
    for word in named:
        assert word in message


def test_a_fault_in_the_file_names_the_file(write):
    path = write("[slapmaster]\nthreads = many\n")
    with pytest.raises(ConfigurationError, match=str(path)):
        read_settings(path, {})


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ConfigurationError, match=r"absent\.ini"):
        read_settings(tmp_path / "absent.ini", {})


def test_a_file_that_is_no_text_is_named(tmp_path):
    path = tmp_path / "master.ini"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigurationError, match=r"master\.ini"):
        read_settings(path, {})


def test_an_unknown_variable_is_named():
    with pytest.raises(ConfigurationError, match=r"SLAPMASTER_TREADS: .* did you mean threads"):
        read_settings(None, {"SLAPMASTER_TREADS": "3"})


def test_a_wrong_value_in_a_variable_names_the_variable():
    with pytest.raises(ConfigurationError, match="SLAPMASTER_THREADS = 'x'"):
        read_settings(None, {"SLAPMASTER_THREADS": "x"})


def test_every_key_can_be_read():
    assert all(callable(read) for read in READERS.values())
    assert set(READERS) == set(Settings.__dataclass_fields__)
