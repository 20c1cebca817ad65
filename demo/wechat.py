"""What the demo asks of the sandbox: login codes, as wx.login would give them, its keys, and a clean slate."""

import http.client
import json
from typing import Any
from urllib.parse import urlsplit

_TIMEOUT_S = 10


class Sandbox:
    def __init__(self, url: str) -> None:
        self._at = urlsplit(url).netloc

    def login_code(self, user: str) -> str:
        return str(self._post("/_sim/login_code", {"user": user})["code"])

    def forget(self) -> None:
        """Only the phones of the configuration stay; openids hang on the names, so nobody becomes a stranger."""
        self._post("/_sim/reset", {})

    def pay_keys(self) -> dict[str, str]:
        """What a merchant downloads: public keys by id, as PEM. Each start of the sandbox has others."""
        return dict(self._call("GET", "/_sim/pay/keys", None)["platform"])

    def mail_port(self) -> int:
        """Where letters are taken; each start has another."""
        return int(self._call("GET", "/_sim/letters", None)["smtp_port"])

    def follow(self, user: str) -> None:
        """The official account."""
        self._post("/_sim/official/follow", {"user": user})

    def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        return self._call("POST", path, body)

    def _call(self, method: str, path: str, body: dict[str, Any] | None) -> dict[str, Any]:
        connection = http.client.HTTPConnection(self._at, timeout=_TIMEOUT_S)
        try:
            sent = None if body is None else json.dumps(body)
            connection.request(method, path, sent, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            text = answer.read()
            if answer.status != 200:
                raise RuntimeError(f"the sandbox answered {answer.status} to {path}")
            found: dict[str, Any] = json.loads(text)
            return found
        finally:
            connection.close()
