"""Shifts: a clerk opens the drawer with so much in it and closes it with so much; what went through stays as it was.

Nothing is written to a sale: which shift it belongs to follows from its till and from when it was recorded. What is
recorded while no shift is open belongs to none, and stands in the totals of the day alone.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app import audit, idempotency
from app.checkout.daily_models import Shift
from app.checkout.totals import Totals, totals, window_of_day, window_of_shift
from app.clock import business_date
from app.db import reading, transaction
from app.errors import Conflict, NotFound
from app.ids import first_id, new_id
from app.staff.clerks import named_clerk
from app.stores.models import Terminal
from app.stores.tills import Till
from app.typed import convert

#: Of one till on one day.
_MOST_A_DAY = 50


class ShiftOpen(Conflict):
    """This till has an open shift, perhaps one of yesterday that nobody closed. Data: `shift_id`."""

    code = "shift_open"


@dataclass(frozen=True, kw_only=True)
class ShiftView:
    """`expected_fen` is what should be in the drawer, as far as it was said what was cash.

    Once closed, all figures are those of that moment; `difference_fen` is what was counted beyond what was expected.
    `left_open`: it is of a day before.
    """

    id: str
    store: str
    terminal: str
    business_date: date
    opened_by: str
    opened_at: datetime
    opening_fen: int
    closed_by: str | None
    closed_at: datetime | None
    counted_fen: int | None
    expected_fen: int | None
    difference_fen: int | None
    totals: Totals | None
    left_open: bool = False


@dataclass(frozen=True, kw_only=True)
class DayTotals:
    """All that went through a till on a business day, in its shifts and outside them."""

    terminal: str
    business_date: date
    totals: Totals
    shifts: tuple[ShiftView, ...]


def open_shift(*, till: Till, opening_fen: int, request: idempotency.Request, now: datetime) -> ShiftView:
    """Open the drawer. Raises `ShiftOpen`, `Forbidden` without a clerk who may sell here, `KeyReused`, `Busy`."""
    try:
        with transaction() as session:
            former = idempotency.claim(session, request, ShiftView)
            if former is not None:
                return former
            answer = _open(session, till, opening_fen, now)
            idempotency.remember(session, request, answer, now)
            return answer
    except IntegrityError as error:
        if "uq_shifts_one_open" in str(error.orig):
            raise ShiftOpen from error
        raise


def _open(session: Session, till: Till, opening_fen: int, now: datetime) -> ShiftView:
    till, staff_id = named_clerk(session, till)
    _lock_terminal(session, till.terminal_id)
    standing = _one(session, _OPEN, till)
    if standing is not None:
        raise ShiftOpen(shift_id=standing.id)
    # Servers' clocks are not quite one: a shift never begins before the one before it ended.
    opened_at = max(now, session.execute(_LAST, {"terminal_id": till.terminal_id}).scalar_one() or now)
    shift = Shift(
        id=new_id(now),
        store_id=till.store_id,
        terminal_id=till.terminal_id,
        business_date=business_date(opened_at, till.time_zone),
        opened_by=staff_id,
        opened_at=opened_at,
        opening_fen=opening_fen,
        from_id=first_id(opened_at),
    )
    session.add(shift)
    session.flush()
    _record(session, "shift.open", shift, staff_id, now, opening_fen=opening_fen)
    return _found(session, shift.id, till, now)


_LAST = text("SELECT max(closed_at) FROM shifts WHERE terminal_id = :terminal_id")


def close_shift(
    *, till: Till, shift_id: str, counted_fen: int, request: idempotency.Request, now: datetime
) -> ShiftView:
    """Close the drawer with what was counted in it, at any till of the store. Once it is closed, closing it again
    changes nothing and answers its figures.

    Raises `NotFound`, for other stores' shifts too; `Forbidden`, `KeyReused`, `Busy`.
    """
    with transaction() as session:
        former = idempotency.claim(session, request, ShiftView)
        if former is not None:
            return former
        till, staff_id = named_clerk(session, till)
        _close(session, till, shift_id, counted_fen, staff_id, now)
        answer = _found(session, shift_id, till, now)
        idempotency.remember(session, request, answer, now)
        return answer


def _close(
    session: Session, till: Till, shift_id: str, counted_fen: int, staff_id: int, now: datetime
) -> None:
    mine = select(Shift).where(Shift.id == shift_id, Shift.store_id == till.store_id)
    shift = session.execute(mine).scalar_one_or_none()
    if shift is None:
        raise NotFound
    _lock_terminal(session, shift.terminal_id)
    session.refresh(shift, with_for_update=True)
    if shift.closed_at is not None:
        return
    closed_at = max(now, shift.opened_at)
    went = totals(session, window_of_shift(shift.terminal_id, shift.opened_at, closed_at))
    shift.closed_at, shift.closed_by, shift.until_id = closed_at, staff_id, first_id(closed_at)
    shift.counted_fen, shift.expected_fen = counted_fen, shift.opening_fen + went.cash_fen
    shift.totals = msgspec.to_builtins(went)
    session.flush()
    _record(
        session,
        "shift.close",
        shift,
        staff_id,
        now,
        counted_fen=counted_fen,
        expected_fen=shift.expected_fen,
    )


def _lock_terminal(session: Session, terminal_id: int) -> None:
    """Shifts of a till come one after the other. What is being written at it now is waited for, so that a shift's
    figures hold it, and what comes later waits and is none of it any more (app/checkout/shift_time.py)."""
    session.execute(select(Terminal.id).where(Terminal.id == terminal_id).with_for_update())


def current_shift(*, till: Till, now: datetime) -> ShiftView:
    """The open shift of this till, with what went through so far. Raises `NotFound` when none is open."""
    with reading() as connection:
        row = _one(connection, _OPEN, till)
        if row is None:
            raise NotFound
        went = totals(connection, window_of_shift(till.terminal_id, row.opened_at, max(now, row.opened_at)))
    return _view(row, now, went)


def day_totals(*, till: Till, day: date | None, now: datetime) -> DayTotals:
    """Of this till; today's unless a day is named."""
    day = day or business_date(now, till.time_zone)
    with reading() as connection:
        went = totals(connection, window_of_day(till, day))
        values = {"terminal_id": till.terminal_id, "day": day, "most": _MOST_A_DAY}
        rows = connection.execute(_OF_DAY, values).all()
        [terminal] = connection.execute(_TERMINAL, {"id": till.terminal_id}).scalars()
    return DayTotals(
        terminal=terminal,
        business_date=day,
        totals=went,
        shifts=tuple(_view(row, now) for row in rows),
    )


def listing(
    *, stores: Collection[int] | None, day: date | None, limit: int, before: str | None, now: datetime
) -> list[ShiftView]:
    """Shifts of those stores (None: all), newest first; with `day` those that were opened on it."""
    values = {
        "stores": None if stores is None else sorted(stores),
        "day": day,
        "limit": limit,
        "before": before,
    }
    with reading() as connection:
        return [_view(row, now) for row in connection.execute(_LISTED, values)]


_SHIFT = """
    SELECT h.*, s.code AS store, s.time_zone, t.code AS terminal, a.staff_no AS opener, b.staff_no AS closer
    FROM shifts h JOIN stores s ON s.id = h.store_id JOIN terminals t ON t.id = h.terminal_id
    JOIN staff a ON a.id = h.opened_by LEFT JOIN staff b ON b.id = h.closed_by
    WHERE """
_OF_DAY = text(f"{_SHIFT} h.terminal_id = :terminal_id AND h.business_date = :day ORDER BY h.id LIMIT :most")
_LISTED = text(f"""{_SHIFT} (CAST(:stores AS bigint[]) IS NULL OR h.store_id = ANY(:stores))
    AND (CAST(:day AS date) IS NULL OR h.business_date = :day)
    AND (CAST(:before AS text) IS NULL OR h.id < :before) ORDER BY h.id DESC LIMIT :limit""")
_OPEN = "h.terminal_id = :terminal_id AND h.closed_at IS NULL"
_TERMINAL = text("SELECT code FROM terminals WHERE id = :id")


def _one(connection: Connection | Session, which: str, till: Till, **values: object) -> Row[Any] | None:
    return connection.execute(text(_SHIFT + which), {"terminal_id": till.terminal_id, **values}).one_or_none()


def _found(session: Session, shift_id: str, till: Till, now: datetime) -> ShiftView:
    row = _one(session, "h.id = :id", till, id=shift_id)
    assert row is not None
    return _view(row, now)


def _view(row: Row[Any], now: datetime, went: Totals | None = None) -> ShiftView:
    if row.totals is not None:
        went = convert(row.totals, Totals)
    expected_fen = row.expected_fen
    if expected_fen is None and went is not None:
        expected_fen = row.opening_fen + went.cash_fen
    return ShiftView(
        id=row.id,
        store=row.store,
        terminal=row.terminal,
        business_date=row.business_date,
        opened_by=row.opener,
        opened_at=row.opened_at,
        opening_fen=row.opening_fen,
        closed_by=row.closer,
        closed_at=row.closed_at,
        counted_fen=row.counted_fen,
        expected_fen=expected_fen,
        difference_fen=None if row.counted_fen is None else row.counted_fen - row.expected_fen,
        totals=went,
        left_open=row.closed_at is None and row.business_date < business_date(now, row.time_zone),
    )


def _record(
    session: Session, action: str, shift: Shift, staff_id: int, now: datetime, **figures: int
) -> None:
    actor = audit.Actor(type="staff", id=staff_id)
    audit.record(session, actor, action, "shift", shift.id, now=now, store_id=shift.store_id, **figures)
