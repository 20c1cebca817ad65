"""What members did with what they were told in the inbox."""

from sqlalchemy import ColumnElement

from app.messages.models import InboxItem
from app.segments.fields.compare import number
from app.segments.fields.field import NUMBER_OPS, Condition, Field
from app.segments.gathering import Gathering, Source

INBOX = Source(name="inbox", rows=InboxItem.__table__, member_id=InboxItem.member_id)


def _got(asked: Condition, gathering: Gathering) -> ColumnElement[bool]:
    lately = None if asked.days is None else InboxItem.created_at >= gathering.begins(asked.days)
    return number(gathering.count(INBOX, lately), asked)


def _read(asked: Condition, gathering: Gathering) -> ColumnElement[bool]:
    read = InboxItem.read_at.is_not(None)
    lately = read if asked.days is None else InboxItem.read_at >= gathering.begins(asked.days)
    return number(gathering.count(INBOX, lately), asked)


MESSAGES = (
    Field(name="messages_got", kind="number", ops=NUMBER_OPS, windowed=True, condition=_got),
    Field(name="messages_read", kind="number", ops=NUMBER_OPS, windowed=True, condition=_read),
)
