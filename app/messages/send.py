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
    taken = 0
    while keep_going() and (limit := outlet.breaker.room(lease.BATCH, now=clock())):
        batch = lease.lease(
            channel=outlet.channel.name,
            app_id=outlet.channel.app_id,
            now=clock(),
            limit=limit,
            per_second=outlet.per_second,
            outside=outlet.outside,
        )
        if batch.messages:
            deliver.deliver(batch.messages, outlet=outlet, now=clock, keep_going=keep_going)
        taken += len(batch.messages)
        if not batch.more:
            break
        if batch.paced and not _later(clock, pause):
            break
    return taken


def _later(clock: Clock, pause: Callable[[float], object]) -> bool:
    """Wait for room; False when time does not pass, because somebody tells about one moment only."""
    before = clock()
    pause(PACE_PAUSE_S)
    return clock() > before


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
