"""``python -m slapcore.cache``: pack to standard output or unpack standard input, as who runs it.

The node is root and the directories of releases are their builders': what is done there as
their owner can do nothing that the owner could not.
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from slapcore.cache import archive
from slapcore.errors import ProtocolError


def main(words: Sequence[str]) -> int:
    what, directory, *places = words
    # Build tools decide themselves what others may do with what they have made.
    os.umask(0o022)
    try:
        if what == "pack":
            archive.pack(Path(directory), sys.stdout.buffer)
        else:
            limits = archive.Limits(links_to=tuple(map(Path, places)))
            archive.unpack(sys.stdin.buffer, Path(directory), limits)
    except (ProtocolError, OSError) as error:
        print(error, file=sys.stderr)
        return 1 if isinstance(error, ProtocolError) else 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
