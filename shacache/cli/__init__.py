"""The command ``shacache``: a table of its commands; a module is imported when it is run."""

import warnings
from pathlib import Path

import click

from shacache.cli.group import CommandTable

# pyramid 2.1 needs it; the warning is for its authors.
warnings.filterwarnings("ignore", message="pkg_resources is deprecated", category=UserWarning)

#: command -> its module beside this one, and its line of help
COMMANDS = {
    "serve": ("serve", "Run the cache."),
    "upload": ("exchange", "Put a file or a directory, and an entry for it."),
    "download": ("exchange", "Get what a key stands for, verified."),
    "lookup": ("exchange", "List the entries of a key."),
    "keys": ("keys", "Signers and their keys."),
    "accounts": ("accounts", "Who may put, and how much."),
    "stats": ("house", "What is kept, and what a server has been asked for."),
    "gc": ("house", "Remove what nobody needs, or list what would go and why."),
    "scrub": ("house", "Read all contents again; put damaged ones aside."),
    "check": ("house", "Look for what should not be."),
    "pin": ("marks", "Keep a key or a content, however long nobody asks for it."),
    "block": ("marks", "Refuse and hide contents, URLs or signers."),
    "provenance": ("house", "Who has put what, when, from where, as JSON lines."),
    "export": ("transfer", "Write entries and contents to a file, for a cache without network."),
    "import": ("transfer", "Take in what another cache has exported."),
}


@click.group(cls=CommandTable, commands_by_name=COMMANDS)
@click.option("--config", type=click.Path(path_type=Path), metavar="FILE", help="The settings.",
              envvar="SHACACHE_CONFIG")  # fmt: skip
@click.option("--directory", type=click.Path(path_type=Path), metavar="DIR",
              help="Where the cache is, whatever the settings say.")  # fmt: skip
@click.option("--debug", is_flag=True, help="Show a traceback with an error.")
@click.version_option(package_name="slapmaster")
@click.pass_context
def main(
    context: click.Context, config: Path | None, directory: Path | None, debug: bool
) -> None:
    """The binary cache: what was built once is downloaded everywhere."""
    given = {} if directory is None else {"directory": str(directory.absolute())}
    context.obj = (config, given)
