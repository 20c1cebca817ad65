"""Delivery: what was leased is begun in small groups, sent, and the outcomes are recorded.

No transaction is open while the provider is called.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable, Sequence

from app.db import Busy, DatabaseAway
from app.messages.channels import Clock, Send
from app.messages.lease import Leased, begin, give_back
from app.messages.outcome import Outcome, record
from app.messages.outlets import Outlet
from app.providers import ProviderRefused, ProviderUnavailable

log = logging.getLogger(__name__)

#: So many messages are begun by one statement at most, and so many such groups are under way at once. Their product
#: stays below what a channel takes at once: what is begun must not queue.
GROUP, LANES = 20, 3
_PAUSES_S = (0.2, 1.0, 3.0)


def put_into_inbox(messages: Sequence[Leased], *, now: Clock) -> None:
    """Deliver what needs no provider."""
    begun = begin(messages, now=now())
    record([Outcome(message=message, provider_code=None, error=None) for message in begun], now=now())


def deliver(
    messages: Sequence[Leased],
    *,
    outlet: Outlet,
    now: Clock,
    keep_going: Callable[[], bool] = lambda: True,
) -> None:
    """Deliver what was leased of one channel and record what came of it.

    Once told to stop, or when the provider does not answer any more, gives back what was not begun.
    """
    people = _by_person(messages)
    try:
        asyncio.run(_send_all(people, outlet, now, keep_going))
    finally:
        give_back([message for person in people for message in person])


def _by_person(messages: Iterable[Leased]) -> deque[deque[Leased]]:
    """The messages of one person stay in order, one after another (43108)."""
    people: dict[int, deque[Leased]] = {}
    for message in messages:
        people.setdefault(message.member_id, deque()).append(message)
    return deque(people.values())


async def _send_all(
    people: deque[deque[Leased]], outlet: Outlet, now: Clock, keep_going: Callable[[], bool]
) -> None:
    """Empties `people`, as long as it may go on."""
    async with outlet.channel.opened(now) as send:
        lanes = (_lane(people, outlet, send, now, keep_going) for _ in range(LANES))
        # Not a task group: one group that could not be written down must not cancel the sending of others.
        ended = await asyncio.gather(*lanes, return_exceptions=True)
    for failure in ended:
        if isinstance(failure, BaseException):
            raise failure


async def _lane(
    people: deque[deque[Leased]], outlet: Outlet, send: Send, now: Clock, keep_going: Callable[[], bool]
) -> None:
    group = max(1, min(GROUP, outlet.channel.at_once // LANES))
    while people and keep_going() and (room := outlet.breaker.room(group, now=now())):
        taken = [people.popleft() for _ in range(min(room, len(people)))]
        # In threads, so that a slow database does not hold up the sending of others.
        begun = await asyncio.to_thread(begin, [person.popleft() for person in taken], now=now())
        outcomes = await asyncio.gather(*(_try(message, outlet, send, now) for message in begun))
        await _recorded(outcomes, now)
        people.extend(person for person in taken if person)


async def _try(message: Leased, outlet: Outlet, send: Send, now: Clock) -> Outcome:
    outcome = await _tried(message, send)
    outlet.breaker.note(outcome.error, now=now())
    return outcome


async def _tried(message: Leased, send: Send) -> Outcome:
    try:
        return Outcome(message=message, provider_code=await send(message), error=None)
    except (ProviderRefused, ProviderUnavailable) as error:
        return Outcome(message=message, provider_code=str(error.provider_code or error.reason), error=error)
    except Exception as error:  # a defect of ours, and nobody knows how far it came
        log.exception("message %s: the attempt broke off", message.id)
        return Outcome(message=message, provider_code=None, error=error)


async def _recorded(outcomes: Sequence[Outcome], now: Clock) -> None:
    """What came back is known only here: a database that is away for a moment must not make it unknown."""
    for pause_s in _PAUSES_S:
        try:
            await asyncio.to_thread(record, outcomes, now=now())
            return
        except (Busy, DatabaseAway):
            await asyncio.sleep(pause_s)
    await asyncio.to_thread(record, outcomes, now=now())
