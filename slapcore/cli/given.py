"""Parameters as a person gives them: ``name=value`` on the command line, or a file.

A file is JSON, YAML or the ``<instance>`` XML, by its name.  All that instances get is text: what
is no text becomes its JSON.
"""

import json
from collections.abc import Iterable
from collections.abc import Mapping
from pathlib import Path

import yaml

from slapcore.errors import InvalidValue
from slapcore.protocol.parameters import read_parameters

#: The one parameter that holds a whole document, where a release wants that.
DOCUMENT = "_"

#: A file of parameters is no larger.
MAX_BYTES = 4 << 20


def read_pairs(pairs: Iterable[str]) -> dict[str, str]:
    """Read ``name=value`` pairs; raises ``InvalidValue``."""
    found: dict[str, str] = {}
    for pair in pairs:
        name, sign, value = pair.partition("=")
        if not sign or not name:
            raise InvalidValue(f"{pair!r} is not name=value")
        if name in found:
            raise InvalidValue(f"{name!r} is there twice")
        found[name] = value
    return found


def read_file(path: Path) -> dict[str, object]:
    """Read the parameters in a file, by the kind that its name says."""
    kind = path.suffix.lower()
    content = read_text(path)
    if kind == ".xml":
        return dict(read_parameters(content.encode()))
    if kind == ".json":
        return read_mapping(load_json(content, path), str(path))
    if kind in (".yaml", ".yml"):
        return read_mapping(load_yaml(content, path), str(path))
    raise InvalidValue(f"{path} is neither .json nor .yaml nor .xml")


def read_text(path: Path) -> str:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise InvalidValue(f"{path} is longer than {MAX_BYTES} bytes")
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise InvalidValue(f"{path} is not UTF-8") from error


def load_json(content: str, path: Path) -> object:
    try:
        value: object = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise InvalidValue(f"{path} is not JSON: {error}") from error
    return value


def load_yaml(content: str, path: Path) -> object:
    try:
        value: object = yaml.safe_load(content)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise InvalidValue(f"{path} is not YAML: {' '.join(str(error).split())}") from error
    return value


def read_mapping(value: object, where: str) -> dict[str, object]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise InvalidValue(f"{where} is a {type(value).__name__}, not a mapping of names to values")
    return {str(name): item for name, item in value.items()}


def as_texts(values: Mapping[str, object]) -> dict[str, str]:
    """Turn each value into the text that an instance gets."""
    return {name: as_text(name, value) for name, value in values.items()}


def as_text(name: str, value: object) -> str:
    if isinstance(value, str):
        return value
    if value is None:
        raise InvalidValue(f"{name!r} has no value")
    try:
        return json.dumps(value, ensure_ascii=False, default=str)
    except (ValueError, TypeError, RecursionError) as error:
        raise InvalidValue(f"{name!r} holds what can't be sent: {error}") from error


def as_document(values: Mapping[str, object]) -> dict[str, str]:
    """Put all into one JSON document, as releases want that say ``json-in-xml``."""
    return {DOCUMENT: json.dumps(values, ensure_ascii=False, default=str)}
