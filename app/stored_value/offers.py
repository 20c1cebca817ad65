"""What is given for a top-up, as versions. Nothing is edited: a change is the next one (change_offer.py)."""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, insert, select, text
from sqlalchemy.orm import Session

from app import audit
from app.db import reading
from app.errors import Invalid, NotFound, VersionConflict
from app.stored_value.models import OfferVersion

#: A year typed wrongly; beyond it calendars end.
_FARTHEST = timedelta(days=36_525)


class OfferMalformed(Invalid):
    """Data: `reason`, what does not fit together."""

    code = "offer_malformed"


class OfferInThePast(Invalid):
    code = "offer_in_the_past"


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A version that is not one yet. `effective_from` None: at once; see `OfferVersion` for the others.

    `coupon_count` coupons of the template are given when it is credited, without one none.
    """

    name_zh: str
    name_en: str
    pay_fen: int
    bonus_fen: int = 0
    points: int = 0
    first_only: bool = False
    most_per_member: int | None = None
    bonus_parts: int = 1
    bonus_days: int | None = None
    points_days: int | None = None
    coupon_template_id: str | None = None
    coupon_count: int = 0
    effective_from: datetime | None = None
    effective_until: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Offer:
    """A version as it stands. `id` names this very version."""

    id: int
    offer_no: int
    version: int
    name_zh: str
    name_en: str
    pay_fen: int
    bonus_fen: int
    points: int
    first_only: bool
    most_per_member: int | None
    bonus_parts: int
    bonus_days: int | None
    points_days: int | None
    coupon_template_id: str | None
    coupon_count: int
    effective_from: datetime
    effective_until: datetime | None


def one_after_another(session: Session) -> None:
    """Until the transaction ends nobody else writes offers."""
    session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('top_up_offers', 0))"))


def next_no(session: Session) -> int:
    """The number of a new offer."""
    last: int = session.execute(text("SELECT coalesce(max(offer_no), 0) FROM top_up_offers")).scalar_one()
    return last + 1


def newest(session: Session, offer_no: int, version: int) -> Offer:
    """The newest version, if it is that one. Raises `NotFound`, `VersionConflict`."""
    found = session.execute(
        select(OfferVersion)
        .where(OfferVersion.offer_no == offer_no)
        .order_by(OfferVersion.version.desc())
        .limit(1)
    ).scalar_one_or_none()
    if found is None:
        raise NotFound
    if found.version != version:
        raise VersionConflict(version=found.version)
    return _offer(found)


def add(
    session: Session,
    offer_no: int,
    version: int,
    draft: Draft,
    actor: audit.Actor,
    action: str,
    now: datetime,
    *,
    approval_id: str | None = None,
) -> Offer:
    """Write the version. Raises `OfferInThePast`, `OfferMalformed`."""
    begins, ends = check(draft, action, now)
    row: dict[str, Any] = asdict(draft) | {
        "offer_no": offer_no,
        "version": version,
        "effective_from": begins,
        "approval_id": approval_id,
    }
    added = session.execute(
        insert(OfferVersion)
        .values(**row, created_by=actor.id if actor.type == "staff" else None, created_at=now)
        .returning(OfferVersion)
    ).scalar_one()
    told = row | {
        "effective_from": begins.isoformat(),
        "effective_until": None if ends is None else ends.isoformat(),
    }
    audit.record(session, actor, action, "top_up_offer", offer_no, now=now, **told)
    return _offer(added)


def check(draft: Draft, action: str, now: datetime) -> tuple[datetime, datetime | None]:
    """When it begins and ends. Raises `OfferInThePast`, `OfferMalformed`."""
    begins, until = draft.effective_from or now, draft.effective_until
    ends = until if action != "offer.end" else None
    if begins < now:
        raise OfferInThePast
    if max(begins, ends or begins) - now > _FARTHEST:
        raise OfferMalformed(reason="effective_from, effective_until: more than a hundred years away")
    if ends is not None and ends <= begins:
        raise OfferMalformed(reason="effective_until: not after effective_from")
    if draft.bonus_fen + draft.points + draft.coupon_count == 0:
        raise OfferMalformed(reason="bonus_fen, points, coupon_count: one of them above 0 is needed")
    if (draft.coupon_template_id is None) != (draft.coupon_count == 0):
        raise OfferMalformed(reason="coupon_template_id and coupon_count: both or none")
    if max(draft.bonus_fen, draft.points) > draft.pay_fen:
        raise OfferMalformed(reason="bonus_fen, points: at most pay_fen of each")
    if draft.bonus_parts > max(1, draft.bonus_fen):
        raise OfferMalformed(reason="bonus_parts: more than there are fen")
    return begins, until


# Of the versions that have begun the highest counts, and it only until its own end.
_IN_FORCE = """
    SELECT * FROM (
        SELECT DISTINCT ON (offer_no) * FROM top_up_offers WHERE effective_from <= :now
        ORDER BY offer_no, version DESC) newest
    WHERE (effective_until IS NULL OR effective_until > :now)"""


def in_force(
    connection: Connection | Session,
    *,
    now: datetime,
    limit: int | None = None,
    after: tuple[int, int] | None = None,
) -> list[Offer]:
    """What is offered at that instant, by what is to be paid and number; up to `limit` of those behind `after`."""
    question = (
        f"{_IN_FORCE} AND (pay_fen, offer_no) > (:pay_fen, :offer_no) ORDER BY pay_fen, offer_no LIMIT :limit"
    )
    pay_fen, offer_no = after or (0, 0)
    rows = connection.execute(
        text(question), {"now": now, "limit": limit, "pay_fen": pay_fen, "offer_no": offer_no}
    )
    return [_offer(row) for row in rows]


def that_counts(connection: Connection | Session, offer_id: int, *, now: datetime) -> Offer | None:
    """That very version if it is in force at that instant."""
    found = connection.execute(
        text(f"SELECT * FROM ({_IN_FORCE}) f WHERE id = :id"),  # noqa: S608  # a constant of our own
        {"now": now, "id": offer_id},
    ).one_or_none()
    return None if found is None else _offer(found)


def by_id(session: Session, offer_id: int) -> Offer:
    """A version, in force or not."""
    return _offer(session.execute(select(OfferVersion).where(OfferVersion.id == offer_id)).scalar_one())


_NEWEST = text("""
    SELECT DISTINCT ON (offer_no) * FROM top_up_offers WHERE offer_no > :after ORDER BY offer_no, version DESC
    LIMIT :limit""")


def listing(*, limit: int, after: int | None) -> list[Offer]:
    """The newest version of each, by number, in force or not."""
    with reading() as connection:
        return [_offer(row) for row in connection.execute(_NEWEST, {"limit": limit, "after": after or 0})]


def _offer(row: Any) -> Offer:
    return Offer(**{name: getattr(row, name) for name in Offer.__dataclass_fields__})
