"""What an event is and when it takes place: typed values, and the event as it stands."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct
from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

from app.db import reading
from app.errors import Invalid, NotFound
from app.pictures import PictureId
from app.typed import convert

MOST_POINTS = 100_000_000
MOST_SEATS = 10_000
MOST_SEATS_EACH = 10
MOST_CANCEL_HOURS = 720
MOST_SESSIONS = 60
MOST_TIERS = 10
#: Within these every clock and calendar here can tell a time.
EARLIEST, LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
STATES = ("draft", "live", "closed", "cancelled")


class EventMalformed(Invalid):
    """Data: `reason`, what does not fit together."""

    code = "event_malformed"


class Content(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What members read. `notes` say what to bring and know. With `tiers` only members of these see and book it."""

    title_zh: Annotated[str, Meta(min_length=1, max_length=40)]
    title_en: Annotated[str, Meta(min_length=1, max_length=60)]
    about_zh: Annotated[str, Meta(max_length=1_000)] = ""
    about_en: Annotated[str, Meta(max_length=2_000)] = ""
    notes_zh: Annotated[str, Meta(max_length=500)] = ""
    notes_en: Annotated[str, Meta(max_length=1_000)] = ""
    picture_id: PictureId | None = None
    tiers: Annotated[
        tuple[Annotated[str, Meta(min_length=1, max_length=24)], ...], Meta(max_length=MOST_TIERS)
    ] = ()

    def seen_by(self, tier: str) -> bool:
        return not self.tiers or tier in self.tiers


def content_of(data: Mapping[str, Any]) -> Content:
    """Raises `EventMalformed`."""
    try:
        content: Content = convert(data, Content)
    except msgspec.ValidationError as error:
        raise EventMalformed(reason=str(error)) from None
    if len(set(content.tiers)) < len(content.tiers):
        raise EventMalformed(reason="tiers: a code stands there twice")
    return content


@dataclass(frozen=True, kw_only=True)
class Terms:
    """When a session is, how many seats it has, and what one costs: `points`, a coupon of a template, or nothing.

    It is booked within `[opens_at, closes_at)`; None: at once. Until `cancel_hours` before it everything comes back.
    """

    starts_at: datetime
    ends_at: datetime
    seats: int
    seats_each: int
    points: int
    template_id: str | None
    cancel_hours: int
    opens_at: datetime | None
    closes_at: datetime

    @property
    def fault(self) -> str | None:
        """What does not fit together in it."""
        times = [self.starts_at, self.ends_at, self.closes_at]
        if not all(EARLIEST <= at < LATEST for at in (*times, self.opens_at or self.starts_at)):
            return "a time is not between the years 2000 and 2199"
        if self.ends_at <= self.starts_at:
            return "ends_at is not after starts_at"
        if self.closes_at > self.starts_at:
            return "closes_at is after starts_at"
        if self.opens_at is not None and self.closes_at <= self.opens_at:
            return "closes_at is not after opens_at"
        if self.seats_each > self.seats:
            return "seats_each: there are not as many seats"
        if self.template_id is not None and (self.points, self.seats_each) != (0, 1):
            return "template_id: for a coupon there is one seat, and no points"
        return None


@dataclass(frozen=True, kw_only=True)
class Counts:
    """Seats booked (`booked` counts those of people who came, or did not, as well), and how it went."""

    waiting: int
    attended: int
    no_show: int


@dataclass(frozen=True, kw_only=True)
class SessionView:
    session_id: str
    state: str
    terms: Terms
    booked: int
    counts: Counts


@dataclass(frozen=True, kw_only=True)
class Event:
    """An event as it stands; its sessions in the order of time."""

    event_id: str
    version: int
    state: str
    store_id: int
    store: str
    time_zone: str
    content: Content
    sessions: Sequence[SessionView]


_EVENTS = text("""
    SELECT e.id, e.version, e.state, e.store_id, s.code AS store, s.time_zone, e.content
    FROM events e JOIN stores s ON s.id = e.store_id
    WHERE (CAST(:only AS text) IS NULL OR e.id = :only) AND (CAST(:before AS text) IS NULL OR e.id < :before)
        AND (CAST(:stores AS bigint[]) IS NULL OR e.store_id = ANY(:stores))
    ORDER BY e.id DESC LIMIT :limit""")
_SESSIONS = text("""
    SELECT s.*, c.* FROM event_sessions s CROSS JOIN LATERAL (
        SELECT coalesce(sum(b.seats) FILTER (WHERE b.state = 'waiting'), 0)::integer AS waiting,
            coalesce(sum(b.seats) FILTER (WHERE b.state = 'attended'), 0)::integer AS attended,
            coalesce(sum(b.seats) FILTER (WHERE b.state = 'no_show'), 0)::integer AS no_show
        FROM event_bookings b WHERE b.session_id = s.id) c
    WHERE s.event_id = ANY(:ids) ORDER BY s.starts_at, s.id""")


def one(connection: Connection | Session, event_id: str, stores: Collection[int] | None = None) -> Event:
    """The event, of one of the stores if any are given. Raises `NotFound`."""
    found = _read(connection, limit=1, before=None, only=event_id, stores=stores)
    if not found:
        raise NotFound
    return found[0]


def show(*, event_id: str, stores: Collection[int] | None) -> Event:
    """Raises `NotFound`."""
    with reading() as connection:
        return one(connection, event_id, stores)


def listing(*, stores: Collection[int] | None, limit: int, before: str | None) -> list[Event]:
    """Those of the stores (None: of all), the newest first."""
    with reading() as connection:
        return _read(connection, limit=limit, before=before, only=None, stores=stores)


def _read(
    connection: Connection | Session,
    *,
    limit: int,
    before: str | None,
    only: str | None,
    stores: Collection[int] | None,
) -> list[Event]:
    values = {
        "limit": limit,
        "before": before,
        "only": only,
        "stores": None if stores is None else sorted(stores),
    }
    rows = connection.execute(_EVENTS, values).all()
    sessions: dict[str, list[SessionView]] = {row.id: [] for row in rows}
    for row in connection.execute(_SESSIONS, {"ids": list(sessions)}):
        sessions[row.event_id].append(_session(row))
    return [
        Event(
            event_id=row.id,
            version=row.version,
            state=row.state,
            store_id=row.store_id,
            store=row.store,
            time_zone=row.time_zone,
            content=content_of(row.content),
            sessions=sessions[row.id],
        )
        for row in rows
    ]


def terms_of(row: Any) -> Terms:
    return Terms(**{name: getattr(row, name) for name in Terms.__dataclass_fields__})


def _session(row: Any) -> SessionView:
    counts = Counts(waiting=row.waiting, attended=row.attended, no_show=row.no_show)
    return SessionView(
        session_id=row.id, state=row.state, terms=terms_of(row), booked=row.taken, counts=counts
    )


def told(terms: Terms) -> dict[str, Any]:
    """For the audit log."""
    return {
        name: str(value) if isinstance(value, datetime) else value for name, value in asdict(terms).items()
    }
