"""``python -m slapmaster``: the command ``slapmaster``."""

from slapmaster.cli import main

main()
