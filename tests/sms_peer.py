"""A stand-in of Tencent Cloud's SMS endpoint on loopback; it works the signature out for itself."""

import hashlib
import hmac
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SECRET_ID, SECRET_KEY = "AKIDofTheTests", "the-secret-key-of-the-sms-tests"
APP_ID, SIGNATURE = "1400006666", "山茶咖啡"


class SmsPeer:
    """`received`: what was accepted. `answers`: what comes instead of "Ok", one for each request, the last stays:
    a word of Tencent Cloud's, `(status, bytes)`, or "hang" (accepts, and says nothing)."""

    def __init__(self) -> None:
        self.received: list[dict[str, Any]] = []
        self.calls = 0
        self.answers: list[str | tuple[int, bytes]] = []
        self._released = threading.Event()
        peer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None:
                pass

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status, answer = peer.answer(self.headers, body)
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                if status == 302:
                    self.send_header("Location", "/elsewhere")
                self.end_headers()
                self.wfile.write(answer)

            do_GET = do_POST

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_port}"

    def answer(self, headers: Any, body: bytes) -> tuple[int, bytes]:
        self.calls += 1
        if not self._proven(headers, body):
            return 200, said({"Error": {"Code": "AuthFailure.SignatureFailure", "Message": "…"}})
        answer = self.answers[0] if self.answers else "Ok"
        if len(self.answers) > 1:
            self.answers.pop(0)
        if isinstance(answer, tuple):
            return answer
        asked = json.loads(body)
        if answer in ("Ok", "hang"):
            self.received.append(asked)
        if answer == "hang":
            self._released.wait(20)
        if answer.startswith(("AuthFailure", "InternalError", "RequestLimit", "Unauthorized")):
            return 200, said({"Error": {"Code": answer, "Message": "…"}})
        one = {"SerialNo": f"2645:{self.calls}" if answer == "Ok" else "", "Code": answer, "Fee": 1}
        return 200, said({"SendStatusSet": [one]})

    def _proven(self, headers: Any, body: bytes) -> bool:
        stamp = headers["X-TC-Timestamp"]
        day = datetime.fromtimestamp(int(stamp), UTC).strftime("%Y-%m-%d")
        asked = "\n".join(
            [
                "POST",
                "/",
                "",
                f"content-type:{headers['Content-Type']}",
                f"host:{headers['Host']}",
                "",
                "content-type;host",
                hashlib.sha256(body).hexdigest(),
            ]
        )
        scope = f"{day}/sms/tc3_request"
        text = "\n".join(["TC3-HMAC-SHA256", stamp, scope, hashlib.sha256(asked.encode()).hexdigest()])
        key = f"TC3{SECRET_KEY}".encode()
        for part in (day, "sms", "tc3_request"):
            key = hmac.digest(key, part.encode(), "sha256")
        proof = hmac.digest(key, text.encode(), "sha256").hex()
        wanted = f"TC3-HMAC-SHA256 Credential={SECRET_ID}/{scope}, SignedHeaders=content-type;host, Signature={proof}"
        named = (headers["X-TC-Action"], headers["X-TC-Version"]) == ("SendSms", "2021-01-11")
        return named and headers["Authorization"] == wanted and abs(time.time() - int(stamp)) < 300

    @contextmanager
    def serving(self) -> Iterator["SmsPeer"]:
        thread = threading.Thread(target=self._http.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield self
        finally:
            self._released.set()
            self._http.shutdown()
            thread.join(10)
            self._http.server_close()


def said(response: dict[str, Any]) -> bytes:
    return json.dumps(
        {"Response": {"RequestId": "3c140219-cfe9-470e-b241-907877d6fb03", **response}}
    ).encode()
