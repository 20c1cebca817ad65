"""Clients before a real server, a connection each, who ask in the same moment."""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import urllib3
from urllib3.connection import HTTPConnection

from tests.racing import race

#: Of a refusal nothing else is to be had than what the business says; a 5xx is no word of it.
WON = "won"


@dataclass(frozen=True)
class Told:
    status: int
    json: dict[str, Any]
    body: bytes

    @property
    def word(self) -> str:
        """`won` for whoever got it, else the status with the code of the refusal."""
        return WON if self.status == 201 else f"{self.status} {self.json.get('code', '')}"


class _Counted(HTTPConnection):
    """Notes when it is opened: urllib3 opens one anew that the server has closed, and says nothing."""

    opened: ClassVar[list[str]] = []

    def connect(self) -> None:
        self.opened.append(self.host)
        super().connect()


class Crowd:
    """So many clients; their connections are opened now, so that the first race is one.

    The server of the tests' own process closes them with each answer, that of production keeps them.
    """

    def __init__(self, address: str, clients: int) -> None:
        self.clients, self._before = clients, len(_Counted.opened)
        self._lines = [
            urllib3.connection_from_url(address, maxsize=1, block=True, retries=False, timeout=30)
            for _ in range(clients)
        ]
        for line in self._lines:
            line.ConnectionCls = _Counted
            assert line.request("GET", "/readyz").status == 200

    def ask(
        self, client: int, path: str, body: Mapping[str, object], *, token: str, key: str | None = None
    ) -> Told:
        """What that client is told; with a key of its own unless one is given."""
        answer = self._lines[client].request(
            "POST",
            path,
            json=body,
            headers={"Authorization": f"Bearer {token}", "Idempotency-Key": key or uuid.uuid4().hex},
        )
        return Told(answer.status, answer.json(), answer.data)

    def race(self, ask: Callable[[int], Told]) -> list[Told]:
        """Let all of them ask at once."""
        return race(self.clients, ask)

    def connections(self) -> int:
        """How many were opened so far."""
        return len(_Counted.opened) - self._before

    def leave(self) -> None:
        for line in self._lines:
            line.close()
