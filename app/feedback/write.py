"""What a member does about feedback: opens a thread, adds to it, has read it."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from app import idempotency
from app.db import into, transaction
from app.errors import Conflict, Invalid, NotFound
from app.feedback.models import FeedbackMessage, FeedbackThread
from app.feedback.thread import Category
from app.ids import new_id
from app.members.hold import hold
from app.stores.setup import store_by_code


class FeedbackErased(Conflict):
    """The member took consent back, and what was written is gone: nothing more can be added."""

    code = "feedback_erased"


class SaleNotYours(Invalid):
    """The member has no such purchase."""

    code = "sale_not_yours"


class SaleElsewhere(Invalid):
    """It was made in another store than the one that is named, which must not learn of it."""

    code = "sale_elsewhere"


@dataclass(frozen=True, kw_only=True)
class Opening:
    """`store` is a code; of a purchase, it is where that was made if none is named. `sale` is an id."""

    category: Category
    body: str
    store: str | None = None
    sale: str | None = None


@dataclass(frozen=True, kw_only=True)
class Written:
    """Without the words, for it is kept with the request's key."""

    thread_id: str
    message_no: int


def open_thread(*, member_id: int, opening: Opening, request: idempotency.Request, now: datetime) -> Written:
    """Raises `NotFound` for a store there is not, `SaleNotYours`, `SaleElsewhere`, `KeyReused`."""
    with transaction() as session:
        former = idempotency.claim(session, request, Written)
        if former is not None:
            return former
        _hold(session, member_id)
        thread_id = new_id(now)
        session.execute(
            into(FeedbackThread),
            {
                "id": thread_id,
                "member_id": member_id,
                "category": opening.category,
                "store_id": _where(session, member_id, opening),
                "sale_id": opening.sale,
                "state": "open",
                "version": 1,
                "messages": 1,
                "read_no": 0,
                "opened_at": now,
                "last_at": now,
            },
        )
        return say(session, thread_id, 1, opening.body, request, now)


def add(*, member_id: int, thread_id: str, body: str, request: idempotency.Request, now: datetime) -> Written:
    """Whatever its state was, it waits for an answer again. Raises `NotFound`, `FeedbackErased`, `KeyReused`."""
    with transaction() as session:
        former = idempotency.claim(session, request, Written)
        if former is not None:
            return former
        _hold(session, member_id)
        number = _own(session, member_id, thread_id).messages + 1
        session.execute(
            update(FeedbackThread)
            .where(FeedbackThread.id == thread_id)
            .values(state="open", version=FeedbackThread.version + 1, messages=number, last_at=now)
        )
        return say(session, thread_id, number, body, request, now)


def mark_read(*, member_id: int, thread_id: str) -> None:
    """All that is there by now; twice changes nothing. Raises `NotFound`."""
    with transaction() as session:
        mine = (FeedbackThread.id == thread_id) & (FeedbackThread.member_id == member_id)
        read = update(FeedbackThread).where(mine).values(read_no=FeedbackThread.messages)
        if not session.execute(read).rowcount:  # type: ignore[attr-defined]
            raise NotFound


_SALE = text("SELECT store_id FROM sales WHERE id = :id AND member_id = :member_id")
_CLOSE = text(
    "UPDATE feedback_threads SET state = 'erased', version = version + 1 WHERE member_id = :member_id"
)
_ERASE = text("""
    UPDATE feedback_messages SET body = NULL WHERE body IS NOT NULL
        AND thread_id IN (SELECT id FROM feedback_threads WHERE member_id = :member_id)""")


def erase(session: Session, member_id: int) -> None:
    """All words of the member's threads, answers too, for they quote. In two statements: an answer that is being
    written holds the thread, and is seen by the second. The caller holds the member."""
    session.execute(_CLOSE, {"member_id": member_id})
    session.execute(_ERASE, {"member_id": member_id})


def _hold(session: Session, member_id: int) -> None:
    """Raises `NotFound` for whoever is no active member."""
    if hold(session, member_id) != "active":
        raise NotFound


def _where(session: Session, member_id: int, opening: Opening) -> int | None:
    """Which store it is about. Raises `NotFound`, `SaleNotYours`, `SaleElsewhere`."""
    named = None if opening.store is None else store_by_code(session, opening.store)
    if opening.sale is None:
        return named
    bought = _where_bought(session, member_id, opening.sale)
    if named not in (None, bought):
        raise SaleElsewhere
    return bought


def _where_bought(session: Session, member_id: int, sale_id: str) -> int:
    row = session.execute(_SALE, {"id": sale_id, "member_id": member_id}).one_or_none()
    if row is None:
        raise SaleNotYours
    return int(row.store_id)


def _own(session: Session, member_id: int, thread_id: str) -> FeedbackThread:
    """The member's thread, locked. Raises `NotFound`, `FeedbackErased`."""
    mine = (FeedbackThread.id == thread_id) & (FeedbackThread.member_id == member_id)
    found = session.execute(select(FeedbackThread).where(mine).with_for_update()).scalar_one_or_none()
    if found is None:
        raise NotFound
    if found.state == "erased":
        raise FeedbackErased
    return found


def say(
    session: Session, thread_id: str, number: int, body: str, request: idempotency.Request, now: datetime
) -> Written:
    """The member's words, with the memory of the request; the caller has counted them in the thread."""
    session.execute(
        into(FeedbackMessage),
        {
            "thread_id": thread_id,
            "message_no": number,
            "author": "member",
            "body": body,
            "at": now,
        },
    )
    written = Written(thread_id=thread_id, message_no=number)
    idempotency.remember(session, request, written, now)
    return written
