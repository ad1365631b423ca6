"""What is installed is what is in the tree, and what the tree may hold."""

import importlib
import importlib.metadata
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.rules.tree import PRODUCT
from tests.rules.tree import ROOT
from tests.rules.tree import list_files
from tests.rules.tree import list_packages
from tests.rules.tree import read_lines

MEGABYTE = 1024 * 1024

#: Whose machine answers is the matter of the one who installs, not ours.  The classes of one
#: letter keep this file from naming what it looks for.
REGISTRIES = re.compile(
    r"py[p]i\.org|pythonhoste[d]\.org|npmj[s]\.(?:org|com)|crate[s]\.io|proxy\.golan[g]\.org"
)

ENTRY_POINTS = [
    point
    for point in importlib.metadata.distribution("slapmaster").entry_points
    if point.group in {"console_scripts", "slapcore", "slapmaster"}
]


def find_package_files() -> set[str]:
    """Find what a wheel of this tree has to hold, as the paths inside of it."""
    found = set()
    for name, folder in list_packages().items():
        inside = Path(name.replace(".", "/"))
        for path in list_files():
            if path.parent == folder or is_data_below(path, folder):
                found.add(str(inside / path.relative_to(folder)))
    return found


def is_data_below(path: Path, folder: Path) -> bool:
    """Tell whether ``path`` is in a folder of data that belongs to the package in ``folder``."""
    if folder not in path.parents:
        return False
    between = [parent for parent in path.parents if folder in parent.parents]
    return not any((ROOT / parent / "__init__.py").exists() for parent in between)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Build a wheel of a copy of the tree, with what is installed here and without a network."""
    copy = tmp_path_factory.mktemp("tree")
    for path in list_files():
        (copy / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / path, copy / path)
    out = tmp_path_factory.mktemp("wheel")
    build = f"from setuptools import build_meta; build_meta.build_wheel({str(out)!r})"
    done = subprocess.run([sys.executable, "-c", build], cwd=copy, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(next(out.glob("*.whl"))) as archive:
        yield archive


def test_a_wheel_holds_all_of_the_tree_s_packages_and_nothing_else(wheel):
    inside = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert inside == find_package_files()


def test_a_wheel_carries_the_licence(wheel):
    assert any(name.endswith("LICENSE") for name in wheel.namelist())


def test_every_package_is_listed_and_every_listed_one_is_there():
    there = {
        path.parent
        for path in list_files()
        if path.name == "__init__.py" and path.parts[0] in PRODUCT
    }
    assert set(list_packages().values()) == there


def test_every_plugin_is_announced_by_an_entry_point():
    announced = {p.value for p in ENTRY_POINTS if p.group in {"slapcore", "slapmaster"}}
    plugins = {name for name, folder in list_packages().items() if folder.parts[0] == "plugins"}
    assert announced == plugins


@pytest.mark.parametrize("point", ENTRY_POINTS, ids=lambda point: point.name)
def test_an_entry_point_can_be_loaded(point):
    assert point.load() is not None


def test_the_build_file_says_how_to_build_and_no_more():
    lines = (ROOT / "pyproject.toml").read_text(encoding="utf-8").split("\n")
    assert [line for line in lines if line.startswith("[")] == ["[build-system]"]


def test_no_file_is_larger_than_a_megabyte():
    assert not [str(path) for path in list_files() if (ROOT / path).stat().st_size > MEGABYTE]


def test_no_file_names_a_package_registry():
    found = [
        str(path)
        for path in list_files()
        if REGISTRIES.search((ROOT / path).read_text(encoding="utf-8", errors="replace"))
    ]
    assert not found


#: Not imported by us: a limit to what pyramid needs, its request's oldest safe version, and the
#: programs that the node's agent runs.
LIMITS = {"setuptools", "supervisor", "webob", "zc-buildout"}


#: what only some need
EXTRAS = ("s3",)


def list_requirements() -> set[str]:
    lines = read_lines("options", "install_requires")
    for extra in EXTRAS:
        lines += read_lines("options.extras_require", extra)
    return {normalise(re.split(r"[\s<>=\[]", line)[0]) for line in lines}


def normalise(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def find_foreign_imports() -> set[str]:
    """Find the top names that our packages import, or include, and neither we nor Python have."""
    imported = r"^ *(?:from|import) ([A-Za-z_]\w*)"
    included = r"(?:include|add_tween)\(\"(\w+)"
    pattern = re.compile(f"{imported}|{included}", re.MULTILINE)
    names: set[str] = set()
    for folder in list_packages().values():
        for path in list_files():
            if path.parent == folder and path.suffix == ".py":
                found = pattern.findall((ROOT / path).read_text(encoding="utf-8"))
                names |= {name for pair in found for name in pair if name}
    own = {name.split(".")[0] for name in list_packages()}
    return names - own - set(sys.stdlib_module_names)


def test_what_is_imported_is_required_and_the_reverse():
    providers = importlib.metadata.packages_distributions()
    used = [{normalise(found) for found in providers[name]} for name in find_foreign_imports()]
    required = list_requirements() - LIMITS
    assert not [found for found in used if not found & required]
    assert not required - set().union(*used)


def test_every_package_can_be_imported():
    for name in list_packages():
        importlib.import_module(name)


def test_a_change_note_is_named_after_an_issue_and_written_in_sentences():
    pattern = re.compile(r"\d+(?:\.\d+)?\.(?:feature|bugfix|removal|doc)(?:\.\d+)?\.rst")
    notes = [path for path in list_files() if path.parts[0] == "news"]
    assert not [str(path) for path in notes if not pattern.fullmatch(path.name)]
    texts = {str(path): (ROOT / path).read_text(encoding="utf-8").strip() for path in notes}
    assert not [name for name, text in texts.items() if not text.endswith(".")]
