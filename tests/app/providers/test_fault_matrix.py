"""Each thing that can go wrong between us and WeChat, on each way that we use: what it means, and how often we asked.

What is refused is never repeated, what is unknown never twice, no redirect is followed. What the outbox then does with
a message stands in tests/app/messages; the same faults of SMS and mail in test_tencent_sms.py and test_smtp.py.
"""

import asyncio
import contextlib
import socket
import ssl
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from scripted_wechat import CODE, HANGS, OPENID, TOKEN, Reply, html, says

from app.providers import OutcomeUnknown, ProviderRefused, ProviderUnavailable
from app.providers.wechat import SubscribeSender, TemplateSender
from app.providers.wechat.errors import CODE_TO_SESSION, STABLE_TOKEN, SUBSCRIBE_SEND, TEMPLATE_SEND
from tests.smtp_peer import certificate_in

LATER, REFUSED, UNKNOWN = "later", "refused", "unknown"
ELSEWHERE = "/elsewhere"


def code(number):
    return says({"errcode": number, "errmsg": "…"})


#: Fault → what it means when asking for a token, logging in, and sending, be it to a subscriber or a follower.
FAULTS = {
    "500": (Reply(b"", 500), LATER, LATER, LATER),
    "502": (html(502), LATER, LATER, LATER),
    "redirect": (Reply(b"", 302, {"Location": ELSEWHERE}), LATER, LATER, LATER),
    # Without a token nothing was sent, however it was lost.
    "read time-out after accepting": (HANGS, LATER, UNKNOWN, UNKNOWN),
    "slow": (Reply(b'{"errcode": 0, "errmsg": "ok"}', trickle_s=0.05), LATER, UNKNOWN, UNKNOWN),
    "truncated JSON": (Reply(b'{"errcode": 0, "errm'), LATER, UNKNOWN, UNKNOWN),
    "HTML with 200": (html(), LATER, UNKNOWN, UNKNOWN),
    "huge body": (Reply(b"{" + b" " * 300_000 + b"}"), LATER, UNKNOWN, UNKNOWN),
    "-1": (code(-1), LATER, LATER, LATER),
    "45009": (code(45009), LATER, LATER, LATER),
    # Asking for a token it means the secret; sending, that a second token is as bad: both are for an operator.
    "40001": (code(40001), REFUSED, LATER, REFUSED),
    "42001": (code(42001), REFUSED, LATER, REFUSED),
    "40037": (code(40037), REFUSED, REFUSED, REFUSED),
    "43101": (code(43101), REFUSED, REFUSED, REFUSED),
    "45047": (code(45047), REFUSED, REFUSED, REFUSED),
}
WAYS = (STABLE_TOKEN, CODE_TO_SESSION, SUBSCRIBE_SEND, TEMPLATE_SEND)
SENDERS = {SUBSCRIBE_SEND: SubscribeSender, TEMPLATE_SEND: TemplateSender}


def ask(client, way, url):
    if way == STABLE_TOKEN:
        client.tokens.get()
    elif way == CODE_TO_SESSION:
        client.code_to_session(CODE)
    else:
        asyncio.run(_send(client, way, url))


async def _send(client, way, url):
    connect_timeout_s, read_timeout_s = client._transport._exchange._timeouts_s
    sender = SENDERS[way](
        client.tokens,
        clock=client.tokens._clock,
        base_url=url,
        connect_timeout_s=connect_timeout_s,
        read_timeout_s=read_timeout_s,
    )
    more = {"mini_app_id": None, "reference": "the-message"} if way == TEMPLATE_SEND else {}
    async with sender:
        await sender.send(OPENID, "TPL", None, {}, **more)


def meaning(client, way, url):
    with pytest.raises((ProviderRefused, ProviderUnavailable)) as caught:
        ask(client, way, url)
    if isinstance(caught.value, ProviderRefused):
        return REFUSED
    return UNKNOWN if isinstance(caught.value, OutcomeUnknown) else LATER


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_on_each_way(make_client, wechat, fault, way):
    reply, *meanings = FAULTS[fault]
    wechat.on(way, reply)

    assert meaning(make_client(), way, wechat.url) == meanings[min(WAYS.index(way), 2)]

    # Logging in repeats -1, which means that nothing was done.
    assert wechat.count(way) == (3 if (fault, way) == ("-1", CODE_TO_SESSION) else 1)
    assert wechat.count(ELSEWHERE) == 0


@contextlib.contextmanager
def deaf():
    """An address where connections are never taken: the queue is full."""
    with contextlib.ExitStack() as open_ones:
        server = open_ones.enter_context(socket.socket())
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        for _ in range(4):
            waiting = open_ones.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(server.getsockname())
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


@contextlib.contextmanager
def unvouched(folder):
    """A server whose certificate nobody vouches for; `asked` fills when it gets a request all the same."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            asked.append(self.path)

        do_GET = do_POST

        def log_message(self, *_):
            pass

    class Server(HTTPServer):
        def handle_error(self, *_):
            pass

    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate_in(folder))
    server = Server(("127.0.0.1", 0), Handler)
    server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"https://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        thread.join(60)
        server.server_close()


@pytest.mark.parametrize("way", WAYS)
def test_a_connection_that_is_not_taken_is_for_later_on_each_way(make_client, way):
    with deaf() as url:
        client = make_client(base_url=url, connect_timeout_s=0.2)
        _with_token(client, way)
        assert meaning(client, way, url) == LATER


@pytest.mark.parametrize("way", WAYS)
def test_a_certificate_that_nobody_vouches_for_gets_nothing_on_each_way(make_client, way, tmp_path):
    with unvouched(tmp_path) as (url, asked):
        client = make_client(base_url=url)
        _with_token(client, way)
        assert meaning(client, way, url) == LATER
        assert asked == []


def _with_token(client, way):
    """To send takes one: it was fetched before the trouble began."""
    if way in SENDERS:
        client.tokens._fetch = lambda: (TOKEN, 7200)
