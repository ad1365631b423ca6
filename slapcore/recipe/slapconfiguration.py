"""``slapmaster:slapconfiguration``: what the instance is to be, as options.

The section is to be called ``slap-configuration``.  It says who asks (see ``partition``) and gives:

- ``configuration`` and ``configuration.<name>``: the parameters; ``configuration.<name>`` that the
  profile has itself is the default of one that was not asked for;
- ``slap-software-type``, ``instance-title``, ``instance-guid``, ``instance-state``,
  ``root-instance-title``, ``slap-software-release-url``, ``timestamp``, ``slave-instance-list``;
- ``ipv4``, ``ipv6``, ``tap-…`` and whatever ``.slapos-resource`` has; ``ipv4-random``,
  ``ipv6-random``: the first address of each.

``slapconfiguration.serialised`` reads parameters that travel as JSON in one.  With
``slapconfiguration.jsonschema`` the description ``jsonschema`` of the release says how they travel
and what they may be; ``set-default`` (none, main, shared, all) fills in what it has defaults for.
"""

import ipaddress
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from zc.buildout import UserError

from slapcore.errors import InvalidValue
from slapcore.protocol.documents import InstanceView
from slapcore.protocol.documents import SharedInstanceView
from slapcore.recipe.partition import Door
from slapcore.recipe.partition import Own
from slapcore.recipe.publish import ALL
from slapcore.recipe.publish import read_serialised
from slapcore.recipe.schema import ReleaseSchema
from slapcore.recipe.section import Section

RESOURCES = ".slapos-resource"
PREFIX = "configuration."
#: what can't be the name of an option
NO_NAME = re.compile(r"[:=\n${}\[\]]|^\s|\s$|^$|^[#;<-]")
WHOM = {"none": (), "main": ("main",), "shared": ("shared",), "all": ("main", "shared")}


class Recipe:
    """Gives what the instance is to be."""

    serialised = False

    def __init__(self, buildout: Any, name: str, options: Any) -> None:  # noqa: ANN401
        self.section = section = Section(buildout, name, options)
        self.door = Door(section, Own.ALL)
        with self.door.open() as instance:
            view = instance.see()
        self._put_instance(view)
        self._put_addresses(view)
        defaults = section.prefixed(PREFIX)
        parameters = self.read_parameters({**view.parameters}, view)
        parameters = {**defaults, **parameters}
        section.put("configuration", parameters)
        for key, value in parameters.items():
            if not NO_NAME.search(key):
                section.put(f"{PREFIX}{key}", value)
        self._put_resources()

    def _put_instance(self, view: InstanceView) -> None:
        put = self.section.put
        put("slap-software-type", view.software_type)
        put("slap-software-release-url", view.release_url)
        put("slap-computer-id", self.door.require("computer"))
        put("slap-computer-partition-id", self.door.require("partition"))
        put("instance-title", view.title)
        put("instance-guid", view.instance_guid)
        put("instance-state", view.state)
        put("root-instance-title", view.root_title)
        put("root-instance-short-title", view.root_short_title)
        put("timestamp", str(view.timestamp))
        shared = sorted(view.shared_instances, key=lambda each: each.reference)
        put("slave-instance-list", [self.write_shared(each) for each in shared])

    def write_shared(self, shared: SharedInstanceView) -> dict[str, Any]:
        """Give a shared instance as templates of releases find it."""
        return {
            **shared.parameters,
            "slave_reference": shared.reference,
            "slave_title": shared.title,
            "slap_software_type": shared.software_type,
            "timestamp": shared.timestamp,
        }

    def _put_addresses(self, view: InstanceView) -> None:
        addresses = sorted({address for _, address in view.ip_list})
        for version in (4, 6):
            own = [a for a in addresses if _read_version(a) == version]
            self.section.put(f"ipv{version}", own)
            self.section.options[f"ipv{version}"] = " ".join(own)
            if own:
                self.section.put(f"ipv{version}-random", own[0])

    def read_parameters(
        self, parameters: Mapping[str, str], view: InstanceView
    ) -> dict[str, Any]:
        if not self.serialised:
            return dict(parameters)
        try:
            return read_serialised(parameters)
        except ValueError as error:
            text = f"the parameters are no JSON in the parameter {ALL}: {error}"
            raise self.section.fail(text) from error

    def _put_resources(self) -> None:
        """Give what the node says of the partition, where nobody else has."""
        path = Path(self.section.buildout["buildout"]["directory"], RESOURCES)
        try:
            resources = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return
        except (OSError, ValueError) as error:
            raise self.section.fail(f"{path} can't be read: {error}") from error
        for key, value in _flatten(resources).items():
            if key not in self.section.options and not NO_NAME.search(key):
                self.section.put(key, value)

    def install(self) -> list[str]:
        return []

    update = install


class Serialised(Recipe):
    """Gives parameters that travel as JSON in one."""

    serialised = True


class JSONSchema(Recipe):
    """Gives parameters that are as the release describes them, with its defaults."""

    def read_parameters(
        self, parameters: Mapping[str, str], view: InstanceView
    ) -> dict[str, Any]:
        schema = self._read_schema(view, shared=False)
        given = self._unwrap(parameters, schema)
        given = {**self.section.prefixed(PREFIX), **given}
        problem, checked = self._check(given, schema, "main")
        if problem:
            text = f"the parameters are not as the release describes them: {problem}"
            if "main" in self._whom("report-error", "all"):
                with self.door.open() as instance:
                    instance.failed(text)
            raise self.section.fail(text)
        self._check_shared(view)
        return checked

    def _check_shared(self, view: InstanceView) -> None:
        good: list[dict[str, Any]] = []
        bad: list[dict[str, Any]] = []
        schema = self._read_schema(view, shared=True) if view.shared_instances else None
        for shared in sorted(view.shared_instances, key=lambda each: each.reference):
            assert schema is not None
            try:
                problem, checked = self._check(
                    self._unwrap(shared.parameters, schema), schema, "shared"
                )
            except UserError as error:
                problem, checked = str(error), {}
            entry = {"reference": shared.reference, "parameters": checked}
            if problem:
                bad.append({**entry, "errors": problem})
            else:
                good.append(entry)
        self.section.put("valid-shared-instance-list", good)
        self.section.put("invalid-shared-instance-list", bad)

    def _read_schema(self, view: InstanceView, *, shared: bool) -> ReleaseSchema:
        try:
            return ReleaseSchema.read(
                self.section.path("jsonschema"), view.software_type, shared=shared
            )
        except InvalidValue as error:
            raise self.section.fail(str(error)) from error

    def _unwrap(self, parameters: Mapping[str, str], schema: ReleaseSchema) -> dict[str, Any]:
        if not schema.is_serialised:
            return dict(parameters)
        try:
            return read_serialised(parameters)
        except ValueError as error:
            raise self.section.fail(f"the parameters are no JSON: {error}") from error

    def _check(
        self, parameters: dict[str, Any], schema: ReleaseSchema, whom: str
    ) -> tuple[str, dict[str, Any]]:
        """Check parameters, if they are to be; give what is wrong, and them with the defaults."""
        texts = whom in self._whom("unstringify", "none" if schema.is_serialised else "all")
        defaults = whom in self._whom("set-default", "none")
        validated = whom in self._whom("validate-parameters", "all")
        try:
            parameters = schema.read_texts(parameters) if texts else parameters
            parameters = schema.fill_in(parameters) if defaults else parameters
            return schema.find_problem(parameters) if validated else "", parameters
        except InvalidValue as error:
            raise self.section.fail(str(error)) from error

    def _whom(self, option: str, default: str) -> tuple[str, ...]:
        return WHOM[self.section.choose(option, WHOM, default)]


def _read_version(address: str) -> int:
    try:
        return ipaddress.ip_address(address).version
    except ValueError:
        return 0


def _flatten(data: object, prefix: str = "") -> dict[str, Any]:
    """Give one level of names for what is nested: ``{"tap": {"ip_list": 1}}`` -> tap-ip-list."""
    if not isinstance(data, dict):
        return {}
    found: dict[str, Any] = {}
    for key, value in data.items():
        name = prefix + str(key).replace("_", "-")
        if isinstance(value, dict):
            found.update(_flatten(value, f"{name}-"))
        else:
            found[name] = value
    return found
