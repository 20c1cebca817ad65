"""Subscribe messages of the mini-program: one for each time that the member agreed to one."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from app.messages.channels import Clock, Send
from app.messages.lease import Leased
from app.messages.models import WECHAT
from app.messages.receipt import wechat_data
from app.providers import ContentInvalid, RecipientInvalid
from app.providers.wechat import FieldInvalid, SubscribeSender
from app.providers.wechat.client import Lang, State
from app.providers.wechat.tokens import TokenStore

_RECEIPT_PAGE = "pages/points/index"


@dataclass(frozen=True, kw_only=True)
class WechatSubscribe:
    """`receipt_fields`: which word goes into which field of the brand's receipt template."""

    tokens: TokenStore
    app_id: str | None
    base_url: str
    page_state: State
    receipt_fields: Mapping[str, str]
    name = WECHAT
    #: Below the sender's number of connections.
    at_once = 60

    @asynccontextmanager
    async def opened(self, clock: Clock) -> AsyncIterator[Send]:
        async with SubscribeSender(self.tokens, clock=clock, base_url=self.base_url) as sender:

            async def send(message: Leased) -> str | None:
                if message.openid is None:
                    raise RecipientInvalid
                template_id, page, data = self._content(message)
                lang: Lang = "en_US" if message.params.get("language") == "en" else "zh_CN"
                sent = await sender.send(message.openid, template_id, page, data, lang, self.page_state)
                return sent.msgid

            yield send

    def _content(self, message: Leased) -> tuple[str, str | None, dict[str, Any]]:
        frozen = message.params.get("wechat")
        if frozen is not None:
            return frozen["template_id"], frozen["page"], frozen["data"]
        if message.template_id is None:
            raise ContentInvalid(field="template_id")
        try:
            return message.template_id, _RECEIPT_PAGE, wechat_data(message.params, self.receipt_fields)
        except FieldInvalid as fault:
            raise ContentInvalid(field=str(fault.data["field"])) from None
