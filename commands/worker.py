"""`flask --app wsgi worker`: sends messages, relays facts, prunes; as many of them as wanted, on any machine."""

import asyncio
import signal
from concurrent.futures import ThreadPoolExecutor

import click
from flask import current_app
from flask.cli import with_appcontext

from app import clock, work
from app.jobs.beats import keep_beating
from app.jobs.engine import engine, keep_running
from app.parts import Parts


@click.command("worker")
@with_appcontext
def command() -> None:
    """Run until told to stop: SIGTERM or Ctrl-C lets what was begun end first."""
    asyncio.run(_work(current_app.extensions["parts"]))


async def _work(parts: Parts) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)

    def keep_going() -> bool:
        return not stop.is_set()

    beats = work.beats(parts, clock.now, keep_going)
    jobs = engine(parts.settings.database_url, work.recurring(keep_going), clock.now)
    click.echo("worker ready")
    with ThreadPoolExecutor(len(beats), thread_name_prefix="beat") as threads:
        await asyncio.gather(
            keep_running(jobs, stop),
            *(keep_beating(beat, clock=clock.now, threads=threads, stop=stop) for beat in beats),
        )
