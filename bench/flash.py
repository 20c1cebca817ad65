"""A crowd claims a few coupons at once while others look into their wallets. Runs as a process of its own.

Every claimer has a connection, opened beforehand and closed with the answer: a server takes so many at a time. One who
is told `busy` asks again a second later, with the same key, as the mini-program does. A reader asks again a moment
after each answer, before the crowd comes and while it is there.
"""

import heapq
import itertools
import pickle
import selectors
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.figures import Sample
from bench.load import LoadFailed
from bench.requests import whole

ANSWER_TIMEOUT_S = 60
QUIET_S = 3.0
PAUSE_S = 0.02
_GRACE_S = 120


@dataclass(frozen=True, kw_only=True)
class Crowd:
    """`claims` are sent within `over_s` seconds, evenly; 0: all at once. Each of `reads` is a reader's, who may ask
    another server."""

    port: int
    reads_port: int
    claims: Sequence[bytes] = field(repr=False)
    over_s: float
    reads: Sequence[bytes] = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Seen:
    """How long answers took; `told` counts what claimers were told in the end, `again` how often they were put off."""

    claims: Sample
    losers: Sample
    quiet: Sample
    meanwhile: Sample
    told: dict[str, int]
    again: int


@dataclass(slots=True)
class _Client:
    connection: socket.socket
    message: bytes
    reads: bool
    began: float = 0.0
    answer: bytes = b""


def watch(crowd: Crowd) -> Seen:
    """Let the crowd loose, in a process of its own. Raises `LoadFailed`."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.flash"],
        input=pickle.dumps(crowd),
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parent.parent,
        timeout=crowd.over_s + _GRACE_S,
        check=True,
    )
    result: Seen | str = pickle.loads(done.stdout)
    if isinstance(result, str):
        raise LoadFailed(result)
    return result


class _Run:
    def __init__(self, crowd: Crowd) -> None:
        self._crowd = crowd
        self._readers = [_Client(_connect(crowd.reads_port), read, True) for read in crowd.reads]
        self._claimers = [_Client(_connect(crowd.port), claim, False) for claim in crowd.claims]
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()
        self._selector = selectors.DefaultSelector()
        self._reads: list[float] = []
        self._won: list[float] = []
        self._lost: list[float] = []
        self._told: Counter[str] = Counter()
        self._again = 0
        for client in (*self._claimers, *self._readers):
            self._selector.register(client.connection, selectors.EVENT_READ, client)

    def go(self) -> Seen:
        began = time.perf_counter()
        for number, reader in enumerate(self._readers):
            self._later(began + number * PAUSE_S / len(self._readers), self._sender(reader, first=True))
        self._until(lambda: time.perf_counter() > began + QUIET_S)
        quiet, self._reads = self._reads, []
        started = time.perf_counter()
        for number, claimer in enumerate(self._claimers):
            at = started + self._crowd.over_s * number / len(self._claimers)
            self._later(at, self._sender(claimer, first=True))
        self._until(lambda: sum(self._told.values()) == len(self._claimers))
        took_s = time.perf_counter() - started
        # Readers that came with the crowd and still wait belong to it.
        waiting = [time.perf_counter() - one.began for one in self._readers if one.began]
        meanwhile = self._reads + [1000 * seconds for seconds in waiting]
        return Seen(
            claims=_sample(self._won + self._lost, took_s),
            losers=_sample(self._lost, took_s),
            quiet=_sample(quiet, QUIET_S),
            meanwhile=_sample(meanwhile, took_s),
            told=dict(self._told),
            again=self._again,
        )

    def _later(self, at: float, what: Callable[[], None]) -> None:
        heapq.heappush(self._due, (at, next(self._numbers), what))

    def _sender(self, client: _Client, *, first: bool) -> Callable[[], None]:
        def send() -> None:
            if first:
                client.began = time.perf_counter()
            else:
                client.connection = _connect(self._crowd.port)
                self._selector.register(client.connection, selectors.EVENT_READ, client)
            client.connection.sendall(client.message)

        return send

    def _until(self, over: Callable[[], bool]) -> None:
        give_up_at = time.perf_counter() + ANSWER_TIMEOUT_S + self._crowd.over_s
        while not over():
            if time.perf_counter() > give_up_at:
                raise LoadFailed(f"not all were answered: {dict(self._told)}")
            while self._due and self._due[0][0] <= time.perf_counter():
                heapq.heappop(self._due)[2]()
            wait = self._due[0][0] - time.perf_counter() if self._due else 0.1
            for event, _ in self._selector.select(max(0.0, min(wait, 0.1))):
                self._received(event.data)

    def _received(self, client: _Client) -> None:
        received = client.connection.recv(262_144)
        client.answer += received
        if not received:
            raise LoadFailed("the server closed a connection")
        if not whole(client.answer):
            return
        answer, client.answer = client.answer, b""
        took_ms = (time.perf_counter() - client.began) * 1000
        if client.reads:
            self._read(client, answer, took_ms)
        else:
            self._claimed(client, answer, took_ms)

    def _read(self, reader: _Client, answer: bytes, took_ms: float) -> None:
        if answer[9:12] != b"200":
            raise LoadFailed(answer[:600].decode(errors="replace"))
        self._reads.append(took_ms)
        reader.began = 0.0
        self._later(time.perf_counter() + PAUSE_S, self._sender(reader, first=True))

    def _claimed(self, claimer: _Client, answer: bytes, took_ms: float) -> None:
        self._selector.unregister(claimer.connection)
        claimer.connection.close()
        if answer[9:12] == b"201":
            self._told["claimed"] += 1
            self._won.append(took_ms)
        elif b'"code":"busy"' in answer:
            self._again += 1
            self._later(time.perf_counter() + 1.0, self._sender(claimer, first=False))
        elif b'"code":"coupons_used_up"' in answer:
            self._told["used up"] += 1
            self._lost.append(took_ms)
        else:
            raise LoadFailed(answer[:600].decode(errors="replace"))


def _sample(latencies_ms: list[float], elapsed_s: float) -> Sample:
    return Sample(operations=len(latencies_ms), elapsed_s=elapsed_s, latencies_ms=latencies_ms)


def _connect(port: int) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), timeout=ANSWER_TIMEOUT_S)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def main() -> None:
    result: Seen | str
    try:
        result = _Run(pickle.load(sys.stdin.buffer)).go()
    except (LoadFailed, OSError, ValueError) as error:
        result = f"{type(error).__name__}: {error}"
    sys.stdout.buffer.write(pickle.dumps(result))


if __name__ == "__main__":
    # Under its own name, so that the pickle names classes that the parent can import.
    from bench import flash

    flash.main()
