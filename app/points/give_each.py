"""Points given to many members at once, in the transaction of whoever has a reason to."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy.orm import Session

from app.clock import HOME_ZONE, business_date
from app.ledger.post import POINTS, Cause, Posting, post_each
from app.points.lots import ends_at
from app.points.rules import NEVER, Expiry


def give_each(
    session: Session,
    points: int,
    *,
    lifetime_days: int | None,
    kind: str,
    members: Mapping[str, int],
    now: datetime,
) -> None:
    """So many to each, in one statement, for `lifetime_days` whole days (None: for ever).

    `members` by what each is given them for: `kind` and that are the cause, which has its effect once. Raises
    `AlreadyPosted`. The caller holds the members; accounts are taken in the order of their ids.
    """
    day = business_date(now, HOME_ZONE)
    lifetime = NEVER if lifetime_days is None else Expiry(kind="days", n=lifetime_days)
    ends = ends_at(lifetime, day, HOME_ZONE)
    cause = Cause(kind=kind, source_type=kind, source_id="", occurred_at=now, business_date=day)
    postings = {
        source_id: Posting(
            member_id=member_id, unit=POINTS, amount=points, house="points_gifted", expires_at=ends
        )
        for source_id, member_id in members.items()
    }
    post_each(session, cause, postings)
