"""``slapmaster:publish``: tells whoever asked for the instance where to go, and what else to know.

Every option but those that begin with ``-`` is published, or those that ``-publish`` names, and all
of the sections that ``-extends`` names with them.  ``-slave-reference`` names a shared instance
whose parameters these are.  ``publish.serialised`` puts all of them into one, as JSON.

``slapmaster:publish-early`` publishes what other sections make before anything else is asked for,
and gives them what was published before, so that a password stays what it was::

    [publish-early]
    recipe = slapmaster:publish-early
    -init =
      password generated:password
"""

import json
from collections.abc import Mapping
from typing import Any

from slapcore.recipe.partition import Door
from slapcore.recipe.section import Section

#: The one parameter that holds all others as JSON.
ALL = "_"


def write_serialised(values: Mapping[str, Any]) -> dict[str, str]:
    return {ALL: json.dumps(values, sort_keys=True)}


def read_serialised(parameters: Mapping[str, str]) -> dict[str, Any]:
    """Read parameters that may be serialised; raises ``ValueError`` when they are no object."""
    if ALL not in parameters:
        return dict(parameters)
    values = json.loads(parameters[ALL])
    if not isinstance(values, dict):
        raise ValueError(f"the parameter {ALL} is no JSON object")
    return values


class Recipe:
    """Publishes the options of its section."""

    serialised = False

    def __init__(self, buildout: Any, name: str, options: Any) -> None:  # noqa: ANN401
        self._section = Section(buildout, name, options)
        # They are touched now, so that buildout makes them before this.
        self._sections = self._find_extended(self._section, {name})

    def _find_extended(self, section: Section, known: set[str]) -> list[Section]:
        found = [section]
        for name in section.words("-extends"):
            if name not in known:
                known.add(name)
                found += self._find_extended(self._section.other(name), known)
        return found

    def install(self) -> list[str]:
        values: dict[str, Any] = {}
        for section in reversed(self._sections):
            for name in self._list_published(section):
                values[name] = section.read(f":{name}")
        shared = self._section.find("-slave-reference")
        with Door(self._section).open() as instance:
            if self.serialised:
                instance.publish(write_serialised(values), shared=shared)
            else:
                instance.publish({name: _text(values[name]) for name in values}, shared=shared)
        return []

    update = install

    def _list_published(self, section: Section) -> list[str]:
        if "-publish" in section.options:
            return section.words("-publish")
        return [n for n in section.options if n != "recipe" and not n.startswith(("-", "_", "<"))]


class Serialised(Recipe):
    """Publishes the options of its section in one parameter, as JSON."""

    serialised = True


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)


class Early:
    """Publishes what is made once, before anything else is asked for."""

    def __init__(self, buildout: Any, name: str, options: Any) -> None:  # noqa: ANN401
        self._section = section = Section(buildout, name, options)
        wanted = self._read_wanted()
        own = [n for n in options if n != "recipe" and not n.startswith("-")]
        if wanted:
            with Door(section).open() as instance:
                try:
                    published = read_serialised(instance.see().connection)
                except ValueError as error:
                    raise section.fail(f"what is published can't be read: {error}") from error
                made = self._make(wanted, published)
                if any(published.get(key) != value for key, value in made.items()):
                    instance.publish(write_serialised({**published, **made}))
            for key, value in made.items():
                options[key] = value
            _keep_out_of_the_record(options, tuple(made))
            own += list(made)
        options["-publish"] = " ".join(own)

    def _read_wanted(self) -> dict[str, tuple[str, str]]:
        """Read ``-init``: name -> the section and the option that make it, unless it is given."""
        wanted = {}
        for line in self._section.lines("-init"):
            key, _, reference = line.partition(" ")
            name, sign, option = reference.strip().partition(":")
            if not sign or not name or not option:
                text = f"-init has a line that is no NAME section:option: {line}"
                raise self._section.fail(text)
            if key not in self._section.options:
                wanted[key] = (name, option)
        return wanted

    def _make(
        self, wanted: Mapping[str, tuple[str, str]], published: Mapping[str, Any]
    ) -> dict[str, str]:
        """Have each value made, or kept, by its section; nobody else finds it there."""
        buildout = self._section.buildout
        made = {}
        for name in dict.fromkeys(name for name, _ in wanted.values()):
            keys = {key: option for key, (owner, option) in wanted.items() if owner == name}
            self._give(name, {o: published[key] for key, o in keys.items() if key in published})
            section = buildout[name]
            for key, option in keys.items():
                value = section.get(option)
                if value is None:
                    raise self._section.fail(f"[{name}] has made no {option}")
                made[key] = value
            _keep_out_of_the_record(section, tuple(keys.values()))
        return made

    def _give(self, name: str, values: Mapping[str, Any]) -> None:
        """Put what was published into a section before its recipe is made."""
        buildout = self._section.buildout
        if name not in buildout._raw:
            raise self._section.fail(f"there is no section [{name}]")
        if name in buildout._data:
            raise self._section.fail(f"[{name}] was made already: list this part before it")
        for option, value in values.items():
            if "${" in str(value):
                raise self._section.fail(f"what was published as {option} can't be given back")
            buildout._raw[name][option] = str(value)

    def install(self) -> list[str]:
        return []

    update = install


def _keep_out_of_the_record(options: Any, names: tuple[str, ...]) -> None:  # noqa: ANN401
    """Have buildout not write these, which may be secrets, into its record of parts."""
    copy = options.copy

    def copy_without() -> dict[str, str]:
        return {name: value for name, value in copy().items() if name not in names}

    options.copy = copy_without
