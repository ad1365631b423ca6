"""Environments of the real client: which Python it needs and what is installed beside it."""

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from glob import glob
from pathlib import Path

from slapcore.errors import ConfigurationError
from slapmaster.demo.account import Account
from slapmaster.demo.account import find_ourselves
from slapmaster.demo.process import CommandFailed
from slapmaster.demo.process import Word
from slapmaster.demo.process import make_environment
from slapmaster.demo.process import run

#: version of slapos.core -> the Python it needs at least, for its node commands not to be missing
NEEDS = {
    "1.26.1": (3, 12),
    "1.26.0": (3, 12),
    "1.25.0": (3, 12),
    "1.24.1": (3, 11),
}
NEWEST = "1.26.1"
OLDEST = "1.24.1"

#: what the example releases need: buildout runs instances offline, with what is importable
RECIPES = ("slapos.recipe.build", "slapos.recipe.template", "zc.recipe.egg", "Jinja2")

#: the client does not require it, and silently loses `slapos proxy` without it
UNSAID = ("slapos.libnetworkcache",)

#: pkg_resources is gone from later ones
PINS = ("setuptools<82", "wheel")

#: not named like the settings of a master, where an unknown one is an error
CACHE_VARIABLE = "PEER_ENVIRONMENTS"
MARK = "installed"
BEST_FIRST = ("3.12", "3.13", "3.14", "3.11")
LEFT_OUT = ("test", "tests", "__pycache__", "site-packages", "*.a", "idlelib", "share")

#: only a Python with these two modules can make an environment
WHO_ARE_YOU = (
    "import sys, venv, ensurepip;"
    "print(*sys.version_info[:2], sys.executable, sys.base_prefix, sep='\\n')"
)


@dataclass(frozen=True)
class Interpreter:
    """A Python of this machine."""

    executable: Path
    prefix: Path
    version: tuple[int, int]


@dataclass(frozen=True)
class Environment:
    """A directory with one version of slapos.core, ready to run."""

    version: str
    directory: Path

    @property
    def is_whole(self) -> bool:
        """Tell whether everything has been installed."""
        return (self.directory / MARK).exists()

    @property
    def slapos(self) -> Path:
        return self.directory / "bin" / "slapos"

    @property
    def python(self) -> Path:
        return self.directory / "bin" / "python"


def cache_directory(account: Account) -> Path:
    """Say where environments are kept between runs: where the node's user can get at them."""
    named = os.environ.get(CACHE_VARIABLE)
    if named:
        return Path(named).absolute()
    own = Path.home() / ".cache" / "slapmaster" / "peers"
    if account.is_ours or is_open_to_all(Path.home()):
        return own
    return Path("/var/cache/slapmaster/peers")


def is_open_to_all(directory: Path) -> bool:
    """Tell whether everybody may pass through ``directory`` and all that is above it."""
    there = [path for path in (directory, *directory.parents) if path.exists()]
    return all(path.stat().st_mode & 0o001 for path in there)


def make_environment_of(version: str, account: Account, cache: Path) -> Environment:
    """Give an environment with slapos.core ``version``: the one of last time, or a new one."""
    environment = Environment(version, cache / f"slapos-{version}")
    if environment.is_whole:
        return environment
    cache.mkdir(parents=True, exist_ok=True)
    with only_one(cache / f"slapos-{version}.lock"):
        if not environment.is_whole:
            install_somewhere(environment, find_usable(version, account, cache))
    return environment


def install_somewhere(environment: Environment, interpreters: Iterable[Interpreter]) -> None:
    """Install on the first interpreter that it can be installed on."""
    reasons = []
    for interpreter in interpreters:
        shutil.rmtree(environment.directory, ignore_errors=True)
        try:
            install(environment, interpreter)
            return
        except CommandFailed as error:
            reasons.append(f"{interpreter.executable}: {str(error).splitlines()[-1]}")
    needed = ".".join(map(str, NEEDS[environment.version]))
    found = "; ".join(reasons) or "none was found that the node's user can run"
    raise ConfigurationError(
        f"slapos.core {environment.version} needs a Python {needed} or newer: {found}"
    )


@contextmanager
def only_one(path: Path) -> Iterator[None]:
    """Hold the lock at ``path``: two runs at once must not build the same thing."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def install(environment: Environment, interpreter: Interpreter) -> None:
    """Create the environment and mark it as whole once everything is in it."""
    ourselves = find_ourselves()
    variables = make_environment(Path.home())
    directory = environment.directory
    run([interpreter.executable, "-m", "venv", directory], ourselves, variables).require()
    wanted = (f"slapos.core=={environment.version}", *PINS, *UNSAID, *RECIPES)
    quiet = ("--quiet", "--disable-pip-version-check")
    pip: list[Word] = [environment.python, "-m", "pip", "install", *quiet]
    # The recipes come as sources; they are built with the setuptools that was pinned.
    run([*pip, *PINS], ourselves, variables).require()
    run([*pip, "--no-build-isolation", *wanted], ourselves, variables, patience=900).require()
    (directory / MARK).write_text("\n".join(wanted) + "\n")


def find_usable(version: str, account: Account, cache: Path) -> Iterator[Interpreter]:
    """Find Pythons for slapos.core ``version`` that ``account`` can run; copies come last."""
    fitting = [found for found in find_interpreters() if found.version >= NEEDS[version]]
    usable = [found for found in fitting if is_executable(found.executable, account)]
    yield from usable
    for found in fitting:
        if found not in usable:
            copied = copy_interpreter(found, cache)
            if is_executable(copied.executable, account):
                yield copied


def find_interpreters() -> list[Interpreter]:
    """List the Pythons of this machine that a client may run on, the best first."""
    found: dict[Path, Interpreter] = {}
    for path in candidate_paths():
        interpreter = examine(path)
        if interpreter is not None:
            found.setdefault(interpreter.executable.resolve(), interpreter)
    order = {tuple(map(int, name.split("."))): place for place, name in enumerate(BEST_FIRST)}
    fitting = [interpreter for interpreter in found.values() if interpreter.version in order]
    return sorted(fitting, key=lambda interpreter: order[interpreter.version])


def candidate_paths() -> Iterator[Path]:
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    for name in BEST_FIRST:
        yield Path("/usr/bin") / f"python{name}"
        yield Path("/usr/local/bin") / f"python{name}"
        # Not Path.glob: what can't be read is simply not there.
        yield from map(Path, sorted(glob(f"{pyenv}/{name}.*/bin/python{name}")))
        on_path = shutil.which(f"python{name}")
        if on_path:
            yield Path(on_path)
    yield Path(sys.base_prefix) / "bin" / "python3"


def examine(path: Path) -> Interpreter | None:
    """Ask the Python at ``path`` who it is; ``None`` when it is no whole Python."""
    command: list[Word] = [path, "-c", WHO_ARE_YOU]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    major, minor, executable, prefix = answer.stdout.splitlines()
    return Interpreter(Path(executable), Path(prefix), (int(major), int(minor)))


def is_executable(path: Path, account: Account) -> bool:
    """Tell whether ``account`` can run the Python at ``path``."""
    try:
        return run([path, "-c", "import encodings"], account, {"HOME": "/"}, patience=30).code == 0
    except PermissionError:
        return False


def copy_interpreter(interpreter: Interpreter, cache: Path) -> Interpreter:
    """Copy a Python from where others can't go, below a private home, to where they can."""
    name = ".".join(map(str, interpreter.version))
    target = cache / f"python-{name}"
    with only_one(cache / f"python-{name}.lock"):
        if not (target / MARK).exists():
            shutil.rmtree(target, ignore_errors=True)
            left_out = shutil.ignore_patterns(*LEFT_OUT)
            shutil.copytree(interpreter.prefix, target, symlinks=True, ignore=left_out)
            for prefix in {interpreter.prefix, interpreter.prefix.resolve()}:
                find_library_beside(target / "bin" / f"python{name}", prefix)
            (target / MARK).touch()
    return Interpreter(target / "bin" / f"python{name}", target, interpreter.version)


def find_library_beside(executable: Path, old_prefix: Path) -> None:
    """Have a copied Python load the shared library copied with it.

    Its header names the library's directory; a shorter name fits in the same place.
    """
    old = f"{old_prefix}/lib\0".encode()
    new = b"$ORIGIN/../lib\0"
    content = executable.read_bytes()
    if old in content and len(new) <= len(old):
        executable.write_bytes(content.replace(old, new.ljust(len(old), b"\0")))
