"""What staff answer to who wrote to customer service of the mini-program.

The words are the thread's: read for the moment of sending, and kept in no message, so they are erased in one place.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

from app.db import Busy, DatabaseAway
from app.messages.channels import Clock, Send
from app.messages.lease import Leased
from app.messages.models import SERVICE
from app.providers import ContentInvalid, ProviderUnavailable, RecipientInvalid
from app.providers.wechat import ServiceSender
from app.providers.wechat.errors import WindowClosed
from app.providers.wechat.tokens import TokenStore


@dataclass(frozen=True, kw_only=True)
class WechatService:
    """`words`: of a thread's message, None once they are erased."""

    tokens: TokenStore
    app_id: str | None
    base_url: str
    words: Callable[[str, int], str | None]
    name = SERVICE
    at_once = 12

    @asynccontextmanager
    async def opened(self, clock: Clock) -> AsyncIterator[Send]:
        async with ServiceSender(self.tokens, clock=clock, base_url=self.base_url) as sender:

            async def send(message: Leased) -> str | None:
                if message.openid is None:
                    raise RecipientInvalid
                if clock() >= datetime.fromisoformat(message.params["chat_until"]):
                    raise WindowClosed  # it waited too long: WeChat would only say so
                words = await asyncio.to_thread(self._words, message)
                return (await sender.send(message.openid, words)).msgid

            yield send

    def _words(self, message: Leased) -> str:
        try:
            words = self.words(message.params["thread_id"], message.params["message_no"])
        except (Busy, DatabaseAway):
            raise ProviderUnavailable from None  # nothing was sent yet
        if words is None:
            raise ContentInvalid
        return words
