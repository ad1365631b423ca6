"""What the load generator can do: against nginx, or a server in Python that does nothing at all."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path

from tests.bench import wire
from tests.bench.load import Crowd
from tests.bench.load import Door
from tests.bench.load import Job
from tests.bench.load import Script
from tests.bench.measure import Effort
from tests.bench.measure import figures
from tests.bench.peers import Nginx
from tests.bench.peers import find_nginx
from tests.bench.report import Line

SIZES = {"2 kB": 2_000, "1.6 MB": 1_600_000}


def measure_ceiling(crowd: Crowd, root: Path, effort: Effort) -> list[Line]:
    lines = []
    for name, size in SIZES.items():
        with file_server(root / f"ceiling-{size}", size) as (server, door):
            script = Script((wire.get(door.name, "/content"),))
            job = Job(door, script, effort.seconds, 0, effort.keep_alive)
            for clients in (1, 8):
                samples = [crowd.measure([job] * clients) for _ in range(effort.rounds)]
                measured = {server: figures(samples)}
                lines.append(Line(f"ceiling, {name}", clients, 1, measured, server, ""))
    return lines


@contextmanager
def file_server(root: Path, size: int) -> Iterator[tuple[str, Door]]:
    """Serve so many bytes as ``/content`` with the fastest thing at hand."""
    content = b"x" * size
    program = find_nginx()
    if program is None:
        with trivial_server(content) as door:
            yield "a loop in Python", door
    else:
        with Nginx(root, program) as nginx:
            nginx.serve("content", content)
            yield "nginx", nginx.door


@contextmanager
def trivial_server(content: bytes) -> Iterator[Door]:
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    process = get_context("fork").Process(target=answer_all, args=(listener, content), daemon=True)
    process.start()
    try:
        yield Door(*listener.getsockname())
    finally:
        process.terminate()
        process.join()
        listener.close()


def answer_all(listener: socket.socket, content: bytes) -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(content), content)
    while True:
        connection, _ = listener.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(answer)
