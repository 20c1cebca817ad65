"""`flask --app wsgi ledger …`: are the books sound?"""

import click
from flask.cli import AppGroup
from sqlalchemy import text

from app import db
from app.ledger.check import QUESTIONS, differences

group = AppGroup("ledger", help="The books.")
_SHOWN = 100


@group.command("check")
def check() -> None:
    """Recompute everything from the entries; print each difference and exit with 1 if there is any."""
    found = 0
    with db.engine().connect() as connection, connection.begin():
        # One snapshot for all questions; a check on large books takes longer than a request may.
        connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        for difference in differences(connection):
            found += 1
            if found <= _SHOWN:
                click.echo(f"{difference.promise}: {difference.what} ({difference.detail})")
    if found:
        raise SystemExit(f"{found} differences")
    click.echo(f"{len(QUESTIONS)} questions, no difference")
