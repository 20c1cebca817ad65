"""What went through one till: sales and refunds by tender, top-ups, voids, credits of receipts, look-ups by phone."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

from app.clock import start_of_day
from app.ids import first_id
from app.stores.tills import Till


class Sum(msgspec.Struct, frozen=True, kw_only=True):
    kind: str
    count: int
    amount_fen: int


class Totals(msgspec.Struct, frozen=True, kw_only=True):
    """`refunds` and their tenders hold the `voids` as well.

    A sale that did not say how it was paid has the tender `unknown`. What was sold without network is not among the
    sales, wherever its time falls: it counts as `uploads`, when it arrived.
    """

    sales: int = 0
    sales_fen: int = 0
    without_member: int = 0
    tenders: tuple[Sum, ...] = ()
    refunds: int = 0
    refunds_fen: int = 0
    refund_tenders: tuple[Sum, ...] = ()
    voids: int = 0
    voids_fen: int = 0
    top_ups: tuple[Sum, ...] = ()
    top_up_refunds: tuple[Sum, ...] = ()
    retro_credits: int = 0
    retro_credits_fen: int = 0
    uploads: int = 0
    uploads_fen: int = 0
    phone_finds: int = 0
    phone_finds_of_nobody: int = 0

    @property
    def cash_fen(self) -> int:
        """What the drawer should have gained, as far as it was said what was cash."""
        came = _cash(self.tenders) + _cash(self.top_ups)
        return came - _cash(self.refund_tenders) - _cash(self.top_up_refunds)


def _cash(sums: tuple[Sum, ...]) -> int:
    return sum(one.amount_fen for one in sums if one.kind == "cash")


@dataclass(frozen=True, kw_only=True)
class Window:
    """What counts: of sales those recorded in `[from_id, until_id)`, of everything else what happened in
    `[since, until)`; with `day` only what belongs to that business day."""

    terminal_id: int
    from_id: str
    until_id: str
    since: datetime
    until: datetime
    day: date | None = None


def window_of_shift(terminal_id: int, opened_at: datetime, until: datetime) -> Window:
    return Window(
        terminal_id=terminal_id,
        from_id=first_id(opened_at),
        until_id=first_id(until),
        since=opened_at,
        until=until,
    )


def window_of_day(till: Till, day: date) -> Window:
    since = start_of_day(day, till.time_zone)
    return Window(
        terminal_id=till.terminal_id,
        from_id=first_id(since),
        until_id=first_id(start_of_day(day + timedelta(days=1), till.time_zone)),
        since=since,
        until=start_of_day(day + timedelta(days=1), till.time_zone),
        day=day,
    )


# The two questions that know how something was paid.
_TENDERS = """
    SELECT 'tender' AS what, coalesce(t.kind, 'unknown') AS kind, count(*) AS n,
        sum(coalesce(t.amount_fen, s.amount_fen)) AS fen, 0 AS more
    FROM sold s LEFT JOIN sale_tenders t ON t.sale_id = s.id GROUP BY 2"""
_REFUND_TENDERS = """
    SELECT 'refund_tender', coalesce(t.kind, 'unknown'), count(*), sum(coalesce(t.amount_fen, b.amount_fen)), 0
    FROM back b LEFT JOIN refund_tenders t ON t.refund_id = b.id GROUP BY 2"""
_TOTALS = text(f"""
    WITH sold AS (
        SELECT id, amount_fen, member_id FROM sales s WHERE terminal_id = :terminal_id AND id >= :from_id
            AND id < :until_id AND (CAST(:day AS date) IS NULL OR business_date = :day)
            AND NOT EXISTS (SELECT FROM offline_uploads u WHERE u.sale_id = s.id)),
    back AS (
        SELECT id, amount_fen, reason FROM refunds
        WHERE terminal_id = :terminal_id AND occurred_at >= :since AND occurred_at < :until)
    {_TENDERS}
    UNION ALL {_REFUND_TENDERS}
    UNION ALL SELECT 'sale', '', count(*), sum(amount_fen), count(*) FILTER (WHERE member_id IS NULL) FROM sold
    UNION ALL SELECT 'refund', '', count(*), sum(amount_fen), 0 FROM back
    UNION ALL SELECT 'void', '', count(*), sum(amount_fen), 0 FROM back WHERE reason = 'void'
    UNION ALL SELECT 'top_up', method, count(*), sum(amount_fen), 0 FROM top_ups
        WHERE terminal_id = :terminal_id AND credited_at >= :since AND credited_at < :until GROUP BY method
    UNION ALL SELECT 'top_up_refund', method, count(*), sum(amount_fen), 0 FROM top_up_refunds
        WHERE terminal_id = :terminal_id AND state = 'done' AND ended_at >= :since AND ended_at < :until GROUP BY method
    UNION ALL SELECT 'retro_credit', '', count(*), sum(amount_fen), 0 FROM sale_credits
        WHERE terminal_id = :terminal_id AND credited_at >= :since AND credited_at < :until
    UNION ALL SELECT 'upload', '', count(*), sum(amount_fen), 0 FROM offline_uploads
        WHERE terminal_id = :terminal_id AND received_at >= :since AND received_at < :until AND sale_id IS NOT NULL
    UNION ALL SELECT 'phone_find', '', count(*), 0, count(*) FILTER (WHERE member_id IS NULL) FROM phone_finds
        WHERE terminal_id = :terminal_id AND at >= :since AND at < :until""")  # noqa: S608  # constants of our own


def totals(connection: Connection | Session, window: Window) -> Totals:
    """All of it in one statement, so that it is of one moment."""
    rows = connection.execute(_TOTALS, {name: getattr(window, name) for name in window.__dataclass_fields__})
    by_what: dict[str, list[Any]] = {}
    for row in rows:
        by_what.setdefault(row.what, []).append(row)
    [sale], [refund], [void] = by_what["sale"], by_what["refund"], by_what["void"]
    [credit], [upload], [find] = by_what["retro_credit"], by_what["upload"], by_what["phone_find"]
    return Totals(
        sales=sale.n,
        sales_fen=_fen(sale),
        without_member=sale.more,
        tenders=_sums(by_what.get("tender", [])),
        refunds=refund.n,
        refunds_fen=_fen(refund),
        refund_tenders=_sums(by_what.get("refund_tender", [])),
        voids=void.n,
        voids_fen=_fen(void),
        top_ups=_sums(by_what.get("top_up", [])),
        top_up_refunds=_sums(by_what.get("top_up_refund", [])),
        retro_credits=credit.n,
        retro_credits_fen=_fen(credit),
        uploads=upload.n,
        uploads_fen=_fen(upload),
        phone_finds=find.n,
        phone_finds_of_nobody=find.more,
    )


def _sums(rows: list[Any]) -> tuple[Sum, ...]:
    found = (Sum(kind=row.kind, count=row.n, amount_fen=_fen(row)) for row in rows if row.n)
    return tuple(sorted(found, key=lambda one: one.kind))


def _fen(row: Any) -> int:
    return int(row.fen or 0)
