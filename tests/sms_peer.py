"""A stand-in of Tencent Cloud's SMS endpoint on loopback that fails as a test says; the demo has a plain one."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from wechat_sandbox.sms import proven, said

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
        return proven(headers, body, secret_id=SECRET_ID, secret_key=SECRET_KEY, now=time.time())

    @contextmanager
    def serving(self) -> Iterator["SmsPeer"]:
        thread = threading.Thread(target=self._http.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield self
        finally:
            self._released.set()
            self._http.shutdown()
            thread.join(60)
            self._http.server_close()
