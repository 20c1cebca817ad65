"""`flask --app wsgi tiers …`: is every member in the tier they should be in?"""

from datetime import date, datetime, timedelta

import click
from flask.cli import AppGroup

from app import clock
from app.clock import HOME_ZONE
from app.tiers.recompute import differences, mend
from app.tiers.review import SETTLE

group = AppGroup("tiers", help="Member tiers.")
_SHOWN = 100


@group.command("recompute")
@click.option("--check", is_flag=True, help="Only look: print each difference, exit with 1 if there is any.")
@click.option("--on", type=click.DateTime(["%Y-%m-%d"]), help="With --check: as of the end of that day.")
def recompute(check: bool, on: datetime | None) -> None:
    """Work out every member's tier anew from purchases and plans, and write what the history lacks."""
    now = clock.now()
    if on is not None and not check:
        raise click.UsageError("--on looks at the past, which nobody can change: give --check too")
    # What was bought a moment ago is still being decided.
    found = (
        differences(until=_end_of(on.date(), now) if on else now - SETTLE, card=on is None)
        if check
        else mend(now=now)
    )
    count = 0
    for difference in found:
        count += 1
        if count <= _SHOWN:
            click.echo(f"{difference.member_no}: {difference.problem}")
    if check and count:
        raise SystemExit(f"{count} differences")
    click.echo(f"{count} mended" if not check else "no difference")


def _end_of(day: date, now: datetime) -> datetime:
    ends = clock.start_of_day(day + timedelta(days=1), HOME_ZONE) - timedelta(microseconds=1)
    if ends > now - SETTLE:
        raise click.UsageError("that day is not over")
    return ends
