"""A real Redis and a scripted HTTP server, both on loopback."""

import functools
import threading
import traceback
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import paying
import pytest
import redis
import requests
import wechatpayv3.utils
from scripted_wechat import (
    APPID,
    CODE,
    OPENID,
    PATIENCE_S,
    SECRET,
    TEMPLATE,
    TOKEN,
    ScriptedWechat,
    clock,
    says,
)

from app.providers.wechat import WechatClient
from app.providers.wechat.errors import STABLE_TOKEN
from app.providers.wechat_pay import NotificationRejected, WechatPay, merchant
from embedded import redis as embedded_redis
from wechat_sandbox import process


@pytest.fixture(scope="session")
def redis_server():
    with embedded_redis.start() as server:
        yield server


@pytest.fixture
def shared(redis_server):
    with redis.Redis.from_url(
        redis_server.url, socket_timeout=PATIENCE_S, socket_connect_timeout=PATIENCE_S
    ) as client:
        client.flushdb()
        yield client


@pytest.fixture
def wechat():
    """WeChat as far as a script goes; it hands out TOKEN."""
    server = ScriptedWechat()
    server.on(STABLE_TOKEN, says({"access_token": TOKEN, "expires_in": 7200}))
    yield server
    server.close()


@pytest.fixture
def make_client(wechat):
    """Builds clients of the scripted WeChat, which give up soon where it does not answer, unless told otherwise."""
    made = []

    def make(**changes):
        settings = {
            "shared": None,
            "clock": clock,
            "base_url": wechat.url,
            "connect_timeout_s": wechat.read_timeout_s,
            "read_timeout_s": wechat.read_timeout_s,
            "busy_pauses_s": (0.01, 0.01),
        }
        made.append(WechatClient(APPID, SECRET, **(settings | changes)))
        if "read_timeout_s" not in changes:
            wechat.asked_by(made[-1]._transport._exchange)
        return made[-1]

    yield make
    for client in made:
        client.close()


@pytest.fixture
def client(make_client):
    return make_client()


@pytest.fixture
def leaks(caplog):
    """`leaks(error)`: what of our secrets can be read from an exception, all it leads to, and every log record."""
    caplog.set_level("DEBUG")

    def found(error):
        seen, todo = [], [error]
        while todo:
            one = todo.pop()
            if one is None or one in seen:
                continue
            seen.append(one)
            todo += [one.__cause__, one.__context__]
        written = [text for one in seen for text in (str(one), repr(one), repr(vars(one)), repr(one.args))]
        written += traceback.format_exception(error)
        written += [
            record.getMessage() + repr(record.args) + (record.exc_text or "") for record in caplog.records
        ]
        everything = "\n".join(written)
        secrets = (SECRET, OPENID, TOKEN, CODE, paying.APIV3_KEY, "WECHATPAY2-SHA256-RSA2048 ", "PRIVATE KEY")
        return [secret for secret in secrets if secret in everything]

    return found


SANDBOX = {
    "app_id": APPID,
    "secret": SECRET,
    "unionid_bound": True,
    "templates": [{"id": TEMPLATE, "fields": ["thing1", "amount2", "time3"]}],
    "pages": ["pages/points/points"],
}


class Sandbox:
    """The WeChat stand-in in its own process, and its control plane."""

    def __init__(self, url):
        self.url = url
        self._http = requests.Session()
        self._http.trust_env = False

    def tell(self, path, method="POST", **values):
        answer = self._http.request(method, f"{self.url}/_sim/{path}", json=values, timeout=PATIENCE_S)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def ask(self, path):
        return self.tell(path, "GET")

    def calls(self, path):
        return self.ask("metrics")["calls"].get(path, 0)

    def login_code(self, user):
        return self.tell("login_code", user=user)["code"]

    def openid(self, user, credits=0):
        made = self.tell("users", user=user, count=1, prefix=user, credits={TEMPLATE: credits})
        return made["users"][0]["openid"]

    def inbox(self, openid):
        return self.ask(f"inbox/{openid}")["messages"]

    def fault(self, path, moment="before", **action):
        return self.tell("faults", match={"path": path}, action=action, moment=moment)

    def close(self):
        self._http.close()


@pytest.fixture(scope="session")
def sandbox_url():
    with process.start(SANDBOX) as url:
        yield url


@pytest.fixture
def sandbox(sandbox_url):
    box = Sandbox(sandbox_url)
    box.tell("reset")
    yield box
    box.close()


@pytest.fixture(scope="module")
def platform(request):
    """A sandbox of the module's own `CONFIG`."""
    with process.start(request.module.CONFIG) as url:
        box = Sandbox(url)
        yield box
        box.close()


@pytest.fixture
def sandbox_client(sandbox, make_client, shared):
    return make_client(base_url=sandbox.url, shared=shared, read_timeout_s=PATIENCE_S)


@pytest.fixture(scope="session")
def known_keys():
    """Keys that were read once are at hand: checking one takes longer than most of these tests."""
    with pytest.MonkeyPatch.context() as patch:
        for module, name in (
            (wechatpayv3.utils, "load_pem_private_key"),
            (merchant, "load_der_private_key"),
        ):
            patch.setattr(module, name, functools.cache(getattr(module, name)))
        yield


@pytest.fixture
def make_pay(wechat, known_keys):
    """Builds clients of the scripted gateway, which give up soon where it does not answer, unless told otherwise."""
    made = []

    def make(changes_of_merchant=None, **changes):
        settings = {
            "clock": clock,
            "base_url": wechat.url,
            "connect_timeout_s": wechat.read_timeout_s,
            "read_timeout_s": wechat.read_timeout_s,
        }
        made.append(WechatPay(paying.merchant(**(changes_of_merchant or {})), **(settings | changes)))
        if "read_timeout_s" not in changes:
            wechat.asked_by(made[-1]._transport._exchange)
        return made[-1]

    yield make
    for client in made:
        client.close_connections()


@pytest.fixture
def pay(make_pay):
    return make_pay()


@pytest.fixture(scope="session")
def pay_sandbox_url():
    merchant = {
        "mchid": paying.MCHID,
        "serial": paying.SERIAL,
        "public_key": paying.public_pem(paying.MERCHANT_KEY),
        "apiv3_key": paying.APIV3_KEY,
        "retry_scale": 0.000_001,
    }
    with process.start({"app_id": APPID, "secret": SECRET, "pay": merchant}) as url:
        yield url


@pytest.fixture
def pay_sandbox(pay_sandbox_url):
    box = Sandbox(pay_sandbox_url)
    box.tell("reset")
    yield box
    box.close()


class Till:
    """Our address for WeChat Pay's notifications, with a client behind it that the test sets."""

    def __init__(self):
        self.client = None
        self.results = []
        self.refused = 0
        self.url = ""

    def receive(self, headers, body):
        try:
            self.results.append(self.client.read_notification(headers, body, clock()))
        except NotificationRejected:
            self.refused += 1
            return 403
        return 204


@pytest.fixture
def till():
    taken = Till()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_):
            pass

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(taken.receive(dict(self.headers), body))
            self.send_header("Content-Length", "0")
            self.end_headers()

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        taken.url = f"http://127.0.0.1:{server.server_port}/callbacks/wechat-pay"
        yield taken
        server.shutdown()
        thread.join(60)


@pytest.fixture
def shop(pay_sandbox, make_pay, till):
    """The client against the stand-in, with its notifications coming back to `till`."""
    keys = {name: paying.der_of(pem) for name, pem in pay_sandbox.ask("pay/keys")["platform"].items()}
    merchant = {"public_keys": keys, "notify_url": till.url}
    till.client = make_pay(merchant, base_url=pay_sandbox.url, read_timeout_s=PATIENCE_S)
    return till.client


@pytest.fixture
def payer(pay_sandbox):
    """The openid of somebody with a phone."""
    return pay_sandbox.tell("users", user="alice")["users"][0]["openid"]
