"""One ini file and the command line -> Settings; an unknown key is an error."""

import configparser
import ipaddress
import re
from collections.abc import Callable
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated
from typing import Any
from typing import get_type_hints

from slapcore.errors import ConfigurationError

SECTION = "shacache"
UNITS = {"": 1, "B": 1, "KIB": 1 << 10, "MIB": 1 << 20, "GIB": 1 << 30, "TIB": 1 << 40}

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = tuple[str, int]


def read_size(text: str) -> int:
    """Read a number of bytes; 0 is no limit."""
    found = re.fullmatch(r"([0-9]{1,15})\s*([A-Z]*)", text.upper())
    if found is None or found[2] not in UNITS:
        raise ValueError("a size is wanted: bytes, or with a unit (KiB, MiB, GiB, TiB)")
    return int(found[1]) * UNITS[found[2]]


def read_count(text: str) -> int:
    if not re.fullmatch("[0-9]{1,9}", text):
        raise ValueError("a whole number is wanted")
    return int(text)


def read_switch(text: str) -> bool:
    if text.lower() not in ("yes", "no"):
        raise ValueError("yes or no is wanted")
    return text.lower() == "yes"


def read_networks(text: str) -> tuple[Network, ...]:
    return tuple(map(ipaddress.ip_network, text.replace(",", " ").split()))


def read_addresses(text: str) -> tuple[Address, ...]:
    return tuple(map(read_address, text.replace(",", " ").split()))


def read_address(text: str) -> Address:
    found = re.fullmatch(r"(?:\[([0-9a-fA-F:.]+)\]|([^:\[\]]+)):([0-9]{1,5})", text)
    if found is None or int(found[3]) > 65535:
        raise ValueError(f"{text!r} is not host:port or [address]:port")
    return found[1] or found[2], int(found[3])


def read_location(text: str) -> str:
    if text and not re.fullmatch(r"/[!-~]*", text):
        raise ValueError("a location that begins with / is wanted")
    return text.rstrip("/")


def read_word(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9._/-]{0,200}", text):
        raise ValueError("letters, digits and ._/- are wanted")
    return text


def read_endpoint(text: str) -> str:
    if text and not _is_url(text):
        raise ValueError("an http or https URL is wanted")
    return text


def read_upstreams(text: str) -> tuple[tuple[str, str], ...]:
    """Read pairs of URLs, of contents and of entries, one pair a line."""
    pairs = [tuple(line.split()) for line in text.splitlines() if line.strip()]
    urls = [url for pair in pairs for url in pair]
    if any(len(pair) != 2 for pair in pairs) or not all(map(_is_url, urls)):
        raise ValueError("the http or https URLs of contents and of entries are wanted, on a line")
    return tuple((contents, entries) for contents, entries in pairs)


def _is_url(text: str) -> bool:
    return re.fullmatch(r"https?://[^\s/?#]+(/[^\s?#]*)?", text) is not None


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What can be said about one cache; beside each type stands how its text is read."""

    directory: Annotated[Path, Path] = Path("shacache")
    #: plain HTTP: legacy clients can't read over TLS without a certificate
    listen: Annotated[tuple[Address, ...], read_addresses] = (("127.0.0.1", 8090),)
    listen_tls: Annotated[tuple[Address, ...], read_addresses] = ()
    certificate: Annotated[Path | None, Path] = None
    key: Annotated[Path | None, Path] = None
    #: whether everybody may read
    public: Annotated[bool, read_switch] = True
    #: networks from which everybody may put
    open_networks: Annotated[tuple[Network, ...], read_networks] = ()
    #: whether entries without a signature, or with one of an unknown key, are taken and shown
    unsigned: Annotated[bool, read_switch] = False
    foreign: Annotated[bool, read_switch] = False
    #: where a front end (nginx), which then sends the files, finds the directory of contents
    accel_location: Annotated[str, read_location] = ""
    max_content: Annotated[int, read_size] = 16 << 30
    max_entry: Annotated[int, read_size] = 256 << 10
    #: what is kept at most, in bytes and in days without use; 0 is no limit
    cap: Annotated[int, read_size] = 0
    keep_days: Annotated[int, read_count] = 0
    #: days after which a content without entries goes; 0 is never
    orphan_days: Annotated[int, read_count] = 30
    #: where everything is kept instead of the directory: a bucket that several servers may share
    s3_bucket: Annotated[str, read_word] = ""
    s3_prefix: Annotated[str, read_word] = ""
    s3_endpoint: Annotated[str, read_endpoint] = ""
    #: other caches that are asked for what is not here: where their contents and entries are
    upstreams: Annotated[tuple[tuple[str, str], ...], read_upstreams] = ()
    threads: Annotated[int, read_count] = 8
    max_connections: Annotated[int, read_count] = 1000


READERS: dict[str, Callable[[str], object]] = {
    name: hint.__metadata__[0]
    for name, hint in get_type_hints(Settings, include_extras=True).items()
}


def read_settings(path: Path | None, given: Mapping[str, str]) -> Settings:
    """Read the file at ``path``, if any; what is ``given`` counts more."""
    values: dict[str, Any] = {}
    if path is not None:
        values = {"directory": path.parent / "shacache", **_read_file(path)}
        values["directory"] = path.parent / values["directory"]
    for name, text in given.items():
        values[name] = _read(name, text, f"--{name.replace('_', '-')}")
    settings = Settings(**values)
    if settings.listen_tls and not (settings.certificate and settings.key):
        raise ConfigurationError("listen_tls wants a certificate and a key")
    return settings


def _read_file(path: Path) -> dict[str, Any]:
    parser = configparser.ConfigParser(interpolation=None, default_section="")
    try:
        with path.open(encoding="utf-8") as file:
            parser.read_file(file)
    except (OSError, UnicodeDecodeError, configparser.Error) as error:
        raise ConfigurationError(f"{path}: {' '.join(str(error).split())}") from error
    unknown = [name for name in parser.sections() if name != SECTION]
    if unknown:
        raise ConfigurationError(f"{path}: unknown section [{unknown[0]}]")
    items = parser.items(SECTION) if SECTION in parser else ()
    values = {name: _read(name, text, f"{path}: {name}") for name, text in items}
    for name in ("certificate", "key"):
        if name in values:
            values[name] = path.parent / values[name]
    return values


def _read(name: str, text: str, place: str) -> object:
    if name not in READERS:
        raise ConfigurationError(f"{place}: unknown key; known are {', '.join(READERS)}")
    try:
        return READERS[name](text.strip())
    except ValueError as error:
        raise ConfigurationError(f"{place} = {text!r}: {error}") from error
