"""What is in the project's tree, for the rules: its files, its packages, its syntax trees."""

import ast
import configparser
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

#: Names that end in these are made by tools and belong to nobody's tree.
MADE = ("__pycache__", ".egg-info", ".pyc")


@cache
def list_files() -> tuple[Path, ...]:
    """List the project's files, relative to ROOT: as git has them, or all in a source archive."""
    if (ROOT / ".git").exists():
        command = ["git", "-c", "safe.directory=*", "ls-files", "-z"]
        names = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout
        paths = [Path(name) for name in names.decode().split("\0") if name]
    else:
        paths = [path.relative_to(ROOT) for path in ROOT.rglob("*") if path.is_file()]
    return tuple(sorted(path for path in paths if (ROOT / path).is_file() and not is_made(path)))


def is_made(path: Path) -> bool:
    return any(part.endswith(MADE) or part in {".venv", "build", "dist"} for part in path.parts)


@cache
def read_setup() -> configparser.ConfigParser:
    setup = configparser.ConfigParser(interpolation=None)
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    return setup


def read_lines(section: str, option: str) -> list[str]:
    """Read one of setup.cfg's options that hold a value per line."""
    lines = read_setup()[section].get(option, "").splitlines()
    return [line.strip() for line in lines if line.strip()]


def list_packages() -> dict[str, Path]:
    """List what setup.cfg installs: dotted name of the package -> its folder below ROOT."""
    moved = dict(
        (part.strip() for part in line.split("=")) for line in read_lines("options", "package_dir")
    )
    return {
        name: Path(moved.get(name, name.replace(".", "/")))
        for name in read_lines("options", "packages")
    }


@dataclass(frozen=True)
class Module:
    """One Python file of ours, read and parsed."""

    path: Path
    text: str
    syntax: ast.Module

    def walk_functions(self) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
        for part in ast.walk(self.syntax):
            if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef):
                yield part


@cache
def read_modules(*tops: str) -> tuple[Module, ...]:
    """Read every Python file below the folders ``tops``; below ROOT when none is given."""
    paths = [path for path in list_files() if path.suffix == ".py"]
    return tuple(
        read_module(path) for path in paths if not tops or path.parts[0] in tops
    )


@cache
def read_module(path: Path) -> Module:
    text = (ROOT / path).read_text(encoding="utf-8")
    return Module(path, text, ast.parse(text, str(path), feature_version=(3, 11)))


#: The folders of what is installed; tests and examples are not held to all of the rules.
PRODUCT = ("shacache", "slapcore", "slapmaster", "plugins")
