"""An activity as it stands, and whether it is open to a member now."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

from app.clock import HOME_ZONE, zone
from app.engagement.definitions import Definition, Kind, Promotion, definition_of
from app.errors import Conflict, NotFound
from app.points.fitting import MemberFacts, StoreFacts, fits

D = TypeVar("D", bound=Definition)
#: Whoever has no home store is at home in none.
_NOWHERE = 0


class ActivityNotOpen(Conflict):
    """Not begun, over, stopped, or not for this member."""

    code = "activity_not_open"


class ActivityUsedUp(Conflict):
    """What the activity may give at most is given."""

    code = "activity_used_up"


@dataclass(frozen=True, kw_only=True)
class Activity:
    """`points_most` and `coupons_most` are its budgets; None: no limit."""

    id: str
    kind: Kind
    state: str
    version: int
    name_zh: str
    name_en: str
    definition: Definition
    starts_at: datetime
    ends_at: datetime | None
    points_most: int | None
    points_given: int
    coupons_most: int | None
    coupons_given: int

    @property
    def discount_budget_fen(self) -> int | None:
        what = self.definition
        return what.discount.budget_fen if isinstance(what, Promotion) and what.discount is not None else None

    def is_open(self, now: datetime) -> bool:
        return self.state == "live" and self.starts_at <= now and (self.ends_at is None or now < self.ends_at)


@dataclass(frozen=True, kw_only=True)
class Participant:
    """A member as activities look at them."""

    id: int
    public_id: str
    facts: MemberFacts
    home_store_id: int | None
    points: int


COLUMNS = """
    a.id, a.kind, a.state, a.version, a.name_zh, a.name_en, a.definition, a.starts_at, a.ends_at,
    p.most AS points_most, coalesce(p.given, 0) AS points_given,
    c.most AS coupons_most, coalesce(c.given, 0) AS coupons_given
    FROM activities a LEFT JOIN activity_budgets p ON p.activity_id = a.id AND p.unit = 'points'
    LEFT JOIN activity_budgets c ON c.activity_id = a.id AND c.unit = 'coupons'"""
_ONE = text(f"SELECT {COLUMNS} WHERE a.id = :id")  # a constant of our own
_THESE = text(f"SELECT {COLUMNS} WHERE a.id = ANY(:ids)")  # a constant of our own
_OPEN = text(f"""
    SELECT {COLUMNS} WHERE a.kind = :kind AND a.state = 'live' AND a.starts_at <= :now
        AND (a.ends_at IS NULL OR a.ends_at > :now) AND a.id > :after ORDER BY a.id LIMIT :limit""")
_MEMBER = text("""
    SELECT m.id, m.public_id, m.birthday, m.home_store_id, t.code AS tier, coalesce(a.balance, 0) AS points
    FROM members m JOIN tiers t ON t.id = m.tier_id
    LEFT JOIN ledger_accounts a ON a.member_id = m.id AND a.unit = 'points'
    WHERE m.id = :id AND m.status = 'active'""")


def activity_of(row: Any) -> Activity:
    return Activity(**dict(row._mapping) | {"definition": definition_of(row.kind, row.definition)})


def one(connection: Connection | Session, activity_id: str) -> Activity:
    """Raises `NotFound`."""
    row = connection.execute(_ONE, {"id": activity_id}).one_or_none()
    if row is None:
        raise NotFound
    return activity_of(row)


def these(connection: Connection | Session, activity_ids: Collection[str]) -> list[Activity]:
    """Those of them that there are, in one statement."""
    return [activity_of(row) for row in connection.execute(_THESE, {"ids": list(activity_ids)})]


def open_now(
    connection: Connection | Session, kind: Kind, now: datetime, *, after: str = "", limit: int = 100
) -> list[Activity]:
    """Those of a kind that are on, oldest first; for whom is not asked."""
    values = {"kind": kind, "now": now, "after": after, "limit": limit}
    return [activity_of(row) for row in connection.execute(_OPEN, values)]


def participant(connection: Connection | Session, member_id: int) -> Participant:
    """Raises `NotFound` for a member who is not active."""
    row = connection.execute(_MEMBER, {"id": member_id}).one_or_none()
    if row is None:
        raise NotFound
    return Participant(
        id=row.id,
        public_id=row.public_id,
        facts=MemberFacts(tier=row.tier, birthday=row.birthday),
        home_store_id=row.home_store_id,
        points=row.points,
    )


def is_for(activity: Activity, member: Participant, now: datetime, store: StoreFacts | None = None) -> bool:
    """Whether its conditions hold for the member: in `store`, or where they are at home."""
    if member.points < activity.definition.points_at_least:
        return False
    here = store or StoreFacts(id=member.home_store_id or _NOWHERE, time_zone=HOME_ZONE)
    return fits(activity.definition.conditions, member.facts, here, now.astimezone(zone(here.time_zone)))


def opened(
    session: Session, activity_id: str, kind: type[D], member_id: int, now: datetime
) -> tuple[Activity, D, Participant]:
    """The activity, its definition and the member, if they may take part now.

    Raises `NotFound`, also for an activity of another kind and for a draft; `ActivityNotOpen`.
    """
    found, member = one(session, activity_id), participant(session, member_id)
    definition = found.definition
    if not isinstance(definition, kind) or found.state == "draft":
        raise NotFound
    if not found.is_open(now) or not is_for(found, member, now):
        raise ActivityNotOpen
    return found, definition, member
