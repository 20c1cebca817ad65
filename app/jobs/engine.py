"""The task engine: what runs by the calendar, on one worker of many, and survives a worker that is killed.

The engine carries wake-ups, not facts: what is to be done stands in our own tables, so a job that is lost, doubled or
late does no harm. Every job is therefore written to be run at any time, by any number of workers.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import procrastinate
from procrastinate.exceptions import ConnectorException, UniqueViolation
from sqlalchemy import make_url
from sqlalchemy import text as sql
from sqlalchemy.orm import Session

from app.jobs.beats import pause
from app.pruning import always, in_batches

log = logging.getLogger(__name__)
# It writes three lines about every job that went well.
logging.getLogger("procrastinate").setLevel(logging.WARNING)

SCHEMA = "procrastinate"
#: A worker that has not been heard of for so long is dead (the engine's own heartbeat is 10 s).
DEAD_AFTER_S = 60
#: How long a job may go on after the worker was told to stop.
_GRACE_S = 10.0
_AGAIN_AFTER_S = 5.0
_KEEP = timedelta(days=7)


@dataclass(frozen=True, kw_only=True)
class Recurring:
    """Something to run by the calendar: `cron` has five fields, or six, the last one seconds."""

    name: str
    cron: str
    run: Callable[[datetime], object]


def engine(database_url: str, recurring: list[Recurring], clock: Callable[[], datetime]) -> procrastinate.App:
    """The engine with its timetable. A run that would overlap with one that still waits is left out."""
    url = make_url(database_url).set(drivername="postgresql").render_as_string(hide_password=False)
    connection = {"options": f"-c search_path={SCHEMA}", "connect_timeout": 3}
    connector = procrastinate.PsycopgConnector(conninfo=url, kwargs=connection, min_size=1, max_size=4)
    app = procrastinate.App(connector=connector)
    for entry in recurring:
        _schedule(app, entry, clock)
    _schedule_reaper(app)
    return app


async def keep_running(app: procrastinate.App, stop: asyncio.Event) -> None:
    """Run jobs until `stop`. When the database goes away the engine gives up: it is started again."""
    while not stop.is_set():
        try:
            async with app.open_async():
                await _run(app, stop)
        except ConnectorException as error:
            log.warning("the task engine lost its database (%s)", type(error).__name__)
        await pause(stop, _AGAIN_AFTER_S)


async def _run(app: procrastinate.App, stop: asyncio.Event) -> None:
    worker = asyncio.create_task(
        app.run_worker_async(
            concurrency=4,
            listen_notify=False,
            fetch_job_polling_interval=5.0,
            delete_jobs="successful",  # the failed ones are for an operator to read
            shutdown_graceful_timeout=_GRACE_S,
            install_signal_handlers=False,
        )
    )
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait([worker, stopping], return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    worker.cancel()
    try:
        await worker
    except asyncio.CancelledError:
        return


def _schedule(app: procrastinate.App, entry: Recurring, clock: Callable[[], datetime]) -> None:
    @app.periodic(cron=entry.cron)
    @app.task(name=entry.name, queueing_lock=entry.name)
    def run(timestamp: int) -> None:  # noqa: ARG001  # the engine passes it by name
        entry.run(clock())


def _schedule_reaper(app: procrastinate.App) -> None:
    @app.periodic(cron="* * * * *")
    @app.task(name="jobs.reap", queueing_lock="jobs.reap")
    async def run(timestamp: int) -> None:  # noqa: ARG001
        await reap(app, dead_after_s=DEAD_AFTER_S)


async def reap(app: procrastinate.App, *, dead_after_s: float) -> int:
    """Give back the jobs of workers not heard of for so long: they would stay `doing` for ever. How many."""
    stalled = list(await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=dead_after_s))
    for job in stalled:
        await _give_back(app, job)
    return len(stalled)


async def _give_back(app: procrastinate.App, job: procrastinate.jobs.Job) -> None:
    try:
        await app.job_manager.retry_job(job)
    except UniqueViolation:  # its next run waits already, and does the same
        await app.job_manager.finish_job(job, status=procrastinate.jobs.Status.FAILED, delete_job=False)


# Through an index of ours on what is finished (migration 0006).
_FORGET = sql("""
    DELETE FROM procrastinate_jobs WHERE id = ANY (ARRAY(
        SELECT j.id FROM procrastinate_jobs j
        WHERE j.status IN ('succeeded', 'failed', 'cancelled', 'aborted')
        AND NOT EXISTS (SELECT FROM procrastinate_events e WHERE e.job_id = j.id AND e.at >= :before)
        ORDER BY j.id LIMIT :most FOR UPDATE SKIP LOCKED))""")


def prune(*, now: datetime, keep_going: Callable[[], bool] = always) -> int:
    """Forget finished jobs and their events after a week; how many jobs."""

    def some(session: Session, most: int) -> int:
        session.execute(sql("SET LOCAL search_path TO procrastinate"))
        gone = session.execute(_FORGET, {"before": now - _KEEP, "most": most})
        return gone.rowcount  # type: ignore[attr-defined,no-any-return]

    return in_batches(some, keep_going=keep_going)
