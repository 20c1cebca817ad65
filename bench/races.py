"""Many want the last one of something in the same moment, again and again. Runs as a process of its own.

Before each race every client has a connection, opened beforehand; the next one begins when all were answered.
"""

import pickle
import selectors
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.figures import Sample
from bench.load import ANSWER_TIMEOUT_S, LoadFailed, connect
from bench.requests import whole

_GRACE_S = 120


@dataclass(frozen=True, kw_only=True)
class Races:
    """Of each race the requests, one for each client. An answer with one of `won` or `lost` is foreseen, no other.

    Of equal answers the first has won: what was done once is told again, what was done twice has two answers.
    """

    port: int
    races: Sequence[Sequence[bytes]] = field(repr=False)
    won: tuple[bytes, ...]
    lost: tuple[bytes, ...]


@dataclass(frozen=True, kw_only=True)
class Seen:
    """How long losers waited, and how many won in each race."""

    losers: Sample
    winners: tuple[int, ...]


def run(races: Races) -> Seen:
    """All of them, one after the other, in a process of its own. Raises `LoadFailed`."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.races"],
        input=pickle.dumps(races),
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parent.parent,
        timeout=_GRACE_S,
        check=True,
    )
    result: Seen | str = pickle.loads(done.stdout)
    if isinstance(result, str):
        raise LoadFailed(result)
    return result


def _run(asked: Races) -> Seen:
    lost_ms: list[float] = []
    winners: list[int] = []
    started = time.perf_counter()
    for requests in asked.races:
        clients = [connect(asked.port) for _ in requests]
        answers = _race(clients, requests)
        for client in clients:
            client.close()
        told: set[bytes] = set()
        lost = [took_ms for took_ms, answer in answers if not _won(asked, answer, told)]
        lost_ms += lost
        winners.append(len(answers) - len(lost))
    elapsed_s = time.perf_counter() - started
    return Seen(
        losers=Sample(operations=len(lost_ms), elapsed_s=elapsed_s, latencies_ms=lost_ms),
        winners=tuple(winners),
    )


def _won(asked: Races, answer: bytes, told: set[bytes]) -> bool:
    """`told`: what winners were. Raises `LoadFailed` for an answer that is not foreseen, a 5xx first of all."""
    if any(word in answer for word in asked.lost):
        return False
    if answer[9:12] == b"201" and any(word in answer for word in asked.won):
        body = answer.partition(b"\r\n\r\n")[2]
        first = body not in told
        told.add(body)
        return first
    raise LoadFailed(answer[:600].decode(errors="replace"))


def _race(clients: Sequence[socket.socket], requests: Sequence[bytes]) -> list[tuple[float, bytes]]:
    """Each answer, with the milliseconds since its request. Raises `LoadFailed` if one is missing."""
    began: dict[socket.socket, float] = {}
    answers = dict.fromkeys(clients, b"")
    found: list[tuple[float, bytes]] = []
    with selectors.DefaultSelector() as selector:
        for client in clients:
            selector.register(client, selectors.EVENT_READ, client)
        for client, message in zip(clients, requests, strict=True):
            began[client] = time.perf_counter()
            client.sendall(message)
        while len(found) < len(clients):
            ready = selector.select(ANSWER_TIMEOUT_S)
            if not ready:
                raise LoadFailed(f"no answer within {ANSWER_TIMEOUT_S} s")
            for event, _ in ready:
                client = event.data
                received = client.recv(65_536)
                if not received:
                    raise LoadFailed("the server closed a connection")
                answers[client] += received
                if whole(answers[client]):
                    selector.unregister(client)
                    found.append(((time.perf_counter() - began[client]) * 1000, answers[client]))
    return found


def main() -> None:
    result: Seen | str
    try:
        result = _run(pickle.load(sys.stdin.buffer))
    except (LoadFailed, OSError, ValueError) as error:
        result = f"{type(error).__name__}: {error}"
    sys.stdout.buffer.write(pickle.dumps(result))


if __name__ == "__main__":
    # Under its own name, so that the pickle names classes that the parent can import.
    from bench import races

    races.main()
