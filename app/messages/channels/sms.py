"""SMS to the number that the member verified. It is opened for the moment of sending and kept nowhere."""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass

from app.members.phones import PhoneVault
from app.messages.channels import Clock, Send
from app.messages.lease import Leased
from app.messages.models import SMS
from app.providers import ContentInvalid, RecipientInvalid
from app.providers.sms import TencentSms


@dataclass(frozen=True, kw_only=True)
class Sms:
    client: TencentSms
    phones: PhoneVault
    name = SMS
    app_id = None
    #: Threads of its own: those of the event loop write down what was begun, and must not wait for a provider.
    at_once = 12

    @asynccontextmanager
    async def opened(self, clock: Clock) -> AsyncIterator[Send]:
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(self.at_once, thread_name_prefix="sms") as threads:

            async def send(message: Leased) -> str | None:
                return await loop.run_in_executor(threads, self._send, message)

            yield send

    def _send(self, message: Leased) -> str:
        content = message.params.get("sms")
        if content is None:
            raise ContentInvalid
        if message.sealed is None:
            raise RecipientInvalid
        phone = self.phones.open(message.sealed, message.owner)
        return self.client.send(phone, content["template"], content["values"], reference=message.id)
