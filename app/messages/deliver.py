"""Delivery: what was leased is begun in small groups, sent, and the outcomes are recorded.

No transaction is open while the provider is called.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime

from app.db import Busy, DatabaseAway
from app.messages.lease import Leased, begin, give_back
from app.messages.outcome import Outcome, record
from app.messages.receipt import INBOX
from app.providers import ProviderRefused, ProviderUnavailable

log = logging.getLogger(__name__)

#: So many messages are begun by one statement, and so many such groups are under way at once. Their product stays
#: below the sender's number of connections: what is begun must not queue.
GROUP, LANES = 20, 3
_PAUSES_S = (0.2, 1.0, 3.0)

#: Sends one message by WeChat and returns the provider's id of it; raises as app/providers says.
Send = Callable[[Leased], Awaitable[str | None]]
#: Opens the connections for a batch; one for each event loop.
Channel = Callable[[], AbstractAsyncContextManager[Send]]
Clock = Callable[[], datetime]


def deliver(
    messages: Sequence[Leased],
    *,
    wechat: Channel,
    now: Clock,
    keep_going: Callable[[], bool] = lambda: True,
) -> None:
    """Deliver what was leased and record what came of it. Once told to stop, gives back what was not begun."""
    inbox = [message for message in messages if message.channel == INBOX]
    if inbox:
        begun = begin(inbox, now=now())
        record([Outcome(message=message, provider_code=None, error=None) for message in begun], now=now())
    people = _by_person(message for message in messages if message.channel != INBOX)
    if not people:
        return
    try:
        asyncio.run(_send_all(people, wechat, now, keep_going))
    finally:
        give_back([message for person in people for message in person])


def _by_person(messages: Iterable[Leased]) -> deque[deque[Leased]]:
    """The messages of one person stay in order, one after another (43108)."""
    people: dict[int, deque[Leased]] = {}
    for message in messages:
        people.setdefault(message.member_id, deque()).append(message)
    return deque(people.values())


async def _send_all(
    people: deque[deque[Leased]], wechat: Channel, now: Clock, keep_going: Callable[[], bool]
) -> None:
    """Empties `people`, as long as it may go on."""
    async with wechat() as send:
        lanes = (_lane(people, send, now, keep_going) for _ in range(LANES))
        # Not a task group: one group that could not be written down must not cancel the sending of others.
        ended = await asyncio.gather(*lanes, return_exceptions=True)
    for failure in ended:
        if isinstance(failure, BaseException):
            raise failure


async def _lane(people: deque[deque[Leased]], send: Send, now: Clock, keep_going: Callable[[], bool]) -> None:
    while people and keep_going():
        taken = [people.popleft() for _ in range(min(GROUP, len(people)))]
        # In threads, so that a slow database does not hold up the sending of others.
        begun = await asyncio.to_thread(begin, [person.popleft() for person in taken], now=now())
        outcomes = await asyncio.gather(*(_try(message, send) for message in begun))
        await _recorded(outcomes, now)
        people.extend(person for person in taken if person)


async def _try(message: Leased, send: Send) -> Outcome:
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
