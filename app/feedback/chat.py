"""What members write to customer service in WeChat is feedback like any other, and staff answer it there.

WeChat takes answers for 48 hours after the member's last message, and five of them. Whoever only opens the
conversation has said nothing: that lets nobody write to them.
"""

import hashlib
from datetime import datetime, timedelta

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from app import idempotency
from app.db import transaction
from app.feedback.models import FeedbackMessage, FeedbackThread
from app.feedback.thread import MOST_CHARS
from app.feedback.write import Written, say
from app.identity.models import MemberIdentity
from app.ids import new_id
from app.members.models import Member
from app.providers.wechat import Push

WINDOW, MOST_ANSWERS = timedelta(hours=48), 5
#: Of a text in bytes; what is longer waits for the member in the mini-program.
_LONGEST_ANSWER = 2_048
#: As many as on the phone; more of a day is not kept.
MESSAGES_A_DAY = 60
_SCOPE = "wechat_chat"


def hear(push: Push, *, provider: str, app_id: str, now: datetime) -> None:
    """Keep what an active member wrote, once however often it is brought; of strangers nothing is kept."""
    body = _readable(push.text or "")
    if not body or "\0" in push.openid:
        return
    at = min(push.created_at, now)
    request = idempotency.Request(
        scope=_SCOPE, key=push.dedupe_key, hash=hashlib.sha256(push.dedupe_key.encode()).digest()
    )
    with transaction() as session:
        if idempotency.claim(session, request, Written) is not None:
            return
        member_id = _writer(session, push.openid, provider, app_id)
        if member_id is None:
            return
        thread = _thread(session, member_id, at, now)
        if _heard_today(session, thread, now) < MESSAGES_A_DAY:
            _add(session, thread, body, at, request, now)


def take_answer(session: Session, thread: FeedbackThread, body: str, *, now: datetime) -> datetime | None:
    """Until when WeChat takes this answer to the thread, which then counts; None: it does not.

    The caller holds the thread.
    """
    if thread.chat_at is None or not thread.chat_left or len(body.encode()) > _LONGEST_ANSWER:
        return None
    until = thread.chat_at + WINDOW
    if now >= until:
        return None
    session.execute(
        update(FeedbackThread)
        .where(FeedbackThread.id == thread.id)
        .values(chat_left=FeedbackThread.chat_left - 1)
    )
    return until


def _writer(session: Session, openid: str, provider: str, app_id: str) -> int | None:
    """The active member behind an openid, held against another message of theirs."""
    row = session.execute(
        select(Member.id, Member.status)
        .join(MemberIdentity, MemberIdentity.member_id == Member.id)
        .where(
            MemberIdentity.provider == provider,
            MemberIdentity.app_id == app_id,
            MemberIdentity.subject == openid,
        )
        .with_for_update(key_share=True, of=Member)
    ).one_or_none()
    return row.id if row is not None and row.status == "active" else None


def _thread(session: Session, member_id: int, at: datetime, now: datetime) -> FeedbackThread:
    """The member's conversation, begun now if there is none; what was erased is not gone on with."""
    mine = (FeedbackThread.member_id == member_id) & FeedbackThread.chat_at.is_not(None)
    found = session.execute(
        select(FeedbackThread).where(mine, FeedbackThread.state != "erased").with_for_update()
    ).scalar_one_or_none()
    if found is not None:
        return found
    thread = FeedbackThread(
        id=new_id(now),
        member_id=member_id,
        category="other",
        state="open",
        version=1,
        messages=0,
        read_no=0,
        opened_at=now,
        last_at=now,
        chat_at=at,
        chat_left=MOST_ANSWERS,
    )
    session.add(thread)
    session.flush()
    return thread


def _heard_today(session: Session, thread: FeedbackThread, now: datetime) -> int:
    theirs = (FeedbackMessage.thread_id == thread.id) & (FeedbackMessage.author == "member")
    lately = FeedbackMessage.at > now - timedelta(days=1)
    found = select(func.count()).select_from(FeedbackMessage).where(theirs, lately)
    return session.execute(found).scalar_one()


def _add(
    session: Session,
    thread: FeedbackThread,
    body: str,
    at: datetime,
    request: idempotency.Request,
    now: datetime,
) -> None:
    number = thread.messages + 1
    values = {"state": "open", "messages": number, "last_at": now}
    if number > 1:
        values["version"] = FeedbackThread.version + 1
    if thread.chat_at is None or at >= thread.chat_at:
        values |= {"chat_at": at, "chat_left": MOST_ANSWERS}
    session.execute(update(FeedbackThread).where(FeedbackThread.id == thread.id).values(**values))
    say(session, thread.id, number, body, request, now)


def _readable(text: str) -> str:
    """What the phone's own form would take: printable, and more than blanks."""
    return "".join(one for one in text if one == "\n" or one.isprintable()).strip()[:MOST_CHARS]
