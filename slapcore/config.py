"""The ``slapos.cfg`` of a node: sections and keys -> frozen dataclasses.

A file that the legacy node was run by is read as it is.

- A key of ``[slapos]``, ``[slapformat]`` or ``[networkcache]`` that nobody knows is an error that
  names the nearest one: a limit with a typing mistake is no limit.
- What only the legacy node uses is listed here, and passed over.
- Other sections belong to other programs, and are left alone.
"""

import configparser
import difflib
import os
import re
import sys
from collections.abc import Callable
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path
from typing import Any

from slapcore.errors import ConfigurationError

DAY = 86400
MIB = 1 << 20

CERTIFICATE = re.compile(
    r"-----BEGIN (CERTIFICATE|PUBLIC KEY)-----.*?-----END \1-----", re.DOTALL
)
SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([kmgt]?)i?b?", re.IGNORECASE)
FACTORS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}

#: what only the legacy node or its helpers read
LEGACY = {
    "slapos": {
        "buildout_debug", "certificate_repository", "develop", "firewall", "force", "maximal_delay",
        "now", "only", "only_cp", "only_sr", "slapproxy", "slapgrid", "supervisord_socket",
        "supervisord_configuration_path", "usage_report_periodicity", "verbose", "manager_list",
        "promise_log", "promise_timeout_legacy", "master_rest_url", "partition_amount",
        "pidfile_software", "pidfile_instance", "pidfile_report", "pidfile", "watchdog",
        "storage_home", "console", "logfile", "log_file", "user", "root_check",
    },
    "slapformat": {
        "bridge_name", "no_bridge", "interface_url", "collect_cache", "verbose", "dry_run",
        "master_url", "computer_id", "key_file", "cert_file", "instance_root", "software_root",
    },
    "networkcache": set(),
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class CacheConfig:
    """Where binaries are looked for and put, and whose are believed."""

    contents_url: str = ""
    entries_url: str = ""
    upload_contents_url: str = ""
    upload_entries_url: str = ""
    download_cache_url: str = ""
    download_dir_url: str = ""
    upload_cache_url: str = ""
    upload_dir_url: str = ""
    certificates: tuple[str, ...] = ()
    private_key: Path | None = None
    stamp_key: Path | None = None
    contents_authority: Path | None = None
    contents_certificate: Path | None = None
    contents_key: Path | None = None
    entries_authority: Path | None = None
    entries_certificate: Path | None = None
    entries_key: Path | None = None
    upload_token_file: Path | None = None
    never_downloaded: tuple[str, ...] = ()
    never_uploaded: tuple[str, ...] = ()
    only_downloaded: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class FormatConfig:
    """What the machine is to be made into."""

    partitions: int = 10
    partition_name: str = "slappart"
    user_name: str = "slapuser"
    tap_name: str = "slaptap"
    software_user: str = "slapsoft"
    interface: str = ""
    ipv6_interface: str = ""
    ipv4_network: str = ""
    ipv6_prefix_shift: int = 16
    ipv6_ranges: bool = True
    alter_user: bool = True
    alter_network: bool = True
    create_tap: bool = True
    create_tun: bool = False
    tap_ipv6: bool = True
    tun_ipv6: bool = True
    tap_gateway: str = ""
    definition: Path | None = None
    output_definition: Path | None = None
    state: Path | None = None
    state_json: Path | None = None
    log: Path | None = None
    public_ipv4: str = ""


@dataclass(frozen=True, kw_only=True)
class NodeConfig:
    """Everything that one node is run by."""

    path: Path
    reference: str
    master_url: str
    software_root: Path
    instance_root: Path
    key: Path | None = None
    certificate: Path | None = None
    authority: Path | None = None
    fingerprint: str = ""
    partition_certificates: Path | None = None
    shared_parts: tuple[Path, ...] = ()
    build_time_parts: tuple[Path, ...] = ()
    storage_home: Path | None = None
    ipv4_global_network: str = ""
    buildout: Path | None = None
    python: Path = Path(sys.executable)
    partition_timeout: float = 0.0
    release_timeout: float = 0.0
    promise_timeout: float = 20.0
    periodicity: float = float(DAY)
    software_free_space: int = 1000 * MIB
    instance_free_space: int = 1000 * MIB
    start_supervisord: bool = True
    parallel: int = 2
    parallel_builds: int = 1
    new_privileges: bool = False
    memory_limit: int = 0
    process_limit: int = 0
    cpu_limit: float = 0.0
    poll_seconds: float = 60.0
    promise_seconds: float = 60.0
    collect_seconds: float = 60.0
    report_seconds: float = 300.0
    retention_days: int = 15
    metrics_file: Path | None = None
    log_level: str = "INFO"
    format: FormatConfig = field(default_factory=FormatConfig)
    cache: CacheConfig = field(default_factory=CacheConfig)


def read_config(path: Path) -> NodeConfig:
    """Read a file; whatever is wrong with it raises ``ConfigurationError``."""
    parser = configparser.ConfigParser(interpolation=None, strict=True)
    try:
        with path.open(encoding="utf-8") as file:
            parser.read_file(file)
    except OSError as error:
        raise ConfigurationError(f"{path} can't be read: {error.strerror}") from error
    except (configparser.Error, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path}: {error}") from error
    sections = {name: dict(parser[name]) for name in SECTIONS if name in parser}
    if "slapos" not in sections:
        raise ConfigurationError(f"{path} has no section [slapos]")
    shaped = _read_section(path, "slapformat", sections.get("slapformat", {}))
    cached = _read_section(path, "networkcache", sections.get("networkcache", {}))
    own = _read_section(path, "slapos", sections["slapos"])
    config = _complete(path, own, FormatConfig(**shaped), CacheConfig(**cached))
    _check(path, config)
    return config


def _complete(
    path: Path, own: dict[str, Any], shape: FormatConfig, cache: CacheConfig
) -> NodeConfig:
    needed = {"computer_id": "reference", "master_url": "master_url",
              "software_root": "software_root", "instance_root": "instance_root"}  # fmt: skip
    missing = [key for key, name in needed.items() if not own.get(name)]
    if missing:
        raise ConfigurationError(f"{path}: [slapos] lacks {', '.join(missing)}")
    return NodeConfig(path=path.absolute(), format=shape, cache=cache, **own)


def _check(path: Path, config: NodeConfig) -> None:
    """Refuse what can't be, and what would be noticed late."""
    if not config.master_url.startswith(("http://", "https://")):
        raise ConfigurationError(f"{path}: master_url is no http or https URL")
    if bool(config.key) != bool(config.certificate):
        raise ConfigurationError(f"{path}: key_file and cert_file go together")
    if config.certificate and config.partition_certificates is None:
        raise ConfigurationError(
            f"{path}: with cert_file a certificate_repository_path is needed, for the partitions"
        )
    if config.parallel < 1 or config.parallel_builds < 1:
        raise ConfigurationError(f"{path}: at least one at a time must be allowed")


def _read_section(path: Path, section: str, items: Mapping[str, str]) -> dict[str, Any]:
    keys = SECTIONS[section]
    values = {}
    for key, text in items.items():
        name = key.replace("-", "_")
        if name in keys:
            attribute, read = keys[name]
            try:
                values[attribute] = read(text)
            except ValueError as error:
                raise ConfigurationError(f"{path}: [{section}] {key} {error}") from error
        elif name not in LEGACY[section]:
            raise ConfigurationError(f"{path}: [{section}] {_unknown(key, keys)}")
    return {name: value for name, value in values.items() if value is not None}


def _unknown(key: str, keys: Mapping[str, object]) -> str:
    near = difflib.get_close_matches(key.replace("-", "_"), keys, n=1, cutoff=0.5)
    return f"has no key {key!r}" + (f"; {near[0]} is the nearest" if near else "")


def _text(text: str) -> str:
    return text.strip()


def _path(text: str) -> Path | None:
    text = text.strip()
    return Path(os.path.abspath(os.path.expanduser(text))) if text else None


def _paths(text: str) -> tuple[Path, ...]:
    return tuple(path for path in map(_path, text.splitlines()) if path is not None)


def _lines(text: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in text.splitlines() if line.strip())


def _flag(text: str) -> bool:
    known = configparser.ConfigParser.BOOLEAN_STATES
    if text.strip().lower() not in known:
        raise ValueError(f"is {text!r}, neither true nor false")
    return known[text.strip().lower()]


def _no(text: str) -> bool:
    return not _flag(text)


def _count(text: str) -> int:
    if not text.strip().isdigit():
        raise ValueError(f"is {text!r}, no whole number")
    return int(text)


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError as error:
        raise ValueError(f"is {text!r}, no number of seconds") from error
    if value < 0:
        raise ValueError(f"is {text!r}, less than nothing")
    return value


def _periodicity(text: str) -> float:
    """Read a period; a negative one means for ever, as the legacy node has it."""
    try:
        value = float(text)
    except ValueError as error:
        raise ValueError(f"is {text!r}, no number of seconds") from error
    return value if value >= 0 else float("inf")


def _size(text: str) -> int:
    """Read a number of bytes with a unit, like ``1000M``."""
    found = SIZE.fullmatch(text.strip())
    if not found:
        raise ValueError(f"is {text!r}, no size like 500M or 2G")
    return int(float(found[1]) * FACTORS[found[2].lower()])


def _certificates(text: str) -> tuple[str, ...]:
    return tuple(found.group() + "\n" for found in CERTIFICATE.finditer(text))


Reader = Callable[[str], Any]

#: section -> key, with underscores -> the attribute it sets, and how it is read
SECTIONS: dict[str, dict[str, tuple[str, Reader]]] = {
    "slapos": {
        "computer_id": ("reference", _text),
        "master_url": ("master_url", _text),
        "software_root": ("software_root", _path),
        "instance_root": ("instance_root", _path),
        "key_file": ("key", _path),
        "cert_file": ("certificate", _path),
        "master_ca_file": ("authority", _path),
        "master_fingerprint": ("fingerprint", _text),
        "certificate_repository_path": ("partition_certificates", _path),
        "shared_part_list": ("shared_parts", _paths),
        "build_time_part_list": ("build_time_parts", _paths),
        "instance_storage_home": ("storage_home", _path),
        "ipv4_global_network": ("ipv4_global_network", _text),
        "buildout": ("buildout", _path),
        "buildout_python": ("python", _path),
        "partition_timeout": ("partition_timeout", _seconds),
        "release_timeout": ("release_timeout", _seconds),
        "promise_timeout": ("promise_timeout", _seconds),
        "maximum_periodicity": ("periodicity", _periodicity),
        "software_min_free_space": ("software_free_space", _size),
        "instance_min_free_space": ("instance_free_space", _size),
        "forbid_supervisord_automatic_launch": ("start_supervisord", _no),
        "parallel": ("parallel", _count),
        "parallel_builds": ("parallel_builds", _count),
        "new_privileges": ("new_privileges", _flag),
        "memory_limit": ("memory_limit", _size),
        "process_limit": ("process_limit", _count),
        "cpu_limit": ("cpu_limit", _seconds),
        "poll_seconds": ("poll_seconds", _seconds),
        "promise_seconds": ("promise_seconds", _seconds),
        "collect_seconds": ("collect_seconds", _seconds),
        "report_seconds": ("report_seconds", _seconds),
        "retention_days": ("retention_days", _count),
        "metrics_file": ("metrics_file", _path),
        "log_level": ("log_level", _text),
    },
    "slapformat": {
        "partition_amount": ("partitions", _count),
        "partition_base_name": ("partition_name", _text),
        "user_base_name": ("user_name", _text),
        "tap_base_name": ("tap_name", _text),
        "software_user": ("software_user", _text),
        "interface_name": ("interface", _text),
        "ipv6_interface": ("ipv6_interface", _text),
        "ipv4_local_network": ("ipv4_network", _text),
        "ipv6_prefixshift": ("ipv6_prefix_shift", _count),
        "partition_has_ipv6_range": ("ipv6_ranges", _flag),
        "alter_user": ("alter_user", _flag),
        "alter_network": ("alter_network", _flag),
        "create_tap": ("create_tap", _flag),
        "create_tun": ("create_tun", _flag),
        "tap_ipv6": ("tap_ipv6", _flag),
        "tun_ipv6": ("tun_ipv6", _flag),
        "tap_gateway_interface": ("tap_gateway", _text),
        "input_definition_file": ("definition", _path),
        "output_definition_file": ("output_definition", _path),
        "computer_xml": ("state", _path),
        "computer_json": ("state_json", _path),
        "log_file": ("log", _path),
        "public_ipv4_address": ("public_ipv4", _text),
    },
    "networkcache": {
        "download_binary_cache_url": ("contents_url", _text),
        "download_binary_dir_url": ("entries_url", _text),
        "upload_binary_cache_url": ("upload_contents_url", _text),
        "upload_binary_dir_url": ("upload_entries_url", _text),
        "download_cache_url": ("download_cache_url", _text),
        "download_dir_url": ("download_dir_url", _text),
        "upload_cache_url": ("upload_cache_url", _text),
        "upload_dir_url": ("upload_dir_url", _text),
        "signature_certificate_list": ("certificates", _certificates),
        "signature_private_key_file": ("private_key", _path),
        "stamp_private_key_file": ("stamp_key", _path),
        "shacache_ca_file": ("contents_authority", _path),
        "shacache_cert_file": ("contents_certificate", _path),
        "shacache_key_file": ("contents_key", _path),
        "shadir_ca_file": ("entries_authority", _path),
        "shadir_cert_file": ("entries_certificate", _path),
        "shadir_key_file": ("entries_key", _path),
        "upload_token_file": ("upload_token_file", _path),
        "download_from_binary_cache_url_blacklist": ("never_downloaded", _lines),
        "binary_cache_url_blacklist": ("never_downloaded", _lines),
        "upload_to_binary_cache_url_blacklist": ("never_uploaded", _lines),
        "download_from_binary_cache_force_url_list": ("only_downloaded", _lines),
    },
}


