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
from app.pruning import always

log = logging.getLogger(__name__)

#: So many messages are begun by one statement at most, and so many such groups are under way at once. Their product
#: stays below what a channel takes at once: what is begun must not queue.
GROUP, LANES = 20, 3
_PAUSES_S = (0.2, 1.0, 3.0)
#: Leases more of the same channel; nothing when that was all.
More = Callable[[], Sequence[Leased]]


def put_into_inbox(messages: Sequence[Leased], *, now: Clock) -> None:
    """Deliver what needs no provider."""
    begun = begin(messages, now=now())
    record([Outcome(message=message, provider_code=None, error=None) for message in begun], now=now())


def deliver(
    messages: Sequence[Leased],
    *,
    outlet: Outlet,
    now: Clock,
    keep_going: Callable[[], bool] = always,
    more: More = list,
) -> None:
    """Deliver what was leased of one channel, and what `more` leases until it has nothing; record what came of it.

    Once told to stop, or when the provider does not answer any more, gives back what was not begun.
    """
    queue = _Queue(messages, more, ahead=outlet.channel.at_once)
    try:
        asyncio.run(_send_all(queue, outlet, now, keep_going))
    finally:
        give_back([message for person in queue.people for message in person])


class _Queue:
    """Who is written to next. The messages of one person stay in order, one after another (43108).

    More is asked for while others are on their way, so that connections are used all the time and stay open.
    """

    def __init__(self, messages: Iterable[Leased], more: More, *, ahead: int) -> None:
        self.people: deque[deque[Leased]] = deque()
        self._more, self._ahead, self._ends = more, ahead, False
        self._asking: asyncio.Task[None] | None = None
        self._put(messages)

    async def next(self, most: int) -> list[deque[Leased]]:
        """So many people at most; nobody when there is no more to send."""
        while True:
            if self._asking is None and not self._ends and len(self.people) < self._ahead:
                self._asking = asyncio.create_task(self._ask())
            if self.people or self._asking is None or self._asking.done():
                return [self.people.popleft() for _ in range(min(most, len(self.people)))]
            await asyncio.wait([self._asking])

    def again(self, people: Iterable[deque[Leased]]) -> None:
        """Whoever has more messages comes once more."""
        self.people.extend(person for person in people if person)

    async def end(self) -> None:
        """What was asked for last is given back with the rest. Raises what asking for more met."""
        self._ends = True
        if self._asking is not None:
            await self._asking

    async def _ask(self) -> None:
        found: Sequence[Leased] = ()
        try:
            found = await asyncio.to_thread(self._more)
        finally:
            self._put(found)
            self._ends = self._ends or not found
        self._asking = None  # but after a failure, for `end` to raise

    def _put(self, messages: Iterable[Leased]) -> None:
        """Whoever waits here already is in none of these: a lease leaves out who is being written to."""
        people: dict[int, deque[Leased]] = {}
        for message in messages:
            people.setdefault(message.member_id, deque()).append(message)
        self.people.extend(people.values())


async def _send_all(queue: _Queue, outlet: Outlet, now: Clock, keep_going: Callable[[], bool]) -> None:
    """Empties the queue, as long as it may go on."""
    async with outlet.channel.opened(now) as send:
        lanes = (_lane(queue, outlet, send, now, keep_going) for _ in range(LANES))
        # Not a task group: one group that could not be written down must not cancel the sending of others.
        ended = await asyncio.gather(*lanes, return_exceptions=True)
    ended += await asyncio.gather(queue.end(), return_exceptions=True)
    for failure in ended:
        if isinstance(failure, BaseException):
            raise failure


async def _lane(
    queue: _Queue, outlet: Outlet, send: Send, now: Clock, keep_going: Callable[[], bool]
) -> None:
    group = max(1, min(GROUP, outlet.channel.at_once // LANES))
    while keep_going() and (room := outlet.breaker.room(group, now=now())):
        taken = await queue.next(room)
        if not taken:
            break
        # In threads, so that a slow database does not hold up the sending of others.
        begun = await asyncio.to_thread(begin, [person.popleft() for person in taken], now=now())
        outcomes = await asyncio.gather(*(_try(message, outlet, send, now) for message in begun))
        await _recorded(outcomes, now)
        queue.again(taken)


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
