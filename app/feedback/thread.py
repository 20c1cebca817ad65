"""Threads of feedback as members and staff see them."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, get_args

from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

from app.db import reading
from app.errors import NotFound
from app.tiers.card import masked_name, masked_no

Category = Literal["product", "service", "store", "app", "other"]
CATEGORIES: tuple[Category, ...] = get_args(Category)
State = Literal["open", "answered", "closed", "erased"]
STATES: tuple[State, ...] = get_args(State)
MOST_CHARS = 1_000


@dataclass(frozen=True, kw_only=True)
class Thread:
    """`first` is how it began, None once it is erased. `unread`: our messages that the member has not read. `sale` is
    the id of the purchase it is about. `member` and `member_no` are masked. `chat_until`: so long an answer reaches the
    member in WeChat, where they wrote."""

    id: str
    version: int
    category: Category
    state: State
    store_id: int | None
    store: str | None
    store_name: str | None
    sale: str | None
    receipt_no: str | None
    member_no: str
    member: str
    first: str | None
    messages: int
    unread: int
    opened_at: datetime
    answered_at: datetime | None
    last_at: datetime
    chat_until: datetime | None


@dataclass(frozen=True, kw_only=True)
class Message:
    """`staff` is the name of who answered, for colleagues. `body` is None once it is erased."""

    message_no: int
    author: Literal["member", "staff"]
    staff: str | None
    body: str | None
    at: datetime


_THREADS = """
    SELECT t.id, t.version, t.category, t.state, t.store_id, s.code AS store, s.name AS store_name, t.sale_id AS sale,
        p.receipt_no, m.member_no, m.name AS member, f.body AS first, t.messages, t.opened_at, t.answered_at, t.last_at,
        CASE WHEN t.chat_left > 0 THEN t.chat_at + interval '48 hours' END AS chat_until,
        (SELECT count(*) FROM feedback_messages x
            WHERE x.thread_id = t.id AND x.message_no > t.read_no AND x.author = 'staff') AS unread
    FROM feedback_threads t JOIN members m ON m.id = t.member_id LEFT JOIN stores s ON s.id = t.store_id
    LEFT JOIN sales p ON p.id = t.sale_id
    JOIN feedback_messages f ON f.thread_id = t.id AND f.message_no = 1
    WHERE (CAST(:id AS varchar) IS NULL OR t.id = :id)
        AND (CAST(:member_id AS bigint) IS NULL OR t.member_id = :member_id)
        AND (CAST(:stores AS bigint[]) IS NULL OR t.store_id = ANY(:stores))
        AND (CAST(:state AS varchar) IS NULL OR t.state = :state)
        AND (CAST(:category AS varchar) IS NULL OR t.category = :category)"""
_NEWEST_FIRST = text(f"""{_THREADS}
    AND (CAST(:place AS varchar) IS NULL OR t.id < :place) ORDER BY t.id DESC LIMIT :limit""")
_OLDEST_FIRST = text(f"""{_THREADS}
    AND (CAST(:place AS varchar) IS NULL OR t.id > :place) ORDER BY t.id LIMIT :limit""")
_MESSAGES = text("""
    SELECT x.message_no, x.author, s.name AS staff, x.body, x.at
    FROM feedback_messages x LEFT JOIN staff s ON s.id = x.staff_id
    WHERE x.thread_id = :id AND x.message_no > :after ORDER BY x.message_no LIMIT :limit""")
_ANY: dict[str, Any] = {
    "id": None,
    "member_id": None,
    "stores": None,
    "state": None,
    "category": None,
    "place": None,
    "limit": 1,
}


def of_member(*, member_id: int, limit: int, before: str | None) -> list[Thread]:
    """The member's own, the newest first."""
    values = _ANY | {"member_id": member_id, "limit": limit, "place": before}
    with reading() as connection:
        return [_thread(row) for row in connection.execute(_NEWEST_FIRST, values)]


def of_stores(
    *,
    stores: Collection[int] | None,
    state: State | None,
    category: Category | None,
    limit: int,
    after: str | None,
) -> list[Thread]:
    """Those about some stores (None: all, and those about none); the oldest first."""
    values = {"stores": _sorted(stores), "state": state, "category": category, "limit": limit, "place": after}
    with reading() as connection:
        return [_thread(row) for row in connection.execute(_OLDEST_FIRST, _ANY | values)]


def own(*, member_id: int, thread_id: str) -> Thread:
    """One of the member's. Raises `NotFound`."""
    with reading() as connection:
        return show(connection, thread_id, member_id=member_id)


def one(*, thread_id: str, stores: Collection[int] | None) -> Thread:
    """One about one of those stores (None: any). Raises `NotFound`."""
    with reading() as connection:
        return show(connection, thread_id, stores=stores)


def show(
    connection: Connection | Session,
    thread_id: str,
    *,
    member_id: int | None = None,
    stores: Collection[int] | None = None,
) -> Thread:
    """Raises `NotFound`."""
    values = _ANY | {"id": thread_id, "member_id": member_id, "stores": _sorted(stores)}
    row = connection.execute(_NEWEST_FIRST, values).one_or_none()
    if row is None:
        raise NotFound
    return _thread(row)


def messages(*, thread_id: str, limit: int, after: int | None) -> list[Message]:
    """Of a thread that the caller has been shown, the oldest first."""
    with reading() as connection:
        found = connection.execute(_MESSAGES, {"id": thread_id, "after": after or 0, "limit": limit})
        return [Message(**row._mapping) for row in found]


def words(thread_id: str, message_no: int) -> str | None:
    """What a message says; None once it is erased."""
    asked = {"id": thread_id, "after": message_no - 1, "limit": 1}
    with reading() as connection:
        row = connection.execute(_MESSAGES, asked).one_or_none()
    return None if row is None else row.body


def _sorted(stores: Collection[int] | None) -> list[int] | None:
    return None if stores is None else sorted(stores)


def _thread(row: Any) -> Thread:
    masked = {"member": masked_name(row.member), "member_no": masked_no(row.member_no)}
    return Thread(**dict(row._mapping) | masked)
