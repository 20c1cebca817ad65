"""E-mail to the address that the member confirmed. It is opened for the moment of sending and kept nowhere."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime

from app.members.phones import PhoneVault
from app.messages.channels import Clock, Send
from app.messages.lease import Leased
from app.messages.models import EMAIL
from app.messages.unsubscribe import Unsubscribe
from app.providers import ContentInvalid, RecipientInvalid
from app.providers.smtp import Line, MailServer
from app.texts import say


@dataclass(frozen=True, kw_only=True)
class Mail:
    """`sender` is the address and `brand` the name that letters come from."""

    server: MailServer
    sender: str
    brand: str
    vault: PhoneVault
    unsubscribe: Unsubscribe
    name = EMAIL
    app_id = None
    #: Threads of its own, each with a connection that is kept for the batch.
    at_once = 6

    @asynccontextmanager
    async def opened(self, clock: Clock) -> AsyncIterator[Send]:
        loop, idle = asyncio.get_running_loop(), deque[Line]()
        with ThreadPoolExecutor(self.at_once, thread_name_prefix="mail") as threads:

            async def send(message: Leased) -> str | None:
                return await loop.run_in_executor(threads, self._send, message, idle, clock())

            try:
                yield send
            finally:
                await asyncio.gather(*(loop.run_in_executor(threads, one.close) for one in idle))

    def _send(self, message: Leased, idle: deque[Line], now: datetime) -> str:
        if message.sealed is None:
            raise RecipientInvalid
        to = self.vault.open_email(message.sealed, message.owner)
        letter = self._letter(message, to, now)
        try:
            line = idle.pop()
        except IndexError:
            line = Line(self.server)
        try:
            said = line.send(letter, sender=self.sender, to=to)
        except BaseException:
            line.close()  # whatever state it is in, the next letter begins anew
            raise
        idle.append(line)
        return said

    def _letter(self, message: Leased, to: str, now: datetime) -> EmailMessage:
        content = message.params.get("email")
        if content is None:
            raise ContentInvalid
        letter = EmailMessage()
        letter["From"] = Address(self.brand, addr_spec=self.sender)
        letter["To"] = Address(addr_spec=to)
        letter["Subject"] = content["subject"]
        letter["Date"] = format_datetime(now)
        # The same however often it is sent: a letter that comes twice can be known by it.
        letter["Message-ID"] = f"<{message.id}@{self.sender.partition('@')[2]}>"
        letter["Auto-Submitted"] = "auto-generated"
        text = content["text"]
        if message.category == "marketing":
            link = self.unsubscribe.link(message.owner)
            letter["List-Unsubscribe"] = f"<{link}>"
            letter["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
            # Not every mail program shows a button for it.
            text += "\n\n" + say("email.unsubscribe", message.params.get("language", "zh"), link=link)
        letter.set_content(text)
        if content["html"] is not None:
            letter.add_alternative(content["html"], subtype="html")
        return letter
