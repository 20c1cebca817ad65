"""Template messages of the official account, to members who follow it. Openids are opened for the moment of sending."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from app.members.phones import PhoneVault
from app.messages.channels import Clock, Send
from app.messages.lease import Leased
from app.messages.models import OFFICIAL
from app.providers import ContentInvalid, RecipientInvalid
from app.providers.wechat import TemplateSender
from app.providers.wechat.tokens import TokenStore


@dataclass(frozen=True, kw_only=True)
class OfficialAccount:
    """`app_id` and `tokens` are the account's own; `mini_app_id`: whose page a tap on the message opens."""

    tokens: TokenStore
    app_id: str
    mini_app_id: str | None
    base_url: str
    vault: PhoneVault
    name = OFFICIAL
    #: Below the sender's number of connections.
    at_once = 60

    @asynccontextmanager
    async def opened(self, clock: Clock) -> AsyncIterator[Send]:
        async with TemplateSender(self.tokens, clock=clock, base_url=self.base_url) as sender:

            async def send(message: Leased) -> str | None:
                content = message.params.get("wechat")
                if content is None:
                    raise ContentInvalid
                if message.sealed is None:
                    raise RecipientInvalid
                sent = await sender.send(
                    self.vault.open_openid(message.sealed, message.owner),
                    content["template_id"],
                    content["page"],
                    content["data"],
                    mini_app_id=self.mini_app_id,
                    reference=message.id,
                )
                return sent.msgid

            yield send
