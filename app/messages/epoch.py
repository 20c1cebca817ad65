"""Whether the database was put back to an earlier moment: then what it calls unsent may have been sent.

Each batch that is leased for a provider moves a number forward: inside the database in the same transaction, and
outside, in Redis, before anything of it is sent. A number inside that is behind the one outside means that batches were
sent which the database knows nothing of. Then the outbox is held until an operator releases it (docs/adr/0019).
"""

import logging
import time
from dataclasses import dataclass
from datetime import datetime

import redis
from redis.exceptions import RedisError
from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from app import audit
from app.db import reading, transaction
from app.messages.models import Outbox

log = logging.getLogger(__name__)

_AWAY_S, _SAID_EVERY_S = 5.0, 60.0
RESTORED, BY_OPERATOR = "restored", "operator"
#: Never backwards: two workers may tell theirs in any order.
_RAISE = """
    local known = tonumber(redis.call('get', KEYS[1]) or '-1')
    if tonumber(ARGV[1]) > known then redis.call('set', KEYS[1], ARGV[1]) end return 0"""


class Behind(Exception):
    """The database is at an earlier moment than the one at which we sent last."""


class Epoch:
    """The number outside. A Redis that is missing or away knows nothing and holds up nobody."""

    def __init__(self, server: redis.Redis | None) -> None:
        self._server = server
        self._away_until = self._said_until = 0.0

    def known(self, name: str) -> int | None:
        """The last number that was told for the outbox of that name."""
        server = self._reachable()
        if server is None:
            return None
        try:
            value = server.get(_key(name))
        except RedisError as error:
            self._lost(error)
            return None
        return int(value) if isinstance(value, bytes | str) and value.isdigit() else None

    def tell(self, name: str, batches: int) -> None:
        server = self._reachable()
        if server is None:
            return
        try:
            server.eval(_RAISE, 1, _key(name), str(batches))
        except RedisError as error:
            self._lost(error)

    def say_held(self, reason: str | None) -> None:
        """Once a minute, to the log: an operator has to look."""
        if time.monotonic() >= self._said_until:
            self._said_until = time.monotonic() + _SAID_EVERY_S
            log.error("the outbox is held (%s): see `flask --app wsgi messages status`", reason)

    def _reachable(self) -> redis.Redis | None:
        return self._server if time.monotonic() >= self._away_until else None

    def _lost(self, error: RedisError) -> None:
        self._away_until = time.monotonic() + _AWAY_S
        log.warning("outbox: a restore would go unnoticed now, redis failed (%s)", type(error).__name__)


def _key(name: str) -> str:
    return f"outbox:{{{name}}}:batches"


@dataclass(frozen=True, kw_only=True)
class Standing:
    """Of the outbox: its name, how many batches were leased, since when and why it is held."""

    name: str
    batches: int
    held_at: datetime | None
    held_for: str | None


def standing() -> Standing:
    with reading() as connection:
        row = connection.execute(select(Outbox.name, Outbox.batches, Outbox.held_at, Outbox.held_for)).one()
    return Standing(name=row.name, batches=row.batches, held_at=row.held_at, held_for=row.held_for)


_NEXT = text("UPDATE outbox SET batches = batches + 1 WHERE held_at IS NULL RETURNING batches")


def next_batch(session: Session, known: int | None) -> int | None:
    """The number of a batch that is leased now; None when the outbox is held. Raises `Behind`: lease nothing."""
    number: int | None = session.execute(_NEXT).scalar_one_or_none()
    if number is not None and known is not None and known >= number:
        raise Behind
    return number


def hold(*, reason: str, actor: audit.Actor, now: datetime) -> bool:
    """Nothing is leased for a provider from now on; False when it was held already."""
    with transaction() as session:
        held = session.execute(
            update(Outbox)
            .where(Outbox.held_at.is_(None))
            .values(held_at=now, held_for=reason)
            .returning(Outbox.name)
        ).one_or_none()
        if held is not None:
            audit.record(session, actor, "messages.hold", "outbox", held.name, now=now, reason=reason)
    return held is not None


def release(*, known: int | None, actor: audit.Actor, now: datetime) -> bool:
    """Send again, beginning after the number that is `known` outside; False when nothing was held."""
    with transaction() as session:
        box = session.execute(select(Outbox).with_for_update()).scalar_one()
        if box.held_at is None:
            return False
        box.batches = max(box.batches, known or 0)
        box.held_at = box.held_for = None
        audit.record(session, actor, "messages.release", "outbox", box.name, now=now)
    return True
