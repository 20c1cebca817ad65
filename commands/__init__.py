"""What operators type: `flask --app wsgi …`, one file a subject."""

from flask import Flask

from commands import db, ledger, lottery, openapi, policies, staff, stores, tiers, worker


def install(app: Flask) -> None:
    groups = (
        db.group,
        ledger.group,
        lottery.group,
        openapi.group,
        policies.group,
        staff.group,
        stores.group,
        tiers.group,
    )
    for group in (*groups, worker.command):
        app.cli.add_command(group)
