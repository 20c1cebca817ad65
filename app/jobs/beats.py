"""What a worker does every second or so, each in a thread of its own.

Not jobs of the engine (docs/adr/0015): they would be some 400,000 rows a day, with three events each, that say nothing.
What is to be done stands in our own tables, so a beat only looks, with one cheap question when there is nothing.
"""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import datetime

from app.errors import DomainError

log = logging.getLogger(__name__)

_LONGEST_PAUSE_S = 30.0


@dataclass(frozen=True, kw_only=True)
class Beat:
    """`run` must be safe in several workers at once; in one worker it never overlaps with itself."""

    name: str
    every_s: float
    run: Callable[[datetime], object]


async def keep_beating(
    beat: Beat, *, clock: Callable[[], datetime], threads: Executor, stop: asyncio.Event
) -> None:
    """Until `stop`; a run that has begun ends first. After failures the pauses grow, to half a minute at most."""
    loop, failures = asyncio.get_running_loop(), 0
    while not stop.is_set():
        try:
            await loop.run_in_executor(threads, beat.run, clock())
            failures = 0
        except DomainError as error:  # the database is away or busy: no defect, and no trace needed
            failures += 1
            log.warning("%s: %s, failure %d in a row", beat.name, error.code, failures)
        except Exception:
            failures += 1
            log.exception("%s failed, failure %d in a row", beat.name, failures)
        await pause(stop, min(beat.every_s * 2 ** min(failures, 10), max(_LONGEST_PAUSE_S, beat.every_s)))


async def pause(stop: asyncio.Event, seconds: float) -> None:
    """Sleep, but not beyond `stop`."""
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return
