"""A mail server on loopback that takes every letter and delivers none: enough of RFC 5321 for a client of ours."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Callable
from email import message_from_bytes
from email.policy import default
from typing import Final

from wechat_sandbox.letters import Letter

_LONGEST_LINE: Final = 4_096
_LONGEST_LETTER: Final = 1_000_000
_ADDRESS: Final = re.compile(r"(?:FROM|TO):\s*<([^>]{0,320})>", re.IGNORECASE)


class MailServer:
    """``take`` gets each letter; ``now`` is the time it is dated with."""

    def __init__(self, take: Callable[[Letter], None], now: Callable[[], float]) -> None:
        self._take, self._now = take, now
        self._server: asyncio.Server | None = None
        self.port = 0

    async def start(self) -> None:
        """Listen on a free port of this machine."""
        self._server = await asyncio.start_server(self._talk, "127.0.0.1", 0, limit=_LONGEST_LINE)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Listen no more; who is talking is cut off with the process."""
        if self._server is not None:
            self._server.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # A client that is too long-winded, or goes away: nothing to be done about it.
        with contextlib.suppress(ConnectionError, ValueError, asyncio.IncompleteReadError):
            writer.write(b"220 sandbox\r\n")
            to = ""
            while line := await reader.readline():
                word, _, rest = line.decode(errors="replace").strip().partition(" ")
                answer = {"QUIT": "221 bye", "DATA": "354 go on"}.get(word.upper(), "250 ok")
                found = _ADDRESS.match(rest)
                if word.upper() == "RCPT" and found:
                    to = found[1]
                writer.write(f"{answer}\r\n".encode())
                await writer.drain()
                if word.upper() == "DATA":
                    self._take(self._letter(to, await _content(reader)))
                    writer.write(b"250 2.0.0 kept\r\n")
                if word.upper() == "QUIT":
                    break
        writer.close()

    def _letter(self, to: str, content: bytes) -> Letter:
        letter = message_from_bytes(content, policy=default)
        plain = letter.get_body(preferencelist=("plain", "html"))
        text = "" if plain is None else str(plain.get_content())
        link = str(letter["List-Unsubscribe"] or "").strip().removeprefix("<").removesuffix(">")
        return Letter(
            kind="email",
            to=to,
            subject=str(letter["Subject"] or ""),
            text=text,
            at=self._now(),
            unsubscribe=link if link.startswith(("http://", "https://")) else "",
        )


async def _content(reader: asyncio.StreamReader) -> bytes:
    """Up to the line with a dot alone. Raises ValueError for more than anybody writes."""
    content = b""
    while (line := await reader.readline()) not in (b".\r\n", b""):
        content += line[1:] if line.startswith(b"..") else line
        if len(content) > _LONGEST_LETTER:
            raise ValueError("too long")
    return content
