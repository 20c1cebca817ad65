"""Who has not earned their tier again yet, of those whose time is coming: for whoever tells them in time."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection
from sqlalchemy.orm import Session

from app.tiers import books
from app.tiers.bought import Tally, standing_sales
from app.tiers.plan import plans

BATCH = 1_000


def not_kept(connection: Connection | Session, member_ids: Sequence[int], *, at: datetime) -> list[int]:
    """Those of the members who would lose their tier if they bought nothing more from `at` on; by the plan of then."""
    held = plans(connection).at(at)
    if held is None:
        return []
    found = []
    for first in range(0, len(member_ids), BATCH):
        some = member_ids[first : first + BATCH]
        theirs = books.bought(connection, some)
        for one in books.recorded(connection, some, until=at):
            standing, place = one.standing, held.plan.place(one.standing.tier)
            if standing.counts_from is None or standing.valid_through is None or not place:
                continue
            bought = [each for each in theirs.get(one.member_id, ()) if each.at < at]
            until = standing.valid_through + timedelta(days=held.plan.grace_days)
            amount = Tally(held.plan, standing_sales(bought)).between(standing.counts_from, until)
            if amount < held.plan.levels[place].at_least:
                found.append(one.member_id)
    return found
