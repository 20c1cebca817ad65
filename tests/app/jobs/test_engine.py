"""The task engine on our database: its timetable, jobs of killed workers, and how it stops."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timedelta

import procrastinate
from sqlalchemy import Engine, text

from app import clock
from app.jobs import engine as jobs
from app.jobs.engine import Recurring, engine, keep_running, reap
from tests.conftest import ROOT, rows

#: Half a year away, so that nothing is due.
SOME_DAY = f"0 0 1 {(clock.now().month + 5) % 12 + 1} *"
#: It dies in its first job: a second later it would have begun another.
_DYING_WORKER = """
import asyncio, os, signal, sys
from app.clock import now
from app.jobs.engine import Recurring, engine, keep_running

def die(_):
    os.kill(os.getpid(), signal.SIGKILL)

entry = Recurring(name="slow", cron="* * * * * *", run=die)
asyncio.run(keep_running(engine(sys.argv[1], [entry], now), asyncio.Event()))
"""


def with_task(database: Engine, name: str, run: Callable[[datetime], object], cron: str) -> procrastinate.App:
    url = database.url.render_as_string(hide_password=False)
    return engine(url, [Recurring(name=name, cron=cron, run=run)], clock.now)


def drained(app: procrastinate.App) -> None:
    """Reap, and run what waits."""

    async def run() -> None:
        async with app.open_async():
            await reap(app, dead_after_s=60)
            await app.run_worker_async(wait=False, delete_jobs="successful", install_signal_handlers=False)

    asyncio.run(run())


def _jobs_of(database: Engine, task: str, *statuses: str) -> list[object]:
    """The ids of a task's jobs (those of the engine's own reaper come and go with the minute)."""
    found = rows(
        database,
        """SELECT id FROM procrastinate.procrastinate_jobs
        WHERE task_name = :task AND status::text = ANY (:statuses) ORDER BY id""",
        task=task,
        statuses=list(statuses or ("todo", "doing", "failed", "succeeded")),
    )
    return [job for (job,) in found]


def test_the_job_of_a_killed_worker_is_done_by_another(engine: Engine) -> None:
    url = engine.url.render_as_string(hide_password=False)
    died = subprocess.run([sys.executable, "-c", _DYING_WORKER, url], cwd=ROOT, timeout=60, check=False)
    assert died.returncode == -signal.SIGKILL
    [doing] = _jobs_of(engine, "slow", "doing")
    runs: list[datetime] = []

    drained(with_task(engine, "slow", runs.append, SOME_DAY))
    assert _jobs_of(engine, "slow", "doing") == [doing]
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL search_path TO procrastinate"))  # its triggers need it
        connection.execute(
            text("UPDATE procrastinate_workers SET last_heartbeat = now() - interval '2 minutes'")
        )
        # The next second may have been noted down before the worker died.
        connection.execute(text("DELETE FROM procrastinate_jobs WHERE status = 'todo'"))
    runs.clear()
    drained(with_task(engine, "slow", runs.append, SOME_DAY))

    assert len(runs) == 1
    assert _jobs_of(engine, "slow") == []


def test_a_stalled_job_whose_next_run_waits_already_is_closed(engine: Engine) -> None:
    stalled, _ = [_job(engine, status, timedelta(), task="slow") for status in ("doing", "todo")]
    runs: list[datetime] = []

    drained(with_task(engine, "slow", runs.append, SOME_DAY))

    assert len(runs) == 1
    assert _jobs_of(engine, "slow") == _jobs_of(engine, "slow", "failed") == [stalled]


def test_what_is_due_by_the_calendar_runs_and_leaves_no_row(engine: Engine) -> None:
    ran = asyncio.Event()

    async def run() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        app = with_task(engine, "often", lambda _: loop.call_soon_threadsafe(ran.set), "* * * * * *")
        running = asyncio.create_task(keep_running(app, stop))
        await asyncio.wait_for(ran.wait(), 30)
        stop.set()
        await asyncio.wait_for(running, 30)

    asyncio.run(run())

    done = rows(
        engine, "SELECT id FROM procrastinate.procrastinate_jobs WHERE status NOT IN ('todo', 'failed')"
    )
    assert done == []
    assert rows(engine, "SELECT id FROM procrastinate.procrastinate_workers") == []


def test_the_engine_is_started_again_after_it_lost_its_database(engine: Engine) -> None:
    ran = asyncio.Event()

    async def run() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        app = with_task(engine, "often", lambda _: loop.call_soon_threadsafe(ran.set), "* * * * * *")
        running = asyncio.create_task(keep_running(app, stop))
        await asyncio.wait_for(ran.wait(), 30)
        with engine.begin() as connection:
            connection.execute(
                text("""SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                    WHERE datname = current_database() AND pid <> pg_backend_pid()""")
            )
        ran.clear()
        await asyncio.wait_for(ran.wait(), 30)
        stop.set()
        await asyncio.wait_for(running, 30)

    asyncio.run(run())


def _job(database: Engine, status: str, age: timedelta, task: str = "x") -> int:
    """A job that came to that status so long ago; of each task one may wait."""
    with database.begin() as connection:
        connection.execute(text("SET LOCAL search_path TO procrastinate"))
        job = connection.execute(
            text("""INSERT INTO procrastinate_jobs (queue_name, task_name, queueing_lock, args)
                VALUES ('default', :task, :lock, '{"timestamp": 1}') RETURNING id"""),
            {"task": task, "lock": task},
        ).scalar_one()
        for step in ("doing", status) if status not in ("todo", "doing") else (status,):
            connection.execute(
                text(
                    "UPDATE procrastinate_jobs SET status = CAST(:step AS procrastinate_job_status) WHERE id = :id"
                ),
                {"step": step, "id": job},
            )
        connection.execute(
            text("UPDATE procrastinate_events SET at = :at WHERE job_id = :id"),
            {"at": clock.now() - age, "id": job},
        )
    return int(job)


def test_failed_jobs_are_forgotten_after_a_week_and_others_never(engine: Engine) -> None:
    old, young = timedelta(days=8), timedelta(days=6)
    gone = [_job(engine, status, old) for status in ("failed", "succeeded", "cancelled", "aborted")]
    kept = [_job(engine, "failed", young), _job(engine, "doing", old), _job(engine, "todo", old)]
    with engine.begin() as connection:  # the timetable still points to the oldest
        connection.execute(
            text("""INSERT INTO procrastinate.procrastinate_periodic_defers (task_name, defer_timestamp, job_id)
                VALUES ('x', 1, :id)"""),
            {"id": gone[0]},
        )

    assert jobs.prune(now=clock.now()) == len(gone)

    left = rows(engine, "SELECT id FROM procrastinate.procrastinate_jobs ORDER BY id")
    assert left == [(job,) for job in sorted(kept)]
