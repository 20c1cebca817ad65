"""The member's word on the phone: whether a till may spend so much of their stored value and points."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import text

from app import audit
from app.checkout.sale_by_quote import QuoteExpired
from app.db import reading, transaction
from app.errors import Conflict, NotFound

#: Nobody stands at so many tills.
_MOST = 20


class ConfirmationDecided(Conflict):
    """Decided before, the other way. Data: `confirmation`."""

    code = "confirmation_decided"


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A till wants to spend so much of the member's stored value, and points that pay `points_fen`, on a purchase of
    `amount_fen`."""

    quote_id: str
    store: str
    amount_fen: int
    stored_value_fen: int
    points: int
    points_fen: int
    created_at: datetime
    expires_at: datetime


_OPEN = text("""
    SELECT q.quote_id, s.name AS store, q.amount_fen, q.stored_value_fen, q.points, q.points_fen,
        q.created_at, q.expires_at
    FROM (
        SELECT DISTINCT ON (q.ticket_id) q.id AS quote_id, q.store_id, q.ticket_id,
            CAST(q.priced ->> 'amount_fen' AS bigint) AS amount_fen, q.stored_value_fen,
            CAST(q.priced -> 'points' ->> 'points' AS bigint) AS points,
            CAST(q.priced -> 'points' ->> 'fen' AS bigint) AS points_fen, q.created_at, q.expires_at
        FROM quotes q WHERE q.member_id = :member_id AND q.confirmation = 'pending' AND q.expires_at > :now
        ORDER BY q.ticket_id, q.id DESC) q
    JOIN stores s ON s.id = q.store_id
    WHERE NOT EXISTS (SELECT FROM sales done WHERE done.ticket_id = q.ticket_id)
    ORDER BY q.quote_id DESC LIMIT :most""")


def waiting_for(*, member_id: int, now: datetime) -> list[Asked]:
    """What waits for the member's word, newest first: of each visit to a till the last question, until it has paid."""
    with reading() as connection:
        rows = connection.execute(_OPEN, {"member_id": member_id, "now": now, "most": _MOST})
        return [Asked(**row._mapping) for row in rows]


_DECIDE = text("""
    UPDATE quotes SET confirmation = :confirmation, decided_at = :now
    WHERE id = :id AND member_id = :member_id AND confirmation = 'pending' AND expires_at > :now RETURNING id""")
_FOUND = text(
    "SELECT confirmation, expires_at FROM quotes WHERE id = :id AND member_id = :member_id"
    " AND confirmation <> 'none'"
)


def confirm(*, member_id: int, quote_id: str, agree: bool, now: datetime) -> str:
    """Agree or decline, once; the same word again changes nothing. What holds afterwards.

    Raises `NotFound`, `QuoteExpired`, `ConfirmationDecided`.
    """
    wanted = "confirmed" if agree else "declined"
    values = {"id": quote_id, "member_id": member_id, "confirmation": wanted, "now": now}
    with transaction() as session:
        if session.execute(_DECIDE, values).one_or_none() is not None:
            actor = audit.Actor(type="member", id=member_id)
            audit.record(session, actor, f"quote.{wanted}", "quote", quote_id, now=now)
            return wanted
        found = session.execute(_FOUND, {"id": quote_id, "member_id": member_id}).one_or_none()
    if found is None:
        raise NotFound
    if found.confirmation == "pending":
        raise QuoteExpired
    if found.confirmation != wanted:
        raise ConfirmationDecided(confirmation=found.confirmation)
    return wanted


@dataclass(frozen=True, kw_only=True)
class Followed:
    """What came of a question: `paid` with the sale it was about, `ended` when there will be none, else `waiting`."""

    confirmation: str
    state: Literal["waiting", "paid", "ended"]
    expires_at: datetime


_FOLLOW = text("""
    SELECT q.confirmation, q.expires_at, own.id IS NOT NULL AS paid, other.id IS NOT NULL AS elsewhere
    FROM quotes q LEFT JOIN sales own ON own.quote_id = q.id LEFT JOIN sales other ON other.ticket_id = q.ticket_id
    WHERE q.id = :id AND q.member_id = :member_id AND q.confirmation <> 'none'""")


def follow(*, member_id: int, quote_id: str, now: datetime) -> Followed:
    """How it stands with the sale that the member was asked about. Raises `NotFound`, for others' questions too."""
    with reading() as connection:
        row = connection.execute(_FOLLOW, {"id": quote_id, "member_id": member_id}).one_or_none()
    if row is None:
        raise NotFound
    over = row.elsewhere or row.confirmation == "declined" or row.expires_at <= now
    return Followed(
        confirmation=row.confirmation,
        state="paid" if row.paid else "ended" if over else "waiting",
        expires_at=row.expires_at,
    )
