"""What staff do about feedback: answer, close, reopen. Each step names the version it has read, so that nobody answers
past what the member has just written."""

from datetime import datetime
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from app import audit
from app.db import into, transaction
from app.errors import Conflict, NotFound, VersionConflict
from app.facts.tell import tell
from app.feedback.chat import take_answer
from app.feedback.models import FeedbackMessage, FeedbackThread
from app.feedback.thread import Thread, show
from app.feedback.write import FeedbackErased

#: The fact, and the kind of message that comes of it.
ANSWERED = "feedback_answered"


class FeedbackClosed(Conflict):
    """It is closed: reopen it first."""

    code = "feedback_closed"


def answer(*, thread_id: str, version: int, body: str, close: bool, staff_id: int, now: datetime) -> Thread:
    """The member is told in their inbox that there is an answer, not what it says; who wrote in WeChat is answered
    there, as long as WeChat takes it. `close`: and that is that.

    Raises `NotFound`, `VersionConflict`, `FeedbackErased`, `FeedbackClosed`.
    """
    with transaction() as session:
        thread = _locked(session, thread_id, version)
        if thread.state == "closed":
            raise FeedbackClosed
        number = thread.messages + 1
        said = {
            "messages": number,
            "last_at": now,
            "answered_at": func.coalesce(FeedbackThread.answered_at, now),
        }
        _write(session, thread, state="closed" if close else "answered", **said)
        session.execute(
            into(FeedbackMessage),
            {
                "thread_id": thread_id,
                "message_no": number,
                "author": "staff",
                "staff_id": staff_id,
                "body": body,
                "at": now,
            },
        )
        subject = f"{thread_id}:{number}"
        payload: dict[str, Any] = {"thread_id": thread_id}
        until = take_answer(session, thread, body, now=now)
        if until is not None:
            payload |= {"message_no": number, "chat_until": until.isoformat()}
        tell(session, ANSWERED, subject=subject, member_id=thread.member_id, payload=payload, now=now)
        _record(session, staff_id, "answer", thread_id, now, message_no=number, close=close)
        return show(session, thread_id)


def close(*, thread_id: str, version: int, staff_id: int, now: datetime) -> Thread:
    """Without a word; twice is once. Raises `NotFound`, `VersionConflict`, `FeedbackErased`."""
    return _turn(thread_id, version, "closed", staff_id, now)


def reopen(*, thread_id: str, version: int, staff_id: int, now: datetime) -> Thread:
    """It waits for an answer again. Raises `NotFound`, `VersionConflict`, `FeedbackErased`."""
    return _turn(thread_id, version, "open", staff_id, now)


def _turn(thread_id: str, version: int, state: str, staff_id: int, now: datetime) -> Thread:
    with transaction() as session:
        thread = _locked(session, thread_id, version)
        if thread.state != state:
            _write(session, thread, state=state)
            _record(session, staff_id, "close" if state == "closed" else "reopen", thread_id, now)
        return show(session, thread_id)


def _locked(session: Session, thread_id: str, version: int) -> FeedbackThread:
    found = session.execute(
        select(FeedbackThread).where(FeedbackThread.id == thread_id).with_for_update()
    ).scalar_one_or_none()
    if found is None:
        raise NotFound
    if found.state == "erased":
        raise FeedbackErased
    if found.version != version:
        raise VersionConflict(version=found.version)
    return found


def _write(session: Session, thread: FeedbackThread, **values: Any) -> None:
    session.execute(
        update(FeedbackThread)
        .where(FeedbackThread.id == thread.id)
        .values(version=thread.version + 1, **values)
    )


def _record(session: Session, staff_id: int, verb: str, thread_id: str, now: datetime, **data: Any) -> None:
    actor = audit.Actor(type="staff", id=staff_id)
    audit.record(session, actor, f"feedback.{verb}", "feedback_thread", thread_id, now=now, **data)
