"""What the demonstration shows of itself: one line per step, with the time it took."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console


class Steps:
    """Shows which step is being taken, and remembers which one failed first."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.failed = ""

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Show ``name`` while its block runs, and that it is done, or not, afterwards."""
        begun = time.monotonic()
        with self.console.status(f"{name} …"):
            try:
                yield
            except BaseException:
                self.failed = self.failed or name
                self.console.print(f"[red]✗[/red] {name}")
                raise
        seconds = time.monotonic() - begun
        self.console.print(f"[green]✓[/green] {name} [dim]{seconds:.1f} s[/dim]")

    def say(self, text: str = "") -> None:
        """Print ``text`` as it is: paths and commands are not broken up or coloured."""
        self.console.print(text, highlight=False, markup=False, soft_wrap=True)
