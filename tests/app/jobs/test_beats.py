"""What a worker does again and again goes on, whatever happens in between, and ends when told."""

import asyncio
import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime

import pytest
from sqlalchemy import Engine, event

from app import clock, work
from app.db import DatabaseAway
from app.jobs.beats import Beat, keep_beating
from tests.messaging import Post


def beaten(run: Callable[[int], object], *, times: int) -> int:
    """Let it beat until it was run so often; how often it was."""
    runs = 0

    async def beat() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()

        def once(now: datetime) -> None:
            nonlocal runs
            runs += 1
            if runs == times:
                loop.call_soon_threadsafe(stop.set)
            run(runs)

        with ThreadPoolExecutor(1) as threads:
            entry = Beat(name="some.beat", every_s=0.001, run=once)
            await asyncio.wait_for(keep_beating(entry, clock=clock.now, threads=threads, stop=stop), 30)

    asyncio.run(beat())
    return runs


def test_a_beat_goes_on_until_told_to_stop() -> None:
    assert beaten(lambda _: None, times=5) == 5


def test_a_failing_beat_goes_on_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    def fail(run: int) -> None:
        if run < 3:
            raise ValueError("a defect")

    with caplog.at_level(logging.WARNING):
        assert beaten(fail, times=4) == 4
    assert [record.levelname for record in caplog.records] == ["ERROR", "ERROR"]
    assert "some.beat failed, failure 2 in a row" in caplog.text


def test_a_database_that_is_away_is_a_line_and_no_trace(caplog: pytest.LogCaptureFixture) -> None:
    def fail(_: int) -> None:
        raise DatabaseAway

    with caplog.at_level(logging.WARNING):
        beaten(fail, times=2)
    assert {record.levelname for record in caplog.records} == {"WARNING"}
    assert "Traceback" not in caplog.text


@contextmanager
def statements() -> Iterator[list[str]]:
    asked: list[str] = []

    def note(_conn: object, _cursor: object, statement: str, *_: object) -> None:
        asked.append(statement)

    # On the class: the business asks through engines of its own that share this one's connections.
    event.listen(Engine, "before_cursor_execute", note)
    yield asked
    event.remove(Engine, "before_cursor_execute", note)


def test_an_idle_worker_asks_one_question_a_beat(post: Post) -> None:
    relay_and_deliver = work.beats(post.parts, clock.now, lambda: True)[:2]
    for beat in relay_and_deliver:
        beat.run(clock.now())
    for beat in relay_and_deliver:
        with statements() as asked:
            beat.run(clock.now())
        assert len(asked) == 1
        assert asked[0].lstrip().startswith("SELECT EXISTS")
