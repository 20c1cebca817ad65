"""What operators type: `flask --app wsgi …`, one file a subject."""

from flask import Flask

from commands import db, ledger, openapi, staff, stores, tiers, worker


def install(app: Flask) -> None:
    for group in (
        db.group,
        ledger.group,
        openapi.group,
        staff.group,
        stores.group,
        tiers.group,
        worker.command,
    ):
        app.cli.add_command(group)
