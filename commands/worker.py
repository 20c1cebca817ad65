"""`flask --app wsgi worker`: sends messages, relays facts, prunes; as many of them as wanted, on any machine."""

import asyncio

import click
from flask import current_app
from flask.cli import with_appcontext

from app import clock, work
from app.jobs.engine import engine
from app.parts import Parts


@click.command("worker")
@with_appcontext
def command() -> None:
    """Run jobs until told to stop (SIGTERM or Ctrl-C lets the running ones finish)."""
    parts: Parts = current_app.extensions["parts"]
    jobs = engine(parts.settings.database_url, work.recurring(parts, clock.now), clock.now)

    async def run() -> None:
        async with jobs.open_async():
            await jobs.run_worker_async(concurrency=4, listen_notify=False, fetch_job_polling_interval=1.0)

    click.echo("worker ready")
    asyncio.run(run())
