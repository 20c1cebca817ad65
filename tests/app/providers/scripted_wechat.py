"""A loopback stand-in for WeChat that answers by script, for what no well-behaved server does."""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

PATIENCE_S = 60
#: How long an answer is waited for where the script has none, or one that drips.
IN_VAIN_S = 0.3

APPID = "wx0123456789abcdef"
SECRET = "5ecre7" * 5 + "ab"
OPENID = "oOPENID-of-one-member-000001"
TOKEN = "T0KEN-" + "x" * 120
CODE = "0a1B2cCODEfromWxLogin"
TEMPLATE = "TPL_RECEIPT"
MORNING = datetime(2026, 11, 22, 1, 0, tzinfo=UTC)  # 09:00 in China


def clock():
    return datetime.now(UTC)


@dataclass
class Request:
    method: str
    path: str
    query: dict[str, str]
    body: bytes
    content_type: str | None
    target: str = ""  # path and query as they travelled
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def json(self):
        return json.loads(self.body)


@dataclass
class Reply:
    body: bytes = b"{}"
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    length: int | None = None  # promised, when it is not the true one
    hang: bool = False
    drop: bool = False
    trickle_s: float = 0.0
    trickle_headers_s: float = 0.0

    @property
    def takes_its_time(self):
        # Where it cannot be read how long an answer is, it ends with the connection.
        endless = "Content-Length" in self.headers
        return bool(self.hang or self.trickle_s or self.trickle_headers_s or endless)


def says(document, status=200):
    return Reply(json.dumps(document).encode(), status)


def html(status=200):
    return Reply(b"<html>502 Bad Gateway</html>", status, {"Content-Type": "text/html"})


HANGS = Reply(hang=True)
DROPS = Reply(drop=True)


class _Dripping:
    """Writes one byte at a time."""

    def __init__(self, wfile, released, pause_s):
        self._wfile, self._released, self._pause_s = wfile, released, pause_s

    def write(self, content):
        for byte in content:
            if self._released.wait(self._pause_s):
                raise ConnectionError
            self._wfile.write(bytes([byte]))

    def __getattr__(self, name):
        return getattr(self._wfile, name)


class ScriptedWechat:
    """`on(path, …)` sets the replies for a path: used up one by one, the last one stays. A reply may be a function
    of the request. `requests` is what arrived, in order."""

    def __init__(self):
        self.requests: list[Request] = []
        #: How long to wait for its answers.
        self.read_timeout_s: float = PATIENCE_S
        self._asked_by: list[Any] = []
        self._replies: dict[str, list[Reply | Callable[[Request], Reply]]] = {}
        self._lock = threading.Lock()
        self._released = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def handle_one_request(self):
                try:
                    super().handle_one_request()
                except ConnectionError:
                    self.close_connection = True

            def do_GET(self):
                outer._answer(self)

            do_POST = do_GET

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self._http.block_on_close = False
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._http.server_port}"

    def on(self, path, *replies):
        self._replies[path] = list(replies)
        if any(isinstance(reply, Reply) and reply.takes_its_time for reply in replies):
            self.read_timeout_s = IN_VAIN_S
            for exchange in self._asked_by:
                exchange._timeouts_s = (IN_VAIN_S, IN_VAIN_S)

    def asked_by(self, exchange):
        """Waits as long as a busy machine may take, but for answers that do not come."""
        self._asked_by.append(exchange)

    def count(self, path):
        return sum(request.path == path for request in self.requests)

    def close(self):
        self._released.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join(PATIENCE_S)

    def _answer(self, handler):
        parts = urlsplit(handler.path)
        length = int(handler.headers.get("Content-Length") or 0)
        request = Request(
            handler.command,
            parts.path,
            {name: values[0] for name, values in parse_qs(parts.query).items()},
            handler.rfile.read(length),
            handler.headers.get("Content-Type"),
            handler.path,
            dict(handler.headers),
        )
        with self._lock:
            self.requests.append(request)
            replies = self._replies.get(parts.path) or [Reply(b"unscripted", 404)]
            reply = replies.pop(0) if len(replies) > 1 else replies[0]
        self._send(handler, reply(request) if callable(reply) else reply)

    def _send(self, handler, reply):
        if reply.hang:
            self._released.wait(PATIENCE_S)
        if reply.hang or reply.drop:
            handler.close_connection = True
            return
        if reply.trickle_headers_s:
            handler.wfile = _Dripping(handler.wfile, self._released, reply.trickle_headers_s)
        handler.send_response(reply.status)
        for name, value in reply.headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(reply.body) if reply.length is None else reply.length))
        handler.end_headers()
        if reply.length is not None:
            handler.close_connection = True
        if not reply.trickle_s:
            handler.wfile.write(reply.body)
            return
        for byte in reply.body:
            if self._released.wait(reply.trickle_s):
                return
            handler.wfile.write(bytes([byte]))
