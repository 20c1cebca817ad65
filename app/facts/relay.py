"""Handing facts to whoever reacts to them. Each fact is handled once, in the transaction that marks it."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ARRAY, BigInteger, ColumnElement, Select, all_, exists, literal, select, text, update
from sqlalchemy.orm import Session

from app.db import is_lost, reading, transaction
from app.facts.models import Fact

log = logging.getLogger(__name__)

#: What reacts to a kind of fact; runs inside the relay's transaction and must not call the outside world.
Consumer = Callable[[Session, Fact, datetime], None]
BATCH = 200
_FIRST_REST_S, _LONGEST_REST_S = 5, 3600

# One relay at a time: facts are handled in their order, and two batches cannot wait for each other's rows.
_ONLY_ONE = text("SELECT pg_try_advisory_xact_lock(hashtextextended('facts.relay', 0))")


@dataclass(frozen=True, kw_only=True)
class _Rest:
    failures: int
    until: datetime


class Relay:
    """One for each worker. `consumers` names what reacts to a kind; a kind that nobody reacts to is marked as well.

    A fact whose consumer fails does not hold up the others: it stays unhandled, rests, and is tried again after
    5 s, 10 s … at most an hour, each time with an error in the log; it is never given up. The rests are kept in
    memory: a restarted worker tries at once, which is what one wants after a defect was mended.
    """

    def __init__(self, consumers: Mapping[str, Consumer]) -> None:
        self._consumers = consumers
        self._resting: dict[int, _Rest] = {}

    def run(self, *, now: datetime) -> int:
        """Handle up to `BATCH` of the oldest; how many were looked at. Safe in several processes at once."""
        waiting = _waiting([fact_id for fact_id, rest in self._resting.items() if now < rest.until])
        with reading() as connection:
            if not connection.execute(select(exists().where(waiting))).scalar_one():
                return 0
        with transaction() as session:
            done = {fact.id: self._handled(session, fact, now) for fact in _taken(session, waiting)}
            handled = [fact_id for fact_id, well in done.items() if well]
            if handled:
                session.execute(update(Fact).where(Fact.id.in_(handled)).values(handled_at=now))
        # Only now: a transaction that came to nothing must not leave anybody resting.
        for fact_id, well in done.items():
            if well:
                self._resting.pop(fact_id, None)
            else:
                self._rest(fact_id, now)
        return len(done)

    def _handled(self, session: Session, fact: Fact, now: datetime) -> bool:
        """In a savepoint of its own, so that its failure undoes nothing but itself."""
        consumer, fact_id, kind = self._consumers.get(fact.kind), fact.id, fact.kind
        if consumer is None:
            return True
        try:
            with session.begin_nested():
                consumer(session, fact, now)
        except Exception as error:
            if is_lost(error):
                raise
            log.exception("fact %d (%s) could not be handled", fact_id, kind)
            return False
        return True

    def _rest(self, fact_id: int, now: datetime) -> None:
        former = self._resting.get(fact_id)
        failures = former.failures + 1 if former else 1
        rest_s = min(_LONGEST_REST_S, _FIRST_REST_S * 2 ** min(failures - 1, 16))
        self._resting[fact_id] = _Rest(failures=failures, until=now + timedelta(seconds=rest_s))


def _waiting(resting: Sequence[int]) -> ColumnElement[bool]:
    unhandled = Fact.handled_at.is_(None)
    if not resting:
        return unhandled
    return unhandled & (Fact.id != all_(literal(list(resting), ARRAY(BigInteger))))


def _taken(session: Session, waiting: ColumnElement[bool]) -> Sequence[Fact]:
    """The oldest facts, locked; none when another process is at it."""
    if not session.execute(_ONLY_ONE).scalar_one():
        return []
    return session.scalars(_oldest(waiting).with_for_update(skip_locked=True)).all()


def _oldest(waiting: ColumnElement[bool]) -> Select[Fact]:
    return select(Fact).where(waiting).order_by(Fact.id).limit(BATCH)
