"""What is written down about tiers, for many members in one statement each."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

from app.clock import HOME_ZONE, business_date
from app.db import into
from app.facts.tell import tell_each
from app.tiers.bought import Bought
from app.tiers.models import TierChange
from app.tiers.walk import BEGINNING, Change, Standing


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """What the books say of a member: the last row (`at` None, `seq` 0: there is none), and the tier on the card.

    `gifted` are the tiers for which a gift stands there that was not undone; `undone` how often one was, by tier.
    """

    member_id: int
    member_no: str
    active: bool
    card_tier: str
    seq: int
    at: datetime | None
    standing: Standing
    gifted: frozenset[str]
    undone: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Row:
    """A row to write. A tier's gift is the first, or, after it was undone, the next: `gift_no`."""

    member_id: int
    seq: int
    change: Change
    gift_points: int
    gift_no: int = 1
    undone: frozenset[str] = frozenset()


_RECORDED = text("""
    SELECT m.id, m.member_no, m.status, t.code, c.seq, c.at, c.to_tier, c.counts_from, c.valid_through, g.tiers,
        u.undone
    FROM members m JOIN tiers t ON t.id = m.tier_id
    LEFT JOIN LATERAL (
        SELECT * FROM tier_changes x
        WHERE x.member_id = m.id AND (CAST(:until AS timestamptz) IS NULL OR x.at <= :until)
        ORDER BY x.seq DESC LIMIT 1) c ON true
    LEFT JOIN LATERAL (
        SELECT array_agg(x.to_tier) AS tiers FROM tier_changes x WHERE x.member_id = m.id AND x.gift_points > 0
    ) g ON true
    LEFT JOIN LATERAL (
        SELECT array_agg(tier) AS undone FROM tier_changes x CROSS JOIN LATERAL unnest(x.gifts_undone) tier
        WHERE x.member_id = m.id
    ) u ON true
    WHERE m.id = ANY(:ids) ORDER BY m.id""")


def recorded(
    connection: Connection | Session, member_ids: Sequence[int], *, until: datetime | None = None
) -> list[Recorded]:
    """By member; with `until`, as the books stood then but for card and gifts."""
    rows = connection.execute(_RECORDED, {"ids": list(member_ids), "until": until})
    return [
        Recorded(
            member_id=row.id,
            member_no=row.member_no,
            active=row.status == "active",
            card_tier=row.code,
            seq=row.seq or 0,
            at=row.at,
            standing=BEGINNING
            if row.seq is None
            else Standing(tier=row.to_tier, counts_from=row.counts_from, valid_through=row.valid_through),
            gifted=frozenset((Counter(row.tiers) - Counter(row.undone)).elements()),
            undone=Counter(row.undone),
        )
        for row in rows
    ]


# A void takes all that is left of a sale. By time, and of one instant by id: in the same order whoever asks.
_BOUGHT = text("""
    SELECT member_id, occurred_at, store_id, amount_fen, id, false AS void FROM sales WHERE member_id = ANY(:ids)
    UNION ALL
    SELECT s.member_id, r.occurred_at, r.store_id, -r.amount_fen, s.id, r.reason = 'void'
    FROM sales s JOIN refunds r ON r.sale_id = s.id WHERE s.member_id = ANY(:ids)
    ORDER BY member_id, occurred_at, id""")


def bought(connection: Connection | Session, member_ids: Sequence[int]) -> Mapping[int, Sequence[Bought]]:
    """All purchases of these members, and refunds as negative ones, oldest first; who bought nothing is not in it."""
    rows = connection.execute(_BOUGHT, {"ids": list(member_ids)})
    return {
        member_id: [
            Bought(at, business_date(at, HOME_ZONE), store_id, amount_fen, sale_id, void)
            for _, at, store_id, amount_fen, sale_id, void in theirs
        ]
        for member_id, theirs in groupby(rows, key=itemgetter(0))
    }


def write(session: Session, rows: Sequence[Row], *, now: datetime) -> None:
    """Add the rows, and tell of who has come up. The key (member, seq) refuses a second one after the same row."""
    if rows:
        session.execute(into(TierChange), [_values(row, now) for row in rows])
    up = {f"{row.member_id}:{row.seq}": row.member_id for row in rows if row.change.kind == "upgrade"}
    tell_each(session, "tier_reached", members=up, now=now)


def _values(row: Row, now: datetime) -> dict[str, Any]:
    change = row.change
    return {
        "member_id": row.member_id,
        "seq": row.seq,
        "kind": change.kind,
        "from_tier": change.from_tier,
        "to_tier": change.standing.tier,
        "plan_version": change.plan_version,
        "amount": change.amount,
        "sale_id": change.sale_id,
        "gift_points": row.gift_points,
        "gift_no": row.gift_no,
        "gifts_undone": sorted(row.undone),
        "counts_from": change.standing.counts_from,
        "valid_through": change.standing.valid_through,
        "at": change.at,
        "decided_at": now,
    }


_CARDS = text("""
    UPDATE members m SET tier_id = t.id
    FROM unnest(CAST(:ids AS bigint[]), CAST(:codes AS text[])) AS v (id, code) JOIN tiers t ON t.code = v.code
    WHERE m.id = v.id AND m.tier_id <> t.id""")


def put_on_cards(session: Session, tiers: Iterable[tuple[int, str]]) -> None:
    """Tills, phones and earning rules read the tier from the member's own row."""
    pairs = list(tiers)
    if pairs:
        session.execute(_CARDS, {"ids": [one for one, _ in pairs], "codes": [code for _, code in pairs]})


_REVIEWED = text("""
    UPDATE tier_reviews r SET due_at = v.due_at, plan_version = :version
    FROM unnest(CAST(:ids AS bigint[]), CAST(:due AS timestamptz[])) AS v (member_id, due_at)
    WHERE r.member_id = v.member_id""")


def reviewed(session: Session, due: Mapping[int, datetime | None], *, version: int) -> None:
    """Say when each is due again, and that this plan has been applied to them."""
    values = {"ids": list(due), "due": list(due.values()), "version": version}
    session.execute(_REVIEWED, values)
