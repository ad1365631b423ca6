"""What this machine is, in the words that entries of the cache use; and what runs on it."""

import platform
import shutil
import subprocess
from functools import lru_cache

from slapcore.protocol import shadir
from slapcore.protocol.shadir import Metadata


@lru_cache(maxsize=1)
def own_machine() -> tuple[str, tuple[str, ...]]:
    """Give the architecture, and name, version and code name of the system."""
    compiler = shutil.which("gcc")
    if compiler is not None:
        found = subprocess.run([compiler, "-dumpmachine"], capture_output=True, check=True)
        machine = found.stdout.decode().strip()
    else:
        machine = f"{platform.machine()}-linux-gnu"
    system = platform.freedesktop_os_release()
    names = ("ID", "VERSION_ID", "VERSION_CODENAME")
    return machine, tuple(system.get(name, "") for name in names)


def fits(metadata: Metadata) -> bool:
    """Tell whether what is described runs here; what is for no machine always does."""
    machine = shadir.read_machine(metadata)
    architecture, system = own_machine()
    return machine.architecture in ("", architecture) and machine.system in (
        (),
        shadir.read_system(*system[:2]),
    )
