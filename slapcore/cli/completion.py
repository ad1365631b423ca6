"""``slapctl completion``: what makes a shell complete our commands."""

import click
from click.shell_completion import get_completion_class

VARIABLE = "_SLAPCTL_COMPLETE"


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(context: click.Context, shell: str) -> None:
    """Print a script for SHELL: commands, options, titles of services and nodes.

    For bash, into ~/.bashrc: eval "$(slapctl completion bash)"
    """
    kind = get_completion_class(shell)
    assert kind is not None, shell
    click.echo(kind(context.find_root().command, {}, "slapctl", VARIABLE).source())
