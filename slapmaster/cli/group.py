"""The table of the operator's commands."""

import warnings

from slapcore.terminal import table

# pyramid 2.1 needs it; the warning is for its authors.
warnings.filterwarnings("ignore", message="pkg_resources is deprecated", category=UserWarning)


class CommandTable(table.CommandTable):
    """The commands of ``slapmaster``."""

    package = "slapmaster.cli"
