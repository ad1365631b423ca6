"""The example releases: where they are, and putting them where the node's user can read them."""

import shutil
from pathlib import Path

from slapcore.errors import ConfigurationError
from slapmaster.demo.account import Account

EXAMPLES = Path(__file__).parents[2] / "examples"


def copy_release(name: str, directory: Path, account: Account) -> str:
    """Copy one example, and what it extends, below ``directory``; give the URL of its profile."""
    if not EXAMPLES.is_dir():
        raise ConfigurationError(f"{EXAMPLES} is missing: run this from a checkout")
    shutil.copytree(EXAMPLES, directory, dirs_exist_ok=True)
    directory.chmod(0o755)
    account.take_tree(directory)
    return str(directory / name / "software.cfg")
