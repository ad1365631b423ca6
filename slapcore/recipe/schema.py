"""What a release says of its parameters: how they travel, what they may be, and their defaults.

- Only files beside the description, or below, are read; nothing is fetched.
- A default counts where the schema has it for sure: among its properties, behind a reference, and
  in what all of it has to meet; not in one of several alternatives.
"""

import json
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from urllib.parse import urldefrag
from urllib.parse import urljoin
from urllib.parse import urlsplit

import jsonschema
import jsonschema.validators
from referencing import Registry
from referencing import Resource
from referencing.exceptions import NoSuchResource
from referencing.exceptions import Unresolvable
from referencing.exceptions import Unretrievable
from referencing.jsonschema import DRAFT202012

from slapcore.errors import InvalidValue

SERIALISED = "json-in-xml"
#: what the library raises, around our own error or for what is not there
UNREADABLE = (NoSuchResource, Unresolvable, Unretrievable)
#: How many references may lie between a parameter and its default.
MAX_DEPTH = 50
#: How many problems are told.
TOLD = 5

Schema = Mapping[str, Any]


def _read_boolean(text: str) -> bool:
    return {"true": True, "false": False}[text.lower()]


#: how a text becomes what the schema wants
READERS: dict[str, Callable[[str], Any]] = {
    "integer": int,
    "number": float,
    "boolean": _read_boolean,
}


@dataclass(frozen=True)
class ReleaseSchema:
    """The schema of one software type, or of the shared instances in one."""

    url: str
    folder: Path
    is_serialised: bool

    @classmethod
    def read(cls, description: Path, software_type: str, *, shared: bool) -> "ReleaseSchema":
        """Read which schema ``description`` (``software.cfg.json``) has for a type."""
        data = _read_file(description)
        types = data.get("software-type", {})
        for name, said in types.items() if isinstance(types, dict) else ():
            own = said.get("software-type", name)
            if own == software_type and bool(said.get("shared", False)) is shared:
                url = urljoin(description.as_uri(), str(said.get("request", "")))
                kind = said.get("serialisation", data.get("serialisation", "xml"))
                return cls(url, description.parent.resolve(), kind == SERIALISED)
        what = "shared instances of the type" if shared else "the type"
        raise InvalidValue(f"{description} says nothing of {what} {software_type}")

    def find_problem(self, parameters: object) -> str:
        """Give what is wrong with parameters; an empty text when nothing is."""
        schema, registry = self._load()
        kind = jsonschema.validators.validator_for(
            schema, default=jsonschema.Draft202012Validator
        )
        validator = kind({"$ref": self.url}, registry=registry)
        try:
            errors = sorted(validator.iter_errors(parameters), key=lambda each: each.json_path)
        except UNREADABLE as error:
            raise _tell(self.url, error) from error
        texts = [f"{error.json_path}: {error.message}" for error in errors[:TOLD]]
        return "; ".join(texts)

    def fill_in(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Give the parameters with what the schema has defaults for."""
        schema, _ = self._load()
        return self._fill_in(dict(parameters), schema, self.url)

    def _fill_in(self, values: dict[str, Any], schema: Schema, url: str) -> dict[str, Any]:
        filled = dict(values)
        for name, own, where in self._walk(schema, url):
            if name not in filled and "default" in own:
                filled[name] = own["default"]
            if isinstance(filled.get(name), dict):
                filled[name] = self._fill_in(filled[name], own, where)
            elif name not in filled and "properties" in own:
                inner = self._fill_in({}, own, where)
                if inner:
                    filled[name] = inner
        return filled

    def read_texts(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Give the parameters with texts read as what the schema wants; others stay texts."""
        schema, _ = self._load()
        read = dict(parameters)
        for name, own, _ in self._walk(schema, self.url):
            kinds = own.get("type", ())
            kinds = [kinds] if isinstance(kinds, str) else list(kinds)
            if isinstance(read.get(name), str) and "string" not in kinds:
                read[name] = _read_text(read[name], kinds)
        return read

    def _walk(
        self, schema: object, url: str, depth: int = 0
    ) -> Iterator[tuple[str, Schema, str]]:
        """Give the properties of a schema: name, what is said of it, and where that is said."""
        if not isinstance(schema, dict) or depth > MAX_DEPTH:
            return
        if "$ref" in schema:
            where = urljoin(url, str(schema["$ref"]))
            yield from self._walk(self._find(where), where, depth + 1)
        for part in schema.get("allOf", ()):
            yield from self._walk(part, url, depth + 1)
        properties = schema.get("properties", {})
        for name, own in properties.items() if isinstance(properties, dict) else ():
            if isinstance(own, dict):
                yield name, *self._resolve(own, url)

    def _resolve(self, schema: Schema, url: str) -> tuple[Schema, str]:
        """Follow references; what is said beside one counts before what it refers to."""
        merged: dict[str, Any] = dict(schema)
        for _ in range(MAX_DEPTH):
            if "$ref" not in merged:
                break
            url = urljoin(url, str(merged.pop("$ref")))
            found = self._find(url)
            merged = {**(found if isinstance(found, dict) else {}), **merged}
        return merged, url

    def _find(self, url: str) -> object:
        _, registry = self._load()
        try:
            return registry.resolver().lookup(url).contents
        except UNREADABLE as error:
            raise _tell(url, error) from error

    def _load(self) -> tuple[Schema, Registry[Any]]:
        registry: Registry[Any] = Registry(retrieve=self._retrieve)  # type: ignore[call-arg]
        base = urldefrag(self.url).url
        try:
            found = registry.get_or_retrieve(base)
        except UNREADABLE as error:
            raise _tell(base, error) from error
        contents = found.value.contents
        return contents if isinstance(contents, dict) else {}, found.registry

    def _retrieve(self, url: str) -> Resource[Any]:
        parts = urlsplit(url)
        path = Path(unquote(parts.path)).resolve()
        if parts.scheme != "file" or self.folder not in path.parents:
            raise InvalidValue(f"{url} is not beside the release's description")
        return Resource.from_contents(_read_file(path), default_specification=DRAFT202012)


def _tell(url: str, error: BaseException) -> InvalidValue:
    """Give the error of ours that lies below, or say that there is nothing at ``url``."""
    below: BaseException | None = error
    while below is not None:
        if isinstance(below, InvalidValue):
            return below
        below = below.__cause__
    return InvalidValue(f"{url} is not there: {error}")


def _read_text(text: str, kinds: list[str]) -> Any:  # noqa: ANN401
    for kind in kinds:
        try:
            return READERS[kind](text)
        except (KeyError, ValueError):
            continue
    return text


def _read_file(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InvalidValue(f"{path} can't be read: {error}") from error
    if not isinstance(data, dict):
        raise InvalidValue(f"{path} holds no JSON object")
    return data
