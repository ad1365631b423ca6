"""One person on one machine: the same application, in the place of ``slapos proxy start``.

There are no certificates: whoever reaches it is its only user, the node and every instance on
it.  So it listens on the loopback only, unless it is told to trust the network.  It reads the
legacy file, the sections ``[slapproxy]`` and ``[slapos]``; what it has no use for is said.
"""

import configparser
import ipaddress
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from slapcore.errors import ConfigurationError
from slapcore.server.address import Address
from slapcore.server.address import read_address
from slapmaster.control.beginning import begin_alone
from slapmaster.control.operation import Asked
from slapmaster.control.operation import act_once
from slapmaster.control.operation import own_name
from slapmaster.domain.act import Act
from slapmaster.master import Master
from slapmaster.master import opened_master
from slapmaster.settings import Settings

SECTION = "slapproxy"
NODE_SECTION = "slapos"
FORWARDING = "multimaster/"

DEFAULTS = {"host": "127.0.0.1", "port": "5000", "computer_id": "local_computer"}

#: legacy keys of [slapproxy] that say nothing here
HARMLESS = ("log_file", "local_software_release_root")
#: legacy keys whose wish can't be fulfilled
UNKNOWN_HERE = {
    "public_directory_path": "schemas are not served",
    "shacache_content_directory": "there is no binary cache",
    "shacache_metadata_directory": "there is no binary cache",
    "shacache_signing_key_path": "there is no binary cache",
    "shacache_upstream_cache_url": "there is no binary cache",
    "shacache_upstream_dir_url": "there is no binary cache",
}
KEYS = ("host", "port", "database_uri", "computer_id", "software_product_list")


@dataclass(frozen=True, kw_only=True)
class ProxySettings:
    """What a proxy is told.

    ``products`` are pairs of a product's name and the URL of its release; ``ignored`` says
    what of the file has no effect.
    """

    address: Address
    directory: Path
    node: str
    products: tuple[tuple[str, str], ...] = ()
    ignored: tuple[str, ...] = ()

    @property
    def is_local(self) -> bool:
        """Tell whether only this machine can reach the address."""
        if self.address.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.address.host).is_loopback
        except ValueError:
            return False

    @property
    def master(self) -> Settings:
        return Settings(
            data_directory=self.directory,
            listen=(),
            listen_plain=(self.address,),
            server_names=(self.address.host,),
        )


def read_proxy_settings(path: Path | None, **overrides: str | None) -> ProxySettings:
    """Read a legacy file, if one is named; ``overrides`` count more, unless they are ``None``.

    A path in the file is relative to it.
    """
    parser = _parse(path)
    path = path or Path("slapos.cfg")
    said = {**DEFAULTS, **_section(parser, path, NODE_SECTION), **_section(parser, path, SECTION)}
    said.update({key: value for key, value in overrides.items() if value is not None})
    if not said.get("database_uri"):
        raise ConfigurationError(
            f"{path}: [{SECTION}] database_uri is missing: it says where the data lies"
        )
    return ProxySettings(
        address=_read_address(said["host"], said["port"]),
        directory=_beside(path, said["database_uri"], overrides.get("database_uri")),
        node=said["computer_id"],
        products=read_products(said.get("software_product_list", "")),
        ignored=tuple(_say_ignored(parser, path)),
    )


def _beside(path: Path, said: str, override: str | None) -> Path:
    """Say where our data lies, given where SlapProxy has its database."""
    database = Path(override) if override is not None else path.parent / said
    return database.absolute().with_name(database.name + ".slapmaster")


def read_products(text: str) -> tuple[tuple[str, str], ...]:
    """Read a line per product: its name, and the URL of its release."""
    pairs = [tuple(line.split()) for line in text.splitlines() if line.strip()]
    for pair in pairs:
        if len(pair) != 2:
            raise ConfigurationError(
                f"software_product_list: {' '.join(pair)!r} is not a name and a URL"
            )
    return tuple((name, url) for name, url in pairs)


def _parse(path: Path | None) -> configparser.ConfigParser:
    parser = configparser.ConfigParser()
    if path is None:
        return parser
    try:
        with path.open(encoding="utf-8") as file:
            parser.read_file(file)
    except (OSError, UnicodeDecodeError, configparser.Error) as error:
        raise ConfigurationError(f"{path}: {error}") from error
    return parser


def _section(parser: configparser.ConfigParser, path: Path, name: str) -> dict[str, str]:
    if name not in parser:
        return {}
    try:
        return {key.replace("-", "_"): value for key, value in parser.items(name)}
    except configparser.InterpolationError as error:
        raise ConfigurationError(f"{path}: {error}") from error


def _say_ignored(parser: configparser.ConfigParser, path: Path) -> Iterator[str]:
    for name in parser.sections():
        if name.startswith(FORWARDING):
            yield f"[{name}] is ignored: requests are not forwarded to another master yet"
    for key in _section(parser, path, SECTION):
        if key in UNKNOWN_HERE:
            yield f"[{SECTION}] {key} is ignored: {UNKNOWN_HERE[key]} yet"
        elif key not in (*KEYS, *HARMLESS) and key not in parser.defaults():
            yield f"[{SECTION}] {key} is ignored: nothing is known of it"


def _read_address(host: str, port: str) -> Address:
    try:
        return read_address(f"[{host}]:{port}" if ":" in host else f"{host}:{port}")
    except ValueError as error:
        raise ConfigurationError(str(error)) from error


@contextmanager
def opened_proxy(wanted: ProxySettings) -> Iterator[Master]:
    """Open the master of one person; a new one gets that person, a project and the node."""
    with opened_master(wanted.master, alone=True) as master:
        asked = Asked(name="proxy", arguments={}, by=own_name())

        def begin(act: Act) -> None:
            begin_alone(act, wanted.node, wanted.products)

        act_once(master, asked, begin)
        yield master
