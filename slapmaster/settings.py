"""One ini file and the environment -> Settings.

- Nothing has to be said: every key has a default.
- ``SLAPMASTER_<KEY>`` in the environment counts more than the file; ``SLAPMASTER_CONFIG``
  names the file.
- An unknown section, key or variable is an error that names the nearest known one.
- A path in the file is relative to the file.
"""

import configparser
import difflib
import ipaddress
import re
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated
from typing import Any
from typing import get_type_hints

from slapcore import errors
from slapcore.server.address import Address
from slapcore.server.address import read_address

SECTION = "slapmaster"
PREFIX = "SLAPMASTER_"
CONFIG = PREFIX + "CONFIG"

UNITS = {"": 1, "B": 1, "KIB": 1 << 10, "MIB": 1 << 20, "GIB": 1 << 30}
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")

#: the kernel's room for the path of a unix socket
SOCKET_PATH_AT_MOST = 107

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def read_words(text: str) -> tuple[str, ...]:
    """Read a list: words between white space or commas."""
    return tuple(text.replace(",", " ").split())


def read_addresses(text: str) -> tuple[Address, ...]:
    return tuple(map(read_address, read_words(text)))


def read_networks(text: str) -> tuple[Network, ...]:
    return tuple(map(ipaddress.ip_network, read_words(text)))


def read_count(text: str) -> int:
    if not re.fullmatch("[0-9]{1,9}", text) or int(text) == 0:
        raise ValueError("a whole number above 0 is wanted")
    return int(text)


def read_seconds(text: str) -> float:
    if not re.fullmatch(r"[0-9]{1,7}(\.[0-9]{1,3})?", text) or float(text) == 0:
        raise ValueError("a number of seconds above 0 is wanted")
    return float(text)


def read_size(text: str) -> int:
    found = re.fullmatch(r"([0-9]{1,12})\s*([A-Z]*)", text.upper())
    if found is None or found[2] not in UNITS or int(found[1]) == 0:
        raise ValueError("a size is wanted: bytes, or with a unit (KiB, MiB, GiB)")
    return int(found[1]) * UNITS[found[2]]


def read_level(text: str) -> str:
    if text.upper() not in LEVELS:
        raise ValueError(f"one of {', '.join(LEVELS)} is wanted")
    return text.upper()


def read_url(text: str) -> str:
    if not re.fullmatch(r"https?://[^\s/?#]+(/[^\s?#]*)?", text):
        raise ValueError("an http or https URL without query is wanted")
    return text.rstrip("/")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What can be said about one master.

    The field names are the keys of the file; beside each type stands how its text is read.
    """

    data_directory: Annotated[Path, Path] = Path("var")
    #: ZODB databases, as zodburi reads them; empty: files in the data directory
    database: Annotated[str, str] = ""
    pulse_database: Annotated[str, str] = ""
    #: TLS, with client certificates
    listen: Annotated[tuple[Address, ...], read_addresses] = (Address("*", 8443),)
    #: plain HTTP, for a reverse proxy
    listen_plain: Annotated[tuple[Address, ...], read_addresses] = ()
    #: networks whose Client-Cert header is believed
    trusted_proxies: Annotated[tuple[Network, ...], read_networks] = ()
    #: what clients are told; empty: the first server name and the first port
    public_url: Annotated[str, read_url] = ""
    web_url: Annotated[str, read_url] = ""
    #: names and addresses in the server's own certificate
    server_names: Annotated[tuple[str, ...], read_words] = ("localhost", "127.0.0.1", "::1")
    threads: Annotated[int, read_count] = 8
    max_connections: Annotated[int, read_count] = 1000
    max_header: Annotated[int, read_size] = 32 << 10
    max_body: Annotated[int, read_size] = 8 << 20
    #: seconds for a request to come in, and for its answer to be taken
    request_timeout: Annotated[float, read_seconds] = 30.0
    handshake_timeout: Annotated[float, read_seconds] = 10.0
    idle_timeout: Annotated[float, read_seconds] = 60.0
    log_level: Annotated[str, read_level] = "INFO"
    node_certificate_days: Annotated[int, read_count] = 365
    instance_certificate_days: Annotated[int, read_count] = 365
    person_certificate_days: Annotated[int, read_count] = 365
    server_certificate_days: Annotated[int, read_count] = 365
    #: objects per database connection, and bytes of ready documents
    object_cache: Annotated[int, read_count] = 50_000
    document_cache: Annotated[int, read_size] = 256 << 20
    pulse_flush_seconds: Annotated[float, read_seconds] = 60.0
    #: how often what is placed on remote nodes is asked for there
    forward_seconds: Annotated[float, read_seconds] = 10.0
    #: seconds without a word after which a node takes nothing new
    node_outdated_seconds: Annotated[float, read_seconds] = 3600.0
    #: the settings of the binary cache that is a part of this master; none: there is no such part
    cache: Annotated[Path | None, Path] = None
    #: what the nodes and people of one project may put into it, in a day and in a minute
    cache_bytes_per_day: Annotated[int, read_size] = 100 << 30
    cache_puts_per_minute: Annotated[int, read_count] = 600

    #: whether ``public_url`` was said, and not only derived
    has_public_url = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "has_public_url", bool(self.public_url))
        self._derive("database", f"file://{self.data_directory.absolute()}/Data.fs")
        self._derive("pulse_database", f"file://{self.data_directory.absolute()}/pulse.fs")
        self._derive("public_url", self._own_url())
        self._derive("web_url", self.public_url)

    def _derive(self, name: str, value: str) -> None:
        if not getattr(self, name):
            object.__setattr__(self, name, value)

    def _own_url(self) -> str:
        scheme, addresses = ("https", self.listen) if self.listen else ("http", self.listen_plain)
        port = addresses[0].port if addresses else 0
        name = self.server_names[0] if self.server_names else "localhost"
        return f"{scheme}://{Address(name, port)}"

    @property
    def authority_certificate(self) -> Path:
        return self.data_directory / "authority.crt"

    @property
    def authority_key(self) -> Path:
        return self.data_directory / "authority.key"

    @property
    def seal_key(self) -> Path:
        return self.data_directory / "seal.key"

    @property
    def server_certificate(self) -> Path:
        return self.data_directory / "server.crt"

    @property
    def server_key(self) -> Path:
        return self.data_directory / "server.key"

    @property
    def control_socket(self) -> Path:
        return self.data_directory / "control.sock"


#: key -> how its text is read
READERS: dict[str, Callable[[str], object]] = {
    name: hint.__metadata__[0]
    for name, hint in get_type_hints(Settings, include_extras=True).items()
}


def read_settings(path: Path | None, environ: Mapping[str, str]) -> Settings:
    """Read the file at ``path``, or the one the environment names, and the environment."""
    if path is None and environ.get(CONFIG):
        path = Path(environ[CONFIG])
    values: dict[str, Any] = {}
    if path is not None:
        values = _read_file(path)
    values.update(_read_environment(environ))
    settings = Settings(**values)
    _check(settings)
    return settings


def _read_file(path: Path) -> dict[str, Any]:
    parser = configparser.ConfigParser(interpolation=None, default_section="")
    try:
        with path.open(encoding="utf-8") as file:
            parser.read_file(file)
    except (OSError, UnicodeDecodeError, configparser.Error) as error:
        raise errors.ConfigurationError(f"{path}: {_one_line(error)}") from error
    for section in parser.sections():
        if section != SECTION:
            raise errors.ConfigurationError(
                f"{path}: unknown section [{section}]{_nearest(section, [SECTION])}"
            )
    values: dict[str, Any] = {}
    for name, text in parser.items(SECTION) if SECTION in parser else ():
        values[name] = _read(name, text, f"{path}: [{SECTION}] {name}")
    # A file says where its data is from where the file is, wherever the command is run.
    values["data_directory"] = path.parent / values.get("data_directory", "var")
    if "cache" in values:
        values["cache"] = path.parent / values["cache"]
    return values


def _read_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    values = {}
    for variable in sorted(environ):
        if variable.startswith(PREFIX) and variable != CONFIG:
            name = variable.removeprefix(PREFIX).lower()
            values[name] = _read(name, environ[variable], variable)
    return values


def _read(name: str, text: str, place: str) -> object:
    """Read the value of one key; ``place`` says where the text stands."""
    if name not in READERS:
        raise errors.ConfigurationError(f"{place}: unknown key{_nearest(name, READERS)}")
    try:
        return READERS[name](text.strip())
    except ValueError as error:
        raise errors.ConfigurationError(f"{place} = {text!r}: {error}") from error


def _check(settings: Settings) -> None:
    """Refuse what is right key by key and wrong together."""
    if not settings.listen and not settings.listen_plain:
        raise errors.ConfigurationError("listen and listen_plain are both empty")
    if not settings.server_names:
        raise errors.ConfigurationError("server_names is empty")
    socket_path = str(settings.control_socket.absolute())
    if len(socket_path.encode()) > SOCKET_PATH_AT_MOST:
        raise errors.ConfigurationError(f"data_directory is too long for a socket: {socket_path}")


def _nearest(word: str, known: Iterable[str]) -> str:
    found = difflib.get_close_matches(word, known, n=1, cutoff=0.0)
    return f"; did you mean {found[0]}?" if found else ""


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
