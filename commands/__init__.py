"""What operators type: `flask --app wsgi …`, one file a subject."""

from flask import Flask

from commands import coupons, db, ledger, lottery, messages, openapi, policies, staff, stores, tiers, worker


def install(app: Flask) -> None:
    groups = (
        coupons.group,
        db.group,
        ledger.group,
        lottery.group,
        messages.group,
        openapi.group,
        policies.group,
        staff.group,
        stores.group,
        tiers.group,
    )
    for group in (*groups, worker.command):
        app.cli.add_command(group)
