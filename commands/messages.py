"""`flask --app wsgi messages …`: what waits to be sent, and whether it may be."""

import click
from flask import current_app
from flask.cli import AppGroup
from sqlalchemy import text

from app import clock
from app.audit import OPERATOR
from app.db import reading
from app.messages import epoch, outcome, unsent
from app.parts import Parts
from commands.words import said

group = AppGroup("messages", help="Messages that wait to be sent.")

_COUNTS = text("""
    SELECT channel, state, coalesce(reason, '') AS reason, count(*) AS messages FROM messages
    WHERE state IN ('pending', 'leased') GROUP BY 1, 2, 3 ORDER BY 1, 2, 3""")


@group.command("status")
def status() -> None:
    """Whether the outbox is held, and what waits, by channel."""
    with said():
        box = epoch.standing()
        with reading() as connection:
            rows = connection.execute(_COUNTS).all()
    click.echo(
        "open" if box.held_at is None else f"held since {box.held_at:%Y-%m-%d %H:%M:%S} UTC ({box.held_for})"
    )
    for row in rows:
        click.echo(f"{row.channel}\t{row.state}\t{row.messages}\t{row.reason}".rstrip())


@group.command("hold")
def hold() -> None:
    """Send nothing from now on; what has begun ends."""
    with said():
        held = epoch.hold(reason=epoch.BY_OPERATOR, actor=OPERATOR, now=clock.now())
    click.echo("held" if held else "it was held already")


@group.command("release")
@click.option(
    "--to-inbox", is_flag=True, help="What waits goes into the members' inboxes instead of being sent."
)
def release(to_inbox: bool) -> None:
    """Send again."""
    parts: Parts = current_app.extensions["parts"]
    with said():
        if to_inbox:
            _settle()
        known = parts.epoch.known(epoch.standing().name)
        released = epoch.release(known=known, actor=OPERATOR, now=clock.now())
    click.echo("released" if released else "it was not held")


def _settle() -> None:
    now = clock.now()
    if epoch.standing().held_at is None:
        raise click.ClickException("the outbox is not held; hold it first")
    while outcome.reclaim(now=now):
        pass
    if leased := unsent.still_leased():
        raise click.ClickException(f"{leased} messages are still leased; try again in a minute")
    click.echo(f"{unsent.into_inbox(now=now)} messages went into the inbox")
