"""Points given to many members at once, in the transaction of whoever has a reason to."""

from collections.abc import Mapping

from sqlalchemy.orm import Session

from app.clock import HOME_ZONE
from app.ledger.post import POINTS, Cause, Posting, post_each
from app.points.lots import ends_at
from app.points.rules import NEVER, Expiry


def give_each(
    session: Session, points: int, *, lifetime_days: int | None, cause: Cause, members: Mapping[str, int]
) -> None:
    """So many to each, in one statement, for `lifetime_days` whole days by the chain's calendar (None: for ever).

    `members` by the source under which `cause` has its effect for each, once. Raises `AlreadyPosted`. Accounts are
    taken in the order of the members' ids, as everybody takes several.
    """
    lifetime = NEVER if lifetime_days is None else Expiry(kind="days", n=lifetime_days)
    ends = ends_at(lifetime, cause.business_date, HOME_ZONE)
    postings = {
        source_id: Posting(
            member_id=member_id, unit=POINTS, amount=points, house="points_gifted", expires_at=ends
        )
        for source_id, member_id in members.items()
    }
    post_each(session, cause, postings)
