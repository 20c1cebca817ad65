"""What members were told, and what they did with it: in the inbox, and by campaigns through whatever channel."""

from sqlalchemy import ColumnElement, func, join

from app.messages.models import InboxItem, Message
from app.segments.fields.compare import any_of, number
from app.segments.fields.field import NUMBER_OPS, WORDS_OPS, Condition, Field
from app.segments.gathering import Gathering, Source
from app.segments.tables import CAMPAIGN_MEMBERS as TOLD

INBOX = Source(name="inbox", rows=InboxItem.__table__, member_id=InboxItem.member_id)
# What was called back or refused on its way was told to nobody; what failed is in the inbox.
CAMPAIGNS = Source(
    name="campaigns",
    rows=join(TOLD, Message, TOLD.c.message_id == Message.id).outerjoin(
        InboxItem, InboxItem.message_id == TOLD.c.message_id
    ),
    member_id=TOLD.c.member_id,
    where=(Message.state.in_(("sent", "failed", "unknown")),),
)


def _got(asked: Condition, gathering: Gathering) -> ColumnElement[bool]:
    lately = None if asked.days is None else InboxItem.created_at >= gathering.begins(asked.days)
    return number(gathering.count(INBOX, lately), asked)


def _read(asked: Condition, gathering: Gathering) -> ColumnElement[bool]:
    read = InboxItem.read_at.is_not(None)
    lately = read if asked.days is None else InboxItem.read_at >= gathering.begins(asked.days)
    return number(gathering.count(INBOX, lately), asked)


def _told(asked: Condition, gathering: Gathering) -> ColumnElement[bool]:
    these = TOLD.c.campaign_id.in_(asked.value)
    lately = these if asked.days is None else these & (TOLD.c.told_at >= gathering.begins(asked.days))
    return any_of(gathering.count(CAMPAIGNS, lately), asked)


def _opened(asked: Condition, gathering: Gathering) -> ColumnElement[bool]:
    """Opened in the inbox, or came by a tap on it: the later of the two."""
    opened_at = func.greatest(InboxItem.read_at, TOLD.c.clicked_at)
    these = TOLD.c.campaign_id.in_(asked.value) & opened_at.is_not(None)
    lately = these if asked.days is None else these & (opened_at >= gathering.begins(asked.days))
    return any_of(gathering.count(CAMPAIGNS, lately), asked)


MESSAGES = (
    Field(name="messages_got", kind="number", ops=NUMBER_OPS, windowed=True, condition=_got),
    Field(name="messages_read", kind="number", ops=NUMBER_OPS, windowed=True, condition=_read),
    Field(
        name="told_by_campaigns",
        kind="words",
        ops=WORDS_OPS,
        windowed=True,
        names="campaign",
        condition=_told,
    ),
    Field(
        name="opened_campaigns",
        kind="words",
        ops=WORDS_OPS,
        windowed=True,
        names="campaign",
        condition=_opened,
    ),
)
