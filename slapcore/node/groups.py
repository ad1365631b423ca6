"""Control groups (v2): what each partition may use, and everything that it has left running.

Where the machine does not have them, or not for us, nothing of this is done; ``doctor`` says so.
"""

import logging
import os
import time
from contextlib import suppress
from functools import cached_property
from pathlib import Path

from slapcore.config import NodeConfig

log = logging.getLogger(__name__)

#: where the unified hierarchy is: alone, or beside the old ones
MOUNTS = (Path("/sys/fs/cgroup"), Path("/sys/fs/cgroup/unified"))
OWN = "slapnode"
CONTROLLERS = ("cpu", "memory", "pids")
PERIOD = 100_000
#: seconds that the kernel may take to end what was killed
PATIENCE = 5.0


class ControlGroups:
    """The groups of one node's partitions, below one of the node's own."""

    def __init__(self, config: NodeConfig, mounts: tuple[Path, ...] = MOUNTS) -> None:
        self._config = config
        self._mounts = mounts

    @cached_property
    def root(self) -> Path | None:
        """The node's own group; ``None`` where there can't be one."""
        for mount in self._mounts:
            if (mount / "cgroup.procs").exists() and (mount / "cgroup.controllers").exists():
                name = self._config.instance_root.as_posix().strip("/").replace("/", "-")
                return mount / OWN / name
        return None

    @cached_property
    def is_usable(self) -> bool:
        """Tell whether groups can be made here."""
        if os.getuid() or self.root is None:
            return False
        try:
            self.root.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            log.debug("no control groups: %s", error)
            return False
        return True

    @cached_property
    def controllers(self) -> frozenset[str]:
        """What can be limited here."""
        if not self.is_usable or self.root is None:
            return frozenset()
        offered = set((self.root.parent.parent / "cgroup.controllers").read_text().split())
        wanted = [name for name in CONTROLLERS if name in offered]
        for folder in (self.root.parent.parent, self.root.parent, self.root):
            for name in wanted:
                with suppress(OSError):
                    (folder / "cgroup.subtree_control").write_text(f"+{name}")
        enabled = (self.root / "cgroup.subtree_control").read_text().split()
        return frozenset(enabled)

    def directory_of(self, partition: str) -> Path:
        assert self.root is not None
        return self.root / partition

    def prepare(self, partition: str) -> None:
        """Make the group of a partition, with its limits."""
        if not self.is_usable:
            return
        folder = self.directory_of(partition)
        folder.mkdir(exist_ok=True)
        config = self._config
        limits = {
            "memory.max": (config.memory_limit, str(config.memory_limit), "memory"),
            "pids.max": (config.process_limit, str(config.process_limit), "pids"),
            "cpu.max": (config.cpu_limit, f"{int(config.cpu_limit * PERIOD)} {PERIOD}", "cpu"),
        }
        for name, (limit, text, controller) in limits.items():
            if controller in self.controllers:
                (folder / name).write_text(text if limit else "max")

    def pids(self, partition: str) -> list[int]:
        """List what runs in a partition's group."""
        if not self.is_usable:
            return []
        try:
            words = (self.directory_of(partition) / "cgroup.procs").read_text().split()
        except FileNotFoundError:
            return []
        return [int(word) for word in words]

    def end(self, partition: str) -> None:
        """End everything in a partition's group, whatever it calls itself, and remove the group."""
        if not self.is_usable:
            return
        folder = self.directory_of(partition)
        if not folder.exists():
            return
        with suppress(FileNotFoundError, OSError):
            (folder / "cgroup.kill").write_text("1")
        limit = time.monotonic() + PATIENCE
        while self.pids(partition) and time.monotonic() < limit:
            time.sleep(0.02)
        with suppress(FileNotFoundError):
            try:
                folder.rmdir()
            except OSError as error:
                log.warning("the control group of %s stays: %s", partition, error)
