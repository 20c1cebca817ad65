"""A crowd claims a few coupons at once while others look into their wallets. Readers and crowd are a process each.

Every claimer has a connection, opened beforehand and closed with the answer: a server takes so many at a time. One who
is told `busy` asks again a second later, with the same key, as the mini-program does. A reader asks again a moment
after each answer, before the crowd comes and while it is there; with a process of their own readers do not wait for
what this program has to do for the crowd.
"""

import heapq
import itertools
import pickle
import selectors
import socket
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.figures import Sample
from bench.load import LoadFailed, connect
from bench.requests import whole

#: Longer than elsewhere: the last of a crowd waits for all the others.
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


@dataclass(frozen=True, kw_only=True)
class _Claimed:
    """Moments are those of the machine's clock, which all processes share."""

    began_s: float
    ended_s: float
    won_ms: list[float]
    lost_ms: list[float]
    told: dict[str, int]
    again: int


@dataclass(frozen=True)
class _Read:
    answered_s: float
    took_ms: float


@dataclass(slots=True)
class _Client:
    connection: socket.socket
    message: bytes
    began: float = 0.0
    answer: bytes = b""


def watch(crowd: Crowd) -> Seen:
    """Let the readers begin, and the crowd loose among them. Raises `LoadFailed`."""
    with _started("readers", crowd) as readers, _started("claimers", crowd) as claimers:
        try:
            claimed = _result(claimers, crowd)
            reads = _result(readers, crowd)
        except BaseException:
            # Or whoever waits for an answer that does not come would be waited for.
            claimers.kill()
            readers.kill()
            raise
    assert isinstance(claimed, _Claimed)
    assert isinstance(reads, list)
    took_s = claimed.ended_s - claimed.began_s
    quiet_s = claimed.began_s - QUIET_S
    quiet = [read.took_ms for read in reads if quiet_s <= _came(read) and read.answered_s < claimed.began_s]
    # Those that came with the crowd and were answered after it belong to it.
    meanwhile = [
        read.took_ms for read in reads if claimed.began_s <= read.answered_s and _came(read) < claimed.ended_s
    ]
    return Seen(
        claims=_sample(claimed.won_ms + claimed.lost_ms, took_s),
        losers=_sample(claimed.lost_ms, took_s),
        quiet=_sample(quiet, QUIET_S),
        meanwhile=_sample(meanwhile, took_s),
        told=claimed.told,
        again=claimed.again,
    )


def _came(read: _Read) -> float:
    return read.answered_s - read.took_ms / 1000


def _started(part: str, crowd: Crowd) -> "subprocess.Popen[bytes]":
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.flash", part],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parent.parent,
    )
    assert process.stdin is not None
    pickle.dump(crowd, process.stdin)
    process.stdin.flush()
    return process


def _result(process: "subprocess.Popen[bytes]", crowd: Crowd) -> object:
    """What it found; its input ends now, which is what readers wait for."""
    output, _ = process.communicate(timeout=crowd.over_s + _GRACE_S)
    if process.returncode:
        raise LoadFailed(f"it ended with {process.returncode}")
    result = pickle.loads(output)
    if isinstance(result, str):
        raise LoadFailed(result)
    return result


class _Run(ABC):
    """Clients on a connection each, whose messages fall due."""

    def __init__(self) -> None:
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()
        self._selector = selectors.DefaultSelector()

    @abstractmethod
    def _answered(self, client: _Client, answer: bytes, now: float) -> None: ...

    def _opened(self, port: int, message: bytes) -> _Client:
        client = _Client(connect(port), message)
        self._selector.register(client.connection, selectors.EVENT_READ, client)
        return client

    def _later(self, at: float, what: Callable[[], None]) -> None:
        heapq.heappush(self._due, (at, next(self._numbers), what))

    def _first(self, client: _Client) -> Callable[[], None]:
        def send() -> None:
            client.began = time.perf_counter()
            client.connection.sendall(client.message)

        return send

    def _until(self, over: Callable[[], bool]) -> None:
        while not over():
            while self._due and self._due[0][0] <= time.perf_counter():
                heapq.heappop(self._due)[2]()
            wait = self._due[0][0] - time.perf_counter() if self._due else 0.1
            for event, _ in self._selector.select(max(0.0, min(wait, 0.1))):
                event.data() if callable(event.data) else self._received(event.data)

    def _received(self, client: _Client) -> None:
        received = client.connection.recv(262_144)
        now = time.perf_counter()
        client.answer += received
        if not received:
            raise LoadFailed("the server closed a connection")
        if whole(client.answer):
            answer, client.answer = client.answer, b""
            self._answered(client, answer, now)


class _Readers(_Run):
    """Look until this program's input ends."""

    def __init__(self, crowd: Crowd) -> None:
        super().__init__()
        self._readers = [self._opened(crowd.reads_port, read) for read in crowd.reads]
        self._reads: list[_Read] = []
        self._ended = False

    def go(self) -> list[_Read]:
        def ended() -> None:
            self._ended = True
            self._selector.unregister(sys.stdin)

        self._selector.register(sys.stdin, selectors.EVENT_READ, ended)
        began = time.perf_counter()
        for number, reader in enumerate(self._readers):
            self._later(began + number * PAUSE_S / len(self._readers), self._first(reader))
        self._until(lambda: self._ended and not any(reader.began for reader in self._readers))
        return self._reads

    def _answered(self, client: _Client, answer: bytes, now: float) -> None:
        if answer[9:12] != b"200":
            raise LoadFailed(answer[:600].decode(errors="replace"))
        self._reads.append(_Read(now, (now - client.began) * 1000))
        client.began = 0.0
        if not self._ended:
            self._later(now + PAUSE_S, self._first(client))


class _Claimers(_Run):
    def __init__(self, crowd: Crowd) -> None:
        super().__init__()
        self._crowd = crowd
        self._claimers = [self._opened(crowd.port, claim) for claim in crowd.claims]
        self._won: list[float] = []
        self._lost: list[float] = []
        self._told: Counter[str] = Counter()
        self._again = 0

    def go(self) -> _Claimed:
        time.sleep(QUIET_S)
        began = time.perf_counter()
        for number, claimer in enumerate(self._claimers):
            self._later(began + self._crowd.over_s * number / len(self._claimers), self._first(claimer))
        give_up_at = began + ANSWER_TIMEOUT_S + self._crowd.over_s

        def over() -> bool:
            if time.perf_counter() > give_up_at:
                raise LoadFailed(f"not all were answered: {dict(self._told)}")
            return self._told.total() == len(self._claimers)

        self._until(over)
        return _Claimed(
            began_s=began,
            ended_s=time.perf_counter(),
            won_ms=self._won,
            lost_ms=self._lost,
            told=dict(self._told),
            again=self._again,
        )

    def _answered(self, client: _Client, answer: bytes, now: float) -> None:
        self._selector.unregister(client.connection)
        client.connection.close()
        took_ms = (now - client.began) * 1000
        if answer[9:12] == b"201":
            self._told["claimed"] += 1
            self._won.append(took_ms)
        elif b'"code":"busy"' in answer:
            self._again += 1
            self._later(now + 1.0, self._once_more(client))
        elif b'"code":"coupons_used_up"' in answer:
            self._told["used up"] += 1
            self._lost.append(took_ms)
        else:
            raise LoadFailed(answer[:600].decode(errors="replace"))

    def _once_more(self, client: _Client) -> Callable[[], None]:
        def send() -> None:
            client.connection = connect(self._crowd.port)
            self._selector.register(client.connection, selectors.EVENT_READ, client)
            client.connection.sendall(client.message)

        return send


def _sample(latencies_ms: list[float], elapsed_s: float) -> Sample:
    return Sample(operations=len(latencies_ms), elapsed_s=elapsed_s, latencies_ms=latencies_ms)


def main() -> None:
    crowd: Crowd = pickle.load(sys.stdin.buffer)
    try:
        run = _Readers(crowd) if sys.argv[1] == "readers" else _Claimers(crowd)
        result: object = run.go()
    except (LoadFailed, OSError, ValueError) as error:
        result = f"{type(error).__name__}: {error}"
    sys.stdout.buffer.write(pickle.dumps(result))


if __name__ == "__main__":
    # Under its own name, so that the pickle names classes that the parent can import.
    from bench import flash

    flash.main()
