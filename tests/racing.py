"""Many threads, one start: whoever is to lose a race must have had the chance to win it."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")
#: Longer than any lock or statement may take: a hang fails the test instead of stopping the run.
PATIENCE_S = 60


def race(runners: int, run: Callable[[int], T]) -> list[T]:
    """Let `run(0)` … `run(runners - 1)` start together, each in a thread of its own; their results in that order.

    What a runner raises is raised here.
    """
    start = threading.Barrier(runners)

    def wait_and_run(number: int) -> T:
        start.wait(PATIENCE_S)
        return run(number)

    with ThreadPoolExecutor(runners) as pool:
        return [
            running.result(PATIENCE_S) for running in [pool.submit(wait_and_run, n) for n in range(runners)]
        ]


def code(answer: Any) -> str:
    """What became of a request, in a word: its refusal's, or its status."""
    return str(answer.json.get("code") or answer.status_code)
