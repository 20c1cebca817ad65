"""Closed-loop clients: each sends its next request when the last is answered. Runs as a process of its own.

One thread over plain sockets, because a client that costs as much as the server would be measured too. A job comes
in on standard input, the sample goes out on standard output, both pickled; the parent is the only other end.
"""

import pickle
import selectors
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.cpu import tree_cpu_s
from bench.figures import Sample
from bench.requests import TICKET, Operation, ticket_in, whole

ANSWER_TIMEOUT_S = 10
_GRACE_S = 60


class LoadFailed(Exception):
    """Another answer than was expected, or none in time. A benchmark of failing requests is worth nothing."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """`operations` in turn, from the start again if `repeat`; the first `warm_up_s` seconds do not count.

    Statuses of answers begin with `status`. Who is not in a hurry waits `pause_s` after each answer.
    """

    port: int
    clients: int
    operations: Sequence[Operation] = field(repr=False)
    repeat: bool
    warm_up_s: float
    seconds: float
    app_pid: int
    database_pid: int
    status: bytes = b"2"
    pause_s: float = 0.0


@dataclass(slots=True)
class _Client:
    connection: socket.socket
    left: list[bytes] = field(default_factory=list)
    began: float = 0.0
    answer: bytes = b""


def measure(job: Job) -> Sample:
    """Run the job in a process of its own. Raises `LoadFailed`."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.load"],
        input=pickle.dumps(job),
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parent.parent,
        timeout=job.warm_up_s + job.seconds + _GRACE_S,
        check=True,
    )
    result: Sample | str = pickle.loads(done.stdout)
    if isinstance(result, str):
        raise LoadFailed(result)
    return result


def _run(job: Job) -> Sample:
    operations = iter(_endless(job.operations) if job.repeat else job.operations)
    clients = [_Client(connect(job.port)) for _ in range(job.clients)]
    _drive(clients, operations, job.warm_up_s, job)
    before = tree_cpu_s(job.app_pid), tree_cpu_s(job.database_pid), time.process_time()
    started = time.perf_counter()
    latencies_ms = _drive(clients, operations, job.seconds, job)
    elapsed_s = time.perf_counter() - started
    after = tree_cpu_s(job.app_pid), tree_cpu_s(job.database_pid), time.process_time()
    app, database, own = (
        None if a is None or b is None else b - a for a, b in zip(before, after, strict=True)
    )
    for client in clients:
        client.connection.close()
    return Sample(
        operations=len(latencies_ms),
        elapsed_s=elapsed_s,
        latencies_ms=latencies_ms,
        app_cpu_s=app,
        database_cpu_s=database,
        client_cpu_s=own,
    )


def _drive(
    clients: Sequence[_Client], operations: Iterator[Operation], seconds: float, job: Job
) -> list[float]:
    """Start operations for so long, or as long as there are any, and wait for all answers."""
    latencies_ms: list[float] = []
    until = time.perf_counter() + seconds
    pausing: deque[tuple[float, _Client]] = deque()
    with selectors.DefaultSelector() as selector:
        for client in clients:
            selector.register(client.connection, selectors.EVENT_READ, client)
        busy = sum(_begin(client, operations) for client in clients)
        while busy:
            pause_s = pausing[0][0] - time.perf_counter() if pausing else ANSWER_TIMEOUT_S
            ready = selector.select(max(0.0, pause_s))
            if not ready and not pausing:
                raise LoadFailed(f"no answer within {ANSWER_TIMEOUT_S} s")
            for event, _ in ready:
                client = event.data
                if not _finished(client, job.status):
                    continue
                now = time.perf_counter()
                latencies_ms.append((now - client.began) * 1000)
                pausing.append((now + job.pause_s, client))
            while pausing and pausing[0][0] <= time.perf_counter():
                _, client = pausing.popleft()
                if time.perf_counter() >= until or not _begin(client, operations):
                    busy -= 1
    return latencies_ms


def _begin(client: _Client, operations: Iterator[Operation]) -> bool:
    """Send the first request of the next operation; False when there is none left."""
    operation = next(operations, None)
    if operation is None:
        return False
    first, *client.left = operation
    client.began = time.perf_counter()
    client.connection.sendall(first)
    return True


def _finished(client: _Client, status: bytes) -> bool:
    """Take what came in; send the operation's next request, or say that it is over. Raises `LoadFailed`."""
    received = client.connection.recv(65_536)
    answer = client.answer + received
    if not received or (len(answer) > 12 and not answer[9:12].startswith(status)):
        raise LoadFailed(answer[:600].decode(errors="replace") or "the server closed the connection")
    if not whole(answer):
        client.answer = answer
        return False
    client.answer = b""
    if not client.left:
        return True
    following = client.left.pop(0)
    client.connection.sendall(following.replace(TICKET, ticket_in(answer)))
    return False


def _endless(operations: Sequence[Operation]) -> Iterator[Operation]:
    while True:
        yield from operations


def connect(port: int) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), timeout=ANSWER_TIMEOUT_S)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def main() -> None:
    result: Sample | str
    try:
        result = _run(pickle.load(sys.stdin.buffer))
    except (LoadFailed, OSError, ValueError) as error:
        result = f"{type(error).__name__}: {error}"
    sys.stdout.buffer.write(pickle.dumps(result))


if __name__ == "__main__":
    # Under its own name, so that the pickle names classes that the parent can import.
    from bench import load

    load.main()
