"""What nobody uses any more: shared parts, and releases that were left behind.

- A shared part is used when its name, a hash, is in the ``.installed.cfg`` or a program of a
  release, or in the signature of another shared part that is used.  Removing one can make others
  unused.
- A ``slapos.cfg`` within a partition is a node of its own, which may use our shared parts; so its
  releases count too.
- A release is left behind when neither the Master nor an instance here names it.
"""

import configparser
import logging
import os
import re
import shutil
from collections.abc import Collection
from collections.abc import Iterator
from pathlib import Path

from slapcore.config import NodeConfig
from slapcore.node.host import Host
from slapcore.node.obeyed import Memory
from slapcore.protocol.shadir import release_key

log = logging.getLogger(__name__)

SIGNATURES = (".buildout-shared.json", ".buildout-shared.signature", ".installed.cfg")
DIGEST = re.compile(r"[0-9a-f]{32}")
READ_AT_MOST = 16 << 20
DEEPEST = 8

def prune_shared_parts(
    config: NodeConfig, others: Collection[Path] = (), *, dry_run: bool
) -> list[Path]:
    """Remove the shared parts that nobody uses, and give which.

    Of the directories that the configuration lists only the last is ours to change.
    """
    if not config.shared_parts:
        return []
    root = config.shared_parts[-1]
    parts = {path for path in root.glob("*/*") if path.is_dir() and not path.is_symlink()}
    users = list(read_users(config, others))
    gone: list[Path] = []
    while unused := find_unused(parts, users):
        for path in sorted(unused):
            if not dry_run:
                shutil.rmtree(path)
                log.info("shared part %s is removed", path)
            gone.append(path)
        parts -= unused
    return gone


def find_unused(parts: Collection[Path], users: Collection[str]) -> set[Path]:
    texts = {path: read_signatures(path) for path in parts}
    return {
        path
        for path in parts
        if not any(path.name in text for text in users)
        and not any(path.name in text for other, text in texts.items() if other != path)
    }


def read_users(config: NodeConfig, others: Collection[Path]) -> Iterator[str]:
    """Read what releases have installed: ours, those of nodes within, and what is told of."""
    for root in (config.software_root, *others, *find_inner_roots(config.instance_root)):
        for path in sorted(root.glob("*/.installed.cfg")):
            yield read_bounded(path)
        yield read_bounded(root / ".installed.cfg")
        for path in sorted(root.glob("*/bin/*")):
            yield read_bounded(path)


def find_inner_roots(instance_root: Path) -> Iterator[Path]:
    """Find where nodes that live in partitions build their releases."""
    base = len(instance_root.parts)
    for folder, names, files in os.walk(instance_root):
        if len(Path(folder).parts) - base >= DEEPEST:
            names.clear()
        if "slapos.cfg" in files:
            parser = configparser.ConfigParser(interpolation=None, strict=False)
            try:
                parser.read_string(read_bounded(Path(folder) / "slapos.cfg"))
                yield Path(parser["slapos"]["software_root"])
            except (configparser.Error, KeyError) as error:
                log.debug("%s/slapos.cfg is passed over: %s", folder, error)


def read_signatures(part: Path) -> str:
    return "\n".join(read_bounded(part / name) for name in SIGNATURES)


def read_bounded(path: Path) -> str:
    """Read a file of at most so many bytes; what can't be read says nothing."""
    try:
        if not path.is_file():
            return ""
        with path.open("rb") as file:
            return file.read(READ_AT_MOST).decode(errors="replace")
    except OSError:
        return ""


def prune_releases(
    host: Host, memory: Memory, wanted: Collection[str], *, dry_run: bool
) -> list[Path]:
    """Remove what was built of releases that nobody names any more, and give which."""
    used = {release_key(url) for url in wanted}
    used |= {release_key(obeyed.release) for _, obeyed in memory.all()}
    gone = []
    for path in sorted(host.config.software_root.iterdir()):
        if path.is_dir() and DIGEST.fullmatch(path.name) and path.name not in used:
            if not dry_run:
                shutil.rmtree(path)
                log.info("release %s is removed", path)
            gone.append(path)
    return gone
