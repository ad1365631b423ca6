"""A recipe of one's own: writes a greeting into a file."""

from slapcore.recipe.section import Section


class Recipe:
    """Writes a greeting into a file."""

    def __init__(self, buildout, name, options):
        self.section = Section(buildout, name, options)
        self.path = self.section.path("output")
        self.text = self.section.text("greeting")

    def install(self):
        return [self.section.write(self.path, self.text + "\n", 0o644)]

    update = install
