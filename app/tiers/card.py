"""The member's card: who it is, which tier, what there is to spend. Read by phones and tills alike."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import psycopg
from sqlalchemy import Connection
from sqlalchemy.orm import Session

from app.db import ask


@dataclass(frozen=True, kw_only=True)
class TierName:
    code: str
    zh: str
    en: str


@dataclass(frozen=True, kw_only=True)
class Card:
    """`points` and `balance_fen` are what may be spent at the instant asked about.

    `pending` points beside them may not be spent yet, the first of them from `pending_from` on.
    """

    member_id: int
    public_id: str
    member_no: str
    name: str
    language: str
    birthday: date | None
    marketing_opt_out: bool
    phone_cipher: bytes | None
    joined_at: datetime
    status: str
    codes_valid_from_step: int
    tier: TierName
    points: int
    pending: int
    pending_from: datetime | None
    balance_fen: int


#: For a statement that looks at something else in the same trip (values: `member_id`, `now`).
CARD = """
    SELECT m.id AS member_id, m.public_id, m.member_no, m.name, m.language, m.birthday, m.marketing_opt_out,
        m.phone_cipher, m.joined_at, m.status, m.codes_valid_from_step, t.code AS tier_code, t.name_zh, t.name_en,
        coalesce(held.points, 0) AS points, coalesce(held.pending, 0) AS pending, held.pending_from,
        coalesce(held.fen, 0) AS fen
    FROM members m JOIN tiers t ON t.id = m.tier_id
    LEFT JOIN LATERAL (
        SELECT sum(l.remaining) FILTER (WHERE a.unit = 'points' AND l.available_at <= %(now)s)::bigint AS points,
            sum(l.remaining) FILTER (WHERE a.unit = 'points' AND l.available_at > %(now)s)::bigint AS pending,
            min(l.available_at) FILTER (WHERE a.unit = 'points' AND l.available_at > %(now)s) AS pending_from,
            sum(l.remaining) FILTER (WHERE a.unit IN ('principal_fen', 'bonus_fen')
                AND l.available_at <= %(now)s)::bigint AS fen
        FROM ledger_accounts a JOIN ledger_lots l ON l.account_id = a.id AND l.remaining > 0
        WHERE a.member_id = m.id AND (l.expires_at IS NULL OR l.expires_at > %(now)s)
    ) held ON true
    WHERE m.id = %(member_id)s"""


def card_of(
    connection: psycopg.Connection[Any] | Connection | Session, member_id: int, *, now: datetime
) -> Card | None:
    """The card of the member with that internal id, None when there is none. One statement."""
    rows = ask(connection, CARD, {"member_id": member_id, "now": now})
    return card_from(rows[0]) if rows else None


def card_from(row: Any) -> Card:
    """The card in a row that has the columns of `CARD`."""
    return Card(
        member_id=row.member_id,
        public_id=row.public_id,
        member_no=row.member_no,
        name=row.name,
        language=row.language,
        birthday=row.birthday,
        marketing_opt_out=row.marketing_opt_out,
        phone_cipher=row.phone_cipher,
        joined_at=row.joined_at,
        status=row.status,
        codes_valid_from_step=row.codes_valid_from_step,
        tier=TierName(code=row.tier_code, zh=row.name_zh, en=row.name_en),
        points=row.points,
        pending=row.pending,
        pending_from=row.pending_from,
        balance_fen=row.fen,
    )


def masked_no(member_no: str) -> str:
    """Enough to compare with what somebody reads out, too little to find them by."""
    return f"{'*' * (len(member_no) - 4)}{member_no[-4:]}"


def masked_name(name: str) -> str:
    """What a clerk sees: the first character, the rest as stars; a member without a name stays without."""
    return name[:1] + "*" * min(len(name) - 1, 3) if len(name) > 1 else name and "*"
