"""``slapnode start|stop|restart|tail``: what a person does to the programs of partitions."""

from collections.abc import Callable

import click

from slapcore.errors import NotFound
from slapcore.node.cli import Door
from slapcore.node.cli.run_once import agent_of
from slapcore.node.rpc import Fault
from slapcore.node.supervisor import ProgramState
from slapcore.node.supervisor import Supervisor

TAIL = 4000


def chosen(supervisor: Supervisor, words: tuple[str, ...]) -> list[ProgramState]:
    """Find the programs that are named: a partition, or PARTITION:PROGRAM."""
    states = supervisor.states()
    found = []
    for word in words:
        group, colon, name = word.partition(":")
        some = [each for each in states if each.group == group and (not colon or each.name == name)]
        if not some:
            known = ", ".join(sorted({each.group for each in states})) or "none"
            raise NotFound(f"no program is called {word}; partitions with programs: {known}")
        found += some
    return found


def order(verb: str, do: Callable[[Supervisor, str], None]) -> click.Command:
    """Make the command that does something to each of the chosen programs."""

    @click.command(verb, help=f"{verb.capitalize()} programs: a partition, or PARTITION:PROGRAM.")
    @click.argument("programs", nargs=-1, required=True)
    @click.pass_obj
    def ordered(door: Door, programs: tuple[str, ...]) -> None:
        with agent_of(door) as agent:
            for state in chosen(agent.supervisor, programs):
                name = f"{state.group}:{state.name}"
                try:
                    do(agent.supervisor, name)
                except Fault as error:
                    click.echo(f"{name}: {error}", err=True)
                else:
                    click.echo(f"{verb}: {name}")

    return ordered


def begin(supervisor: Supervisor, name: str) -> None:
    supervisor.call("startProcess", name, True)


def end(supervisor: Supervisor, name: str) -> None:
    supervisor.call("stopProcess", name, True)


def end_and_begin(supervisor: Supervisor, name: str) -> None:
    supervisor.call("stopProcess", name, True)
    supervisor.call("startProcess", name, True)


start = order("start", begin)
stop = order("stop", end)
restart = order("restart", end_and_begin)


@click.command()
@click.argument("program")
@click.option("--bytes", "size", default=TAIL, show_default=True, help="How much of the end.")
@click.pass_obj
def tail(door: Door, program: str, size: int) -> None:
    """Show the end of what a program has put out: PARTITION, or PARTITION:PROGRAM."""
    with agent_of(door) as agent:
        for state in chosen(agent.supervisor, (program,)):
            click.echo(f"== {state.group}:{state.name}", err=True)
            click.echo(tail_of(state, size))


def tail_of(state: ProgramState, size: int) -> str:
    try:
        with state.output.open("rb") as file:
            file.seek(max(0, file.seek(0, 2) - size))
            return file.read(size).decode(errors="replace")
    except FileNotFoundError:
        return ""
