"""Sending what is due, channel by channel: a slow provider holds up nobody but itself."""

import time
from collections.abc import Callable

from app.messages import deliver, lease
from app.messages.channels import Clock
from app.messages.models import INBOX
from app.messages.outlets import Outlet
from app.pruning import always

#: How long to wait for room in a channel's rate: what a burst of app/messages/pace.py takes to come together.
PACE_PAUSE_S = 0.25


def send_by(
    outlet: Outlet,
    *,
    clock: Clock,
    keep_going: Callable[[], bool] = always,
    pause: Callable[[float], object] = time.sleep,
) -> int:
    """Send what is due by this channel, at its rate; how many messages were taken in hand.

    A provider that does not answer is left alone: its messages stay as they are, and no attempt is used up.
    """
    supply = _Supply(outlet, clock, keep_going, pause)
    if messages := supply.more():
        deliver.deliver(messages, outlet=outlet, now=clock, keep_going=keep_going, more=supply.more)
    return supply.taken


class _Supply:
    """What is due, a lease at a time; it ends when nothing more is due, or may be sent."""

    def __init__(
        self,
        outlet: Outlet,
        clock: Clock,
        keep_going: Callable[[], bool],
        pause: Callable[[float], object],
    ) -> None:
        self._outlet, self._clock, self._keep_going, self._pause = outlet, clock, keep_going, pause
        self._ends = self._paced = False
        self.taken = 0

    def more(self) -> list[lease.Leased]:
        """None: that was all. Waits for room in the rate."""
        while not self._ends and self._keep_going() and (limit := self._room()):
            if self._paced and not self._later():
                break
            batch = lease.lease(
                channel=self._outlet.channel.name,
                app_id=self._outlet.channel.app_id,
                now=self._clock(),
                limit=limit,
                per_second=self._outlet.per_second,
                outside=self._outlet.outside,
            )
            self._ends, self._paced = not batch.more, batch.paced
            self.taken += len(batch.messages)
            if batch.messages:
                return batch.messages
        return []

    def _room(self) -> int:
        return self._outlet.breaker.room(lease.BATCH, now=self._clock())

    def _later(self) -> bool:
        """Wait for room; False when time does not pass, because somebody tells about one moment only."""
        before = self._clock()
        self._pause(PACE_PAUSE_S)
        return self._clock() > before


def fill_inboxes(*, clock: Clock, keep_going: Callable[[], bool] = always) -> int:
    """Put what is due into the members' own lists; how many messages."""
    taken = 0
    while keep_going():
        batch = lease.lease(channel=INBOX, app_id=None, now=clock())
        if batch.messages:
            deliver.put_into_inbox(batch.messages, now=clock)
        taken += len(batch.messages)
        if not batch.more:
            break
    return taken
