"""The load generator: processes that send prepared bytes over raw sockets and note the time.

It knows nothing of SLAP.  A process costs about as much per request as the kernel's own work
for a connection; ``python -m tests.bench ceiling`` says how much it can do.
"""

import socket
import ssl
import time
from array import array
from collections import Counter
from collections.abc import Callable
from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import field
from multiprocessing import get_context
from multiprocessing.connection import Connection
from types import TracebackType

from tests.bench.wire import NUMBER

#: A peer that doesn't answer for so long is broken; the legacy client gives up then, too.
TIME_LIMIT = 60.0
#: The processes begin together, so late after the order that all have read it.
HEAD_START = 0.05
SLOT = NUMBER.encode()
NUMBERS = 10 ** len(SLOT)


@dataclass(frozen=True)
class Door:
    """Where to knock, and with which certificate if the door is a TLS one."""

    host: str
    port: int
    certificate: str = ""
    key: str = ""

    @property
    def name(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True)
class Script:
    """What one client sends, over and over.

    ``templates`` are sent in turn; eight ``@`` in one of them become a number that no other
    request has, counted from ``first`` in steps of ``step``.
    """

    templates: tuple[bytes, ...]
    first: int = 0
    step: int = 1

    def requests(self) -> Iterator[bytes]:
        number = self.first
        while True:
            for template in self.templates:
                yield template.replace(SLOT, b"%08d" % (number % NUMBERS))
                number += self.step


@dataclass(frozen=True)
class Job:
    """One client's part of a measurement; ``most`` bounds the requests when it isn't 0."""

    door: Door
    script: Script
    seconds: float
    most: int = 0
    keep_alive: bool = False
    keep_answers: bool = False


@dataclass(frozen=True)
class Sample:
    """What was seen in a measurement by all its clients."""

    latencies: array
    statuses: Counter[int]
    seconds: float
    received: int
    answers: list[tuple[int, bytes]] = field(default_factory=list)

    @property
    def rate(self) -> float:
        return self.statuses[200] / self.seconds

    @property
    def failures(self) -> int:
        return self.statuses.total() - self.statuses[200]


class Caller:
    """Sends a request and reads its answer; opens a connection whenever it has none."""

    def __init__(self, door: Door, keep_alive: bool, patience: float = TIME_LIMIT) -> None:
        self.door = door
        self.keep_alive = keep_alive
        self.patience = patience
        self.socket: socket.socket | None = None
        self.buffer = bytearray(1 << 20)
        self.context = client_context(door) if door.certificate else None

    def connect(self) -> socket.socket:
        plain = socket.create_connection((self.door.host, self.door.port), self.patience)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return plain if self.context is None else self.context.wrap_socket(plain)

    def call(self, request: bytes, keep: bool = False) -> tuple[int, int, bytes]:
        """Return the status, the number of bytes that came and, if asked to, the body."""
        if self.socket is None:
            self.socket = self.connect()
        try:
            self.socket.sendall(request)
            return self.read(keep)
        finally:
            if not self.keep_alive:
                self.close()

    def read(self, keep: bool) -> tuple[int, int, bytes]:
        head = b""
        while b"\r\n\r\n" not in head:
            part = self.socket.recv(65536)
            if not part:
                raise ConnectionError(f"closed after {len(head)} bytes of a head")
            head += part
        head, _, body = head.partition(b"\r\n\r\n")
        length = content_length(head)
        parts = [body]
        got = len(body)
        while length is None or got < length:
            size = self.socket.recv_into(self.buffer)
            if not size:
                break
            got += size
            if keep:
                parts.append(bytes(self.buffer[:size]))
        if length is not None and got < length:
            raise ConnectionError(f"{got} bytes of {length}")
        return int(head[9:12]), got + len(head), b"".join(parts) if keep else b""

    def close(self) -> None:
        if self.socket is not None:
            self.socket.close()
            self.socket = None


def client_context(door: Door) -> ssl.SSLContext:
    """The legacy client's TLS: it shows a certificate and checks nobody's."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.load_cert_chain(door.certificate, door.key)
    return context


def content_length(head: bytes) -> int | None:
    """Find how long the body is; ``None`` when it ends with the connection."""
    at = head.lower().find(b"\r\ncontent-length:")
    if at < 0:
        return None
    return int(head[at + 17 :].split(b"\r\n", 1)[0])


def run_job(job: Job, start: float) -> Sample:
    caller = Caller(job.door, job.keep_alive)
    latencies = array("d")
    statuses: Counter[int] = Counter()
    answers: list[tuple[int, bytes]] = []
    received = 0
    clock = time.perf_counter
    time.sleep(max(0.0, start - time.monotonic()))
    begin = clock()
    end = begin + job.seconds
    for request in job.script.requests():
        before = clock()
        if before >= end or (job.most and len(latencies) >= job.most):
            break
        try:
            status, size, body = caller.call(request, job.keep_answers)
        except OSError:
            caller.close()
            status, size, body = 0, 0, b""
        latencies.append(clock() - before)
        statuses[status] += 1
        received += size
        if job.keep_answers:
            answers.append((status, body))
    return Sample(latencies, statuses, clock() - begin, received, answers)


def work(orders: Connection) -> None:
    """The life of a client process: a job, its sample, the next; ``None`` ends it."""
    while (order := orders.recv()) is not None:
        orders.send(run_job(*order))


class Crowd:
    """As many client processes as the largest measurement needs, started once."""

    def __init__(self, size: int) -> None:
        context = get_context("spawn")
        self.pipes = []
        self.processes = []
        for _ in range(size):
            ours, theirs = context.Pipe()
            process = context.Process(target=work, args=(theirs,), daemon=True)
            process.start()
            self.pipes.append(ours)
            self.processes.append(process)

    def __enter__(self) -> "Crowd":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for pipe, process in zip(self.pipes, self.processes, strict=True):
            pipe.send(None)
            process.join()

    def measure(self, jobs: list[Job]) -> Sample:
        """Let as many clients as there are jobs work at once."""
        start = time.monotonic() + HEAD_START
        pipes = self.pipes[: len(jobs)]
        for pipe, job in zip(pipes, jobs, strict=True):
            pipe.send((job, start))
        return together([pipe.recv() for pipe in pipes])


def together(samples: list[Sample]) -> Sample:
    latencies = array("d")
    statuses: Counter[int] = Counter()
    answers = []
    for sample in samples:
        latencies.extend(sample.latencies)
        statuses.update(sample.statuses)
        answers.extend(sample.answers)
    seconds = max(sample.seconds for sample in samples)
    return Sample(latencies, statuses, seconds, sum(s.received for s in samples), answers)


#: Makes the script of client number ``i`` of ``n``.
Scripts = Callable[[int, int], Script]
