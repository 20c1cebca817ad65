"""Handing facts to whoever reacts to them. Each fact is handled once, in the transaction that marks it."""

from collections.abc import Callable, Mapping
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.db import transaction
from app.facts.models import Fact

#: What reacts to a kind of fact; runs inside the relay's transaction and must not call the outside world.
Consumer = Callable[[Session, Fact, datetime], None]
BATCH = 200


def relay(consumers: Mapping[str, Consumer], *, now: datetime) -> int:
    """Handle the oldest unhandled facts; how many there were. Safe to run in several processes at once.

    A fact that nobody reacts to is marked as well. If a consumer fails, the whole batch stays for the next run.
    """
    with transaction() as session:
        facts = session.scalars(
            select(Fact)
            .where(Fact.handled_at.is_(None))
            .order_by(Fact.id)
            .limit(BATCH)
            .with_for_update(skip_locked=True)
        ).all()
        for fact in facts:
            if consumer := consumers.get(fact.kind):
                consumer(session, fact, now)
        if facts:
            session.execute(
                update(Fact).where(Fact.id.in_([fact.id for fact in facts])).values(handled_at=now)
            )
        return len(facts)
