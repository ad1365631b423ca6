"""The table of the agent's commands."""

from slapcore.terminal import table


class CommandTable(table.CommandTable):
    """The commands of ``slapnode``; those for programs of partitions share a module."""

    package = "slapcore.node.cli"
    shared_modules = dict.fromkeys(("start", "stop", "restart", "tail"), "programs")
