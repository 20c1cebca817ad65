"""How many messages a second go to a provider, all workers together: a token bucket, one row for each channel.

In PostgreSQL, which is there whenever a message is: a cap kept in Redis would be off whenever Redis is away. The row is
read and written by whoever has locked the outbox to lease, and by nobody else.
"""

from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

#: What may go at once after a rest, as seconds of the rate; one message at least.
_BURST_S = 0.25
#: Clocks of workers differ by less. What lies further ahead was written by a clock that has been set back since.
_SKEW = timedelta(seconds=30)

_LOOK = text("SELECT spent_until FROM channel_paces WHERE channel = :channel")
_SPEND = text("""
    INSERT INTO channel_paces (channel, spent_until) VALUES (:channel, :until)
    ON CONFLICT (channel) DO UPDATE SET spent_until = excluded.spent_until""")


def room(session: Session, channel: str, *, per_second: int, now: datetime) -> int:
    """How many may go now."""
    left = now - _spent_until(session, channel, per_second, now)
    return max(0, left // timedelta(microseconds=1) * per_second // 1_000_000)


def spend(session: Session, channel: str, messages: int, *, per_second: int, now: datetime) -> None:
    """Count what goes."""
    until = _spent_until(session, channel, per_second, now) + timedelta(seconds=messages / per_second)
    session.execute(_SPEND, {"channel": channel, "until": until})


def _spent_until(session: Session, channel: str, per_second: int, now: datetime) -> datetime:
    full = now - timedelta(seconds=max(_BURST_S, 1 / per_second))
    spent_until: datetime | None = session.execute(_LOOK, {"channel": channel}).scalar_one_or_none()
    return full if spent_until is None or spent_until > now + _SKEW else max(full, spent_until)
