"""Figures of a node for Prometheus, as a text file that its node exporter picks up."""

from collections.abc import Iterable
from collections.abc import Iterator
from pathlib import Path

from slapcore.node.collect.snapshot import Use
from slapcore.node.obeyed import Obeyed
from slapcore.node.supervisor import ProgramState
from slapcore.node.supervisor import replace_text

#: name -> what it is, in the words that the file carries
HELP = {
    "slapnode_partition_reported": "What the master was told of the instance last.",
    "slapnode_program_running": "Whether a program runs.",
    "slapnode_processes": "Processes of a partition.",
    "slapnode_cpu_seconds": "Processor time of the processes that run.",
    "slapnode_memory_bytes": "Memory of the processes that run.",
    "slapnode_run_seconds": "How long the last run of each kind took.",
    "slapnode_run_failed_items": "How many items of the last run of each kind failed.",
}


def write_metrics(
    path: Path,
    remembered: Iterable[tuple[str, Obeyed]],
    states: Iterable[ProgramState],
    uses: Iterable[Use],
    runs: dict[str, tuple[float, int]],
) -> None:
    """Write the file in one go: a reader sees a whole one."""
    lines = [*of_orders(remembered), *of_programs(states), *of_use(uses), *of_runs(runs)]
    text: list[str] = []
    for name, told in HELP.items():
        text += [f"# HELP {name} {told}", f"# TYPE {name} gauge"]
        text += [line for line in lines if line.startswith(f"{name}{{")]
    replace_text(path, "\n".join(text) + "\n", 0o644)


def of_orders(remembered: Iterable[tuple[str, Obeyed]]) -> Iterator[str]:
    for name, obeyed in remembered:
        labels = f'partition="{name}",state="{obeyed.reported or "nothing"}"'
        yield f"slapnode_partition_reported{{{labels}}} 1"


def of_programs(states: Iterable[ProgramState]) -> Iterator[str]:
    for state in states:
        labels = f'partition="{state.group}",program="{state.name}"'
        yield f"slapnode_program_running{{{labels}}} {int(state.is_running)}"


def of_use(uses: Iterable[Use]) -> Iterator[str]:
    for use in uses:
        label = f'partition="{use.partition}"'
        yield f"slapnode_processes{{{label}}} {use.processes}"
        yield f"slapnode_cpu_seconds{{{label}}} {use.cpu_seconds}"
        yield f"slapnode_memory_bytes{{{label}}} {use.memory}"


def of_runs(runs: dict[str, tuple[float, int]]) -> Iterator[str]:
    for kind, (seconds, failed) in runs.items():
        yield f'slapnode_run_seconds{{kind="{kind}"}} {seconds:.3f}'
        yield f'slapnode_run_failed_items{{kind="{kind}"}} {failed}'
