"""What is given for a top-up. Nothing is edited: a change is the next version, and never begins in the past."""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, insert, select, text
from sqlalchemy.orm import Session

from app import audit
from app.db import reading, transaction
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
    """A version that is not one yet. `effective_from` None: at once; see `OfferVersion` for the others."""

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
    effective_from: datetime
    effective_until: datetime | None


def create(*, draft: Draft, actor: audit.Actor, now: datetime) -> Offer:
    """A new offer. Raises `OfferInThePast`, `OfferMalformed`."""
    with transaction() as session:
        _one_after_another(session)
        last: int = session.execute(text("SELECT coalesce(max(offer_no), 0) FROM top_up_offers")).scalar_one()
        return _add(session, last + 1, 1, draft, actor, "offer.create", now)


def change(*, offer_no: int, version: int, draft: Draft, actor: audit.Actor, now: datetime) -> Offer:
    """The next version; it takes the place of those that were to begin later, too.

    `version` is the newest one the caller has seen. Raises `NotFound`, `VersionConflict`, `OfferInThePast`,
    `OfferMalformed`.
    """
    with transaction() as session:
        _one_after_another(session)
        _newest(session, offer_no, version)
        return _add(session, offer_no, version + 1, draft, actor, "offer.change", now)


def end(*, offer_no: int, version: int, actor: audit.Actor, now: datetime) -> Offer:
    """End it now, by a version that begins and ends at once. Raises `NotFound`, `VersionConflict`."""
    with transaction() as session:
        _one_after_another(session)
        known = asdict(_newest(session, offer_no, version))
        for name in ("id", "offer_no", "version"):
            del known[name]
        draft = Draft(**known | {"effective_from": now, "effective_until": now})
        return _add(session, offer_no, version + 1, draft, actor, "offer.end", now)


def _one_after_another(session: Session) -> None:
    session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('top_up_offers', 0))"))


def _newest(session: Session, offer_no: int, version: int) -> Offer:
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


def _add(
    session: Session,
    offer_no: int,
    version: int,
    draft: Draft,
    actor: audit.Actor,
    action: str,
    now: datetime,
) -> Offer:
    begins, ends = draft.effective_from or now, draft.effective_until
    _check(draft, begins, ends if action != "offer.end" else None, now)
    row: dict[str, Any] = asdict(draft) | {
        "offer_no": offer_no,
        "version": version,
        "effective_from": begins,
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


def _check(draft: Draft, begins: datetime, ends: datetime | None, now: datetime) -> None:
    if begins < now:
        raise OfferInThePast
    if max(begins, ends or begins) - now > _FARTHEST:
        raise OfferMalformed(reason="effective_from, effective_until: more than a hundred years away")
    if ends is not None and ends <= begins:
        raise OfferMalformed(reason="effective_until: not after effective_from")
    if draft.bonus_fen + draft.points == 0:
        raise OfferMalformed(reason="bonus_fen, points: one of them above 0 is needed")
    if max(draft.bonus_fen, draft.points) > draft.pay_fen:
        raise OfferMalformed(reason="bonus_fen, points: at most pay_fen of each")
    if draft.bonus_parts > max(1, draft.bonus_fen):
        raise OfferMalformed(reason="bonus_parts: more than there are fen")


# Of the versions that have begun the highest counts, and it only until its own end.
_IN_FORCE = """
    SELECT * FROM (
        SELECT DISTINCT ON (offer_no) * FROM top_up_offers WHERE effective_from <= :now
        ORDER BY offer_no, version DESC) newest
    WHERE effective_until IS NULL OR effective_until > :now"""


def in_force(connection: Connection | Session, *, now: datetime) -> list[Offer]:
    """What is offered at that instant, by what is to be paid."""
    rows = connection.execute(text(f"{_IN_FORCE} ORDER BY pay_fen, offer_no"), {"now": now})
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
