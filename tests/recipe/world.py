"""A buildout in a folder, run for real and offline."""

import configparser
import json
import subprocess
import textwrap
from dataclasses import dataclass
from pathlib import Path

HEAD = """\
[buildout]
parts = {parts}
offline = true
eggs-directory-version =
"""


@dataclass(frozen=True)
class Done:
    """How a run of buildout ended, and what it said."""

    code: int
    said: str


class Buildout:
    """A folder with a profile."""

    def __init__(self, folder: Path, runner: subprocess.Popen[str]) -> None:
        self.folder = folder
        self.runner = runner
        self.connection = ""

    def run(self, parts: str, profile: str, **environment: str) -> Done:
        """Run buildout with these parts, and whatever the environment is to say."""
        content = HEAD.format(parts=parts) + textwrap.dedent(profile) + self.connection
        (self.folder / "buildout.cfg").write_text(content)
        said = self.folder.with_name("said")
        order = {
            "arguments": ["-U", "-c", str(self.folder / "buildout.cfg")],
            "folder": str(self.folder),
            "environment": environment,
            "said": str(said),
        }
        self.runner.stdin.write(json.dumps(order) + "\n")
        self.runner.stdin.flush()
        return Done(int(self.runner.stdout.readline()), said.read_text())

    def build(self, parts: str, profile: str, **environment: str) -> str:
        """Run buildout and have it succeed."""
        done = self.run(parts, profile, **environment)
        assert done.code == 0, done.said
        return done.said

    def fail(self, parts: str, profile: str, **environment: str) -> str:
        """Run buildout and have it fail by an error that it tells; give what it says."""
        done = self.run(parts, profile, **environment)
        assert done.code != 0, done.said
        assert "Traceback" not in done.said, done.said
        return done.said.rpartition("Error: ")[2].strip()

    def read(self, name: str) -> str:
        return (self.folder / name).read_text()

    def list_files(self) -> set[str]:
        """List what is there, without what buildout itself makes."""
        own = {"buildout.cfg", ".installed.cfg"}
        found = {str(path.relative_to(self.folder)) for path in self.folder.rglob("*")}
        return {name for name in found if name not in own and not name.endswith(OWN_FOLDERS)}

    def options(self, part: str) -> dict[str, str]:
        """Give what buildout has kept of a part."""
        record = configparser.RawConfigParser()
        record.optionxform = str
        record.read(self.folder / ".installed.cfg")
        return dict(record[part])


OWN_FOLDERS = ("bin", "parts", "eggs", "develop-eggs")
