"""What the database calls unsent after it was put back: rather into the inbox than a second time to a phone."""

from datetime import datetime

from sqlalchemy import text

from app.db import reading, transaction
from app.messages.cancel import inbox_items_of
from app.messages.models import INBOX

BATCH = 500

_LEASED = text("SELECT count(*) FROM messages WHERE state = 'leased' AND channel <> :inbox")

_SETTLE = text(f"""
    WITH unsent AS (
        SELECT id FROM messages WHERE state = 'pending' AND channel <> :inbox
        ORDER BY id LIMIT :limit FOR UPDATE SKIP LOCKED),
    settled AS (
        UPDATE messages m SET state = 'unknown', reason = 'restored', finished_at = :now
        FROM unsent WHERE m.id = unsent.id RETURNING m.id, m.member_id, m.kind, m.category, m.params),
    told AS (
        {inbox_items_of("settled m")})
    SELECT id FROM settled""")  # noqa: S608  # our own words


def still_leased() -> int:
    """How many messages workers had in hand; they are settled when their leases run out."""
    with reading() as connection:
        return int(connection.execute(_LEASED, {"inbox": INBOX}).scalar_one())


def into_inbox(*, now: datetime) -> int:
    """End what waits for a provider as unknown, and put it into the members' own lists; how many messages."""
    total = 0
    while True:
        with transaction() as session:
            asked = {"inbox": INBOX, "now": now, "limit": BATCH}
            settled = len(session.execute(_SETTLE, asked).all())
        total += settled
        if settled < BATCH:
            return total
