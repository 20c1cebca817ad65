"""The verdicts on what tills uploaded, as they are kept, and what a terminal's uploads may still give in a day."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

from app.checkout.offline_item import Item, Refused
from app.checkout.offline_policy import OfflinePolicy
from app.clock import business_date
from app.db import ask
from app.stores.tills import Till

#: The constraint that refuses more points than a terminal's uploads may give in a day.
OVER_THE_TERMINALS_DAY = "ck_offline_days_within_limit"
#: So many of the newest numbers are looked through for gaps, and so many gaps are told.
_RECENT, MOST_GAPS = 1_000, 20


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What became of an item: `recorded` with the sale and what the member earned, or `refused` with the reason."""

    sequence: int
    verdict: str
    reason: str | None = None
    sale_id: str | None = None
    points: int = 0


@dataclass(frozen=True, kw_only=True)
class Gap:
    """Numbers that never came, both included."""

    first: int
    last: int


_JUDGED = """
    SELECT sequence, content_hash, verdict, reason, sale_id, points FROM offline_uploads
    WHERE terminal_id = %(terminal_id)s AND sequence = ANY(%(sequences)s::bigint[])"""


def judged(connection: psycopg.Connection[Any], till: Till, sequences: Sequence[int]) -> dict[int, Any]:
    """What of these numbers of the terminal has been judged."""
    values = {"terminal_id": till.terminal_id, "sequences": list(sequences)}
    return {row.sequence: row for row in ask(connection, _JUDGED, values)}


def again(item: Item, row: Any) -> Verdict:
    """The verdict that was given; another item may not have the number of one that was judged."""
    if row.content_hash != item.hash:
        return Verdict(sequence=item.sequence, verdict="refused", reason="sequence_reused")
    return Verdict(
        sequence=row.sequence,
        verdict=row.verdict,
        reason=row.reason,
        sale_id=row.sale_id,
        points=row.points,
    )


_GIVEN = "SELECT points FROM offline_days WHERE terminal_id = %(terminal_id)s AND received_on = %(day)s"


def check_room(
    driver: psycopg.Connection[Any], till: Till, points: int, policy: OfflinePolicy, now: datetime
) -> None:
    """Raises `Refused` when what the terminal's uploads give today would be too much with these points."""
    day = business_date(now, till.time_zone)
    given = sum(row.points for row in ask(driver, _GIVEN, {"terminal_id": till.terminal_id, "day": day}))
    if points and given + points > policy.most_points_a_day:
        raise Refused("points_of_day_used_up")


# The day's row comes last of all locks: whoever waits for it keeps nobody from anything else than this till's queue.
_COUNT = """
    INSERT INTO offline_days (terminal_id, received_on, points, most)
    VALUES (%(terminal_id)s, %(day)s, %(points)s, %(most)s)
    ON CONFLICT (terminal_id, received_on)
        DO UPDATE SET points = offline_days.points + excluded.points, most = excluded.most"""
_KEEP = """
    INSERT INTO offline_uploads (terminal_id, sequence, content_hash, verdict, reason, sale_id, points, receipt_no,
        amount_fen, sold_at, received_at, received_on)
    VALUES (%(terminal_id)s, %(sequence)s, %(hash)s, %(verdict)s, %(reason)s, %(sale_id)s, %(points)s, %(receipt_no)s,
        %(amount_fen)s, %(sold_at)s, %(now)s, %(day)s)"""


def keep(
    driver: psycopg.Connection[Any],
    till: Till,
    item: Item,
    verdict: Verdict,
    policy: OfflinePolicy,
    now: datetime,
) -> None:
    """Raises `UniqueViolation` if the number was judged meanwhile, `CheckViolation` of `OVER_THE_TERMINALS_DAY`."""
    values = {
        "terminal_id": till.terminal_id,
        "sequence": item.sequence,
        "hash": item.hash,
        "verdict": verdict.verdict,
        "reason": verdict.reason,
        "sale_id": verdict.sale_id,
        "points": verdict.points,
        "receipt_no": item.bill.receipt_no,
        "amount_fen": item.bill.amount_fen,
        "sold_at": item.sold_at,
        "now": now,
        "day": business_date(now, till.time_zone),
        "most": policy.most_points_a_day,
    }
    ask(driver, _KEEP, values)
    if verdict.points:
        ask(driver, _COUNT, values)


_GAPS = """
    SELECT previous + 1 AS first, sequence - 1 AS last FROM (
        SELECT sequence, lag(sequence) OVER (ORDER BY sequence) AS previous FROM (
            SELECT sequence FROM offline_uploads WHERE terminal_id = %(terminal_id)s
            ORDER BY sequence DESC LIMIT %(recent)s) recent) pairs
    WHERE previous < sequence - 1 ORDER BY sequence DESC LIMIT %(most)s"""


def missing(connection: psycopg.Connection[Any], till: Till) -> tuple[Gap, ...]:
    """The newest gaps in this terminal's numbers, lowest first."""
    values = {"terminal_id": till.terminal_id, "recent": _RECENT, "most": MOST_GAPS}
    found = ask(connection, _GAPS, values)
    return tuple(Gap(first=row.first, last=row.last) for row in reversed(found))
