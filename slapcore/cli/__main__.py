"""``python -m slapcore.cli`` is the command ``slapctl``."""

from slapcore.cli import main

main(prog_name="slapctl")
