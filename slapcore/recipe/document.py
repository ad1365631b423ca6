"""``slapmaster:yaml``: makes sections and options of a YAML document.

Options: ``url``, ``file`` or ``inline``; ``md5sum``; ``prefix`` of the sections' names.  Each
mapping at the top becomes a section ``[<prefix><name>]``, whose options are its values; anything
else becomes an option of this section.  Values that are no texts are JSON.

A section made so is known from then on: list this part before those that refer to it.
"""

import json
from typing import Any

import yaml

from slapcore.recipe.section import Section
from slapcore.recipe.template import fetch


class Recipe:
    """Makes sections and options of a YAML document."""

    def __init__(self, buildout: Any, name: str, options: Any) -> None:  # noqa: ANN401
        self._section = section = Section(buildout, name, options)
        prefix = section.find("prefix")
        for key, value in self._read().items():
            if isinstance(value, dict):
                self._make_section(f"{prefix}{key}", value)
            elif key in options:
                raise section.fail(f"the document may not say {key}: the section does")
            else:
                section.put(self._name(key), value)

    def _read(self) -> dict[str, Any]:
        section = self._section
        content: str | bytes = section.find("inline")
        where = section.find("url", "file") or "inline"
        if not content:
            content = fetch(section, section.text("url", "file"), section.find("md5sum"))
        try:
            document = yaml.safe_load(content)
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise section.fail(f"{where} is no YAML: {error}") from error
        if not isinstance(document, dict):
            raise section.fail(f"{where} is no mapping of names and values")
        return document

    def _name(self, name: object) -> str:
        text = str(name)
        if not text or text.startswith(("[", "<")) or set(text) & set(":\n=${}"):
            raise self._section.fail(f"that can't be the name of an option: {text!r}")
        return text

    def _make_section(self, name: str, values: dict[object, Any]) -> None:
        buildout = self._section.buildout
        if name in buildout:
            raise self._section.fail(f"there is a section [{name}] already")
        plain = {self._name(key): value for key, value in values.items()}
        recipe = {"recipe": plain.pop("recipe")} if "recipe" in plain else {}
        if recipe:
            # Its recipe reads the options when it is made, so they have to be there by then.
            texts = {key: _text(value) for key, value in plain.items()}
            buildout[name] = {**recipe, **texts}
            return
        buildout[name] = {}
        made = Section(buildout, name, buildout[name])
        for key, value in plain.items():
            made.put(key, value)

    def install(self) -> list[str]:
        return []

    update = install


def _text(value: object) -> str:
    """Give a value as buildout takes it; ``${section:option}`` in a text is filled in."""
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)
