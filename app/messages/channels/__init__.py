"""The ways to a member that lead through a provider, one small class each behind one interface.

What a channel says is frozen in the message's `params` (app/messages/channels/content.py); whom it says it to is read
when the message is leased, so that it goes to where the member is to be reached now.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime
from typing import Protocol

from app.messages.lease import Leased
from app.providers import Misconfigured

#: Sends one message and returns the provider's id of it, if any; raises as app/providers says.
Send = Callable[[Leased], Awaitable[str | None]]
Clock = Callable[[], datetime]


class Channel(Protocol):
    @property
    def name(self) -> str:
        """As `messages.channel` says it."""

    @property
    def app_id(self) -> str | None:
        """Whose openids it writes to; None where the address is no openid, or nothing is set up."""

    @property
    def at_once(self) -> int:
        """How many messages may be on their way at once: what is begun must not queue."""

    def opened(self, clock: Clock) -> AbstractAsyncContextManager[Send]:
        """The connections for one batch, in the running event loop."""


class NotSetUp:
    """A channel without its settings: what was planned for it waits for an operator."""

    app_id, at_once = None, 60

    def __init__(self, name: str) -> None:
        self.name = name

    @asynccontextmanager
    async def opened(self, clock: Clock) -> AsyncIterator[Send]:
        async def send(_: Leased) -> str | None:
            raise Misconfigured

        yield send
