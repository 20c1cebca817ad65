"""What WeChat tells of a member's consent and of what became of a message (reference B5, B6).

Nobody can forge it (app/providers/wechat/push.py), and each event has one effect however often it comes.
"""

from datetime import datetime

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.db import Busy, transaction
from app.identity import followers
from app.identity.models import MemberIdentity
from app.members.phones import PhoneVault
from app.messages.cancel import inbox_items_of
from app.messages.consent import add, forget, note_answer
from app.messages.models import OFFICIAL, WECHAT
from app.providers.wechat.push import TEMPLATE_FINISHED, Push, SubscribeResult

_LONGEST_TEMPLATE_ID = 64
_POPUP, _CHANGE, _SENT = (
    "subscribe_msg_popup_event",
    "subscribe_msg_change_event",
    "subscribe_msg_sent_event",
)
NOT_DELIVERED = "not_delivered"

# The attempt keeps WeChat's id, and says like the message what became of it.
_TAKE_BACK = text(f"""
    WITH lost AS (
        UPDATE messages m SET state = 'failed', reason = :reason, finished_at = :now
        FROM message_attempts a
        WHERE m.member_id = :member_id AND m.template_id IS NOT DISTINCT FROM CAST(:template_id AS text)
            AND m.channel = :channel AND m.state = 'sent'
            AND a.message_id = m.id AND a.attempt = m.attempts AND a.provider_code = :msgid
        RETURNING m.id, m.member_id, m.kind, m.category, m.params, m.attempts),
    told AS (
        UPDATE message_attempts a SET outcome = 'failed' FROM lost
        WHERE a.message_id = lost.id AND a.attempt = lost.attempts),
    kept AS (
        {inbox_items_of("lost m")})
    SELECT id FROM lost""")  # noqa: S608  # our own words

_ON_ITS_WAY = text("""
    SELECT EXISTS (SELECT FROM messages m JOIN message_attempts a ON a.message_id = m.id AND a.attempt = m.attempts
        WHERE m.member_id = :member_id AND m.template_id IS NOT DISTINCT FROM CAST(:template_id AS text)
            AND m.channel = :channel AND m.state = 'leased' AND a.outcome IS NULL)""")
_FOLLOWER = text(
    "SELECT member_id FROM official_followers WHERE openid_index = :index AND member_id IS NOT NULL"
)


def apply_push(push: Push, *, provider: str, app_id: str, now: datetime) -> None:
    """Count what a member accepted, forget what they switched off, and put into the inbox what was not delivered.

    Events of strangers have no effect. Raises `Busy` for news of a message whose answer is not written down yet:
    WeChat brings it again.
    """
    if push.event not in (_POPUP, _CHANGE, _SENT) or "\0" in push.openid:
        return
    with transaction() as session:
        member_id = session.execute(
            select(MemberIdentity.member_id).where(
                MemberIdentity.provider == provider,
                MemberIdentity.app_id == app_id,
                MemberIdentity.subject == push.openid,
            )
        ).scalar_one_or_none()
        if member_id is None:
            return
        for place, result in enumerate(push.results):
            if not 0 < len(result.template_id) <= _LONGEST_TEMPLATE_ID or "\0" in result.template_id:
                continue  # no template of ours, and nothing the database would take
            if push.event == _SENT:
                _sent(session, member_id, WECHAT, result, now)
            else:
                _answered(session, member_id, push, place, now)


def apply_official(push: Push, *, app_id: str, vault: PhoneVault, now: datetime) -> None:
    """What the official account's events tell: who follows it, and what was not delivered. Raises as `apply_push`."""
    if push.event != TEMPLATE_FINISHED:
        followers.note(push, app_id=app_id, vault=vault, now=now)
        return
    with transaction() as session:
        index = vault.follower(app_id, push.openid)
        member_id = session.execute(_FOLLOWER, {"index": index}).scalar_one_or_none()
        if member_id is not None:
            for result in push.results:
                _sent(session, member_id, OFFICIAL, result, now)


def _answered(session: Session, member_id: int, push: Push, place: int, now: datetime) -> None:
    result, source = push.results[place], f"push:{push.dedupe_key}:{place}"
    accepted = result.outcome == "accept"
    if accepted and push.event == _POPUP:
        add(session, member_id, result.template_id, 1, cause="accepted", source=source, now=now)
    elif result.outcome == "reject" and push.event == _CHANGE:
        forget(session, member_id, result.template_id, cause="switched_off", source=source, now=now)
    elif result.outcome != "reject":
        return
    note_answer(session, member_id, result.template_id, accepted=accepted, at=min(push.created_at, now))


def _sent(session: Session, member_id: int, channel: str, result: SubscribeResult, now: datetime) -> None:
    """Of what arrived there is nothing to do. What did not has used its credit: WeChat took the message."""
    if not result.error_code or result.msgid is None or "\0" in result.msgid:
        return
    named = {"member_id": member_id, "channel": channel, "template_id": result.template_id or None}
    taken_back = session.execute(
        _TAKE_BACK, {**named, "msgid": result.msgid[:40], "reason": NOT_DELIVERED, "now": now}
    )
    if taken_back.one_or_none() is None and session.execute(_ON_ITS_WAY, named).scalar_one():
        raise Busy
