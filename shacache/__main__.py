"""``python -m shacache``: the command ``shacache``."""

from shacache.cli import main

main()
