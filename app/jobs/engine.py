"""Starting workers and running things again and again.

The engine carries wake-ups, not facts: what is to be done stands in our own tables, so a job that is lost, doubled or
late does no harm. Every job is therefore written to be run at any time, by any number of workers.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import procrastinate
from sqlalchemy import make_url
from sqlalchemy import text as sql

from app.db import transaction

SCHEMA = "procrastinate"
#: A worker that has not been heard of for so long is dead (the engine's own heartbeat is 10 s).
_DEAD_AFTER_S = 60
_KEEP = timedelta(days=7)


@dataclass(frozen=True, kw_only=True)
class Recurring:
    """Something to run by the clock: `cron` has six fields, the last one seconds."""

    name: str
    cron: str
    run: Callable[[datetime], object]


def engine(database_url: str, recurring: list[Recurring], clock: Callable[[], datetime]) -> procrastinate.App:
    """The engine with its timetable. A run that would overlap with the one before it is left out."""
    url = make_url(database_url).set(drivername="postgresql").render_as_string(hide_password=False)
    connector = procrastinate.PsycopgConnector(conninfo=url, options=f"-c search_path={SCHEMA}")
    app = procrastinate.App(connector=connector)
    for entry in recurring:
        _schedule(app, entry, clock)
    _schedule_reaper(app)
    return app


def _schedule(app: procrastinate.App, entry: Recurring, clock: Callable[[], datetime]) -> None:
    @app.periodic(cron=entry.cron)
    @app.task(name=entry.name, queueing_lock=entry.name)
    def run(timestamp: int) -> None:  # noqa: ARG001  # the engine passes it by name
        entry.run(clock())


def _schedule_reaper(app: procrastinate.App) -> None:
    """Jobs of a killed worker stay `doing` for ever unless somebody gives them back."""

    @app.periodic(cron="* * * * *")
    @app.task(name="jobs.reap", queueing_lock="jobs.reap")
    async def reap(timestamp: int) -> None:  # noqa: ARG001
        for job in await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=_DEAD_AFTER_S):
            await app.job_manager.retry_job(job)


def prune(*, now: datetime) -> int:
    """Forget finished jobs and their events after a week; how many jobs."""
    with transaction() as session:
        session.execute(sql("SET LOCAL search_path TO procrastinate"))
        gone = session.execute(
            sql("""
                DELETE FROM procrastinate_jobs j
                WHERE j.status IN ('succeeded', 'failed', 'cancelled', 'aborted')
                AND NOT EXISTS (SELECT FROM procrastinate_events e WHERE e.job_id = j.id AND e.at >= :before)"""),
            {"before": now - _KEEP},
        )
        return gone.rowcount  # type: ignore[attr-defined,no-any-return]
