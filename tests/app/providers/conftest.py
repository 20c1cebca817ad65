"""A real Redis and a scripted HTTP server, both on loopback."""

import traceback

import pytest
import redis
import requests
from scripted_wechat import APPID, CODE, OPENID, SECRET, TEMPLATE, TOKEN, ScriptedWechat, clock, says

from app.providers.wechat import WechatClient
from app.providers.wechat.errors import STABLE_TOKEN
from embedded import redis as embedded_redis
from wechat_sandbox import process


@pytest.fixture(scope="session")
def redis_server():
    with embedded_redis.start() as server:
        yield server


@pytest.fixture
def shared(redis_server):
    with redis.Redis.from_url(redis_server.url, socket_timeout=5, socket_connect_timeout=5) as client:
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
    """Builds clients of the scripted WeChat, with short time-outs unless told otherwise."""
    made = []

    def make(**changes):
        settings = {
            "shared": None,
            "clock": clock,
            "base_url": wechat.url,
            "connect_timeout_s": 2,
            "read_timeout_s": 0.3,
            "busy_pauses_s": (0.01, 0.01),
        }
        made.append(WechatClient(APPID, SECRET, **(settings | changes)))
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
        return [secret for secret in (SECRET, OPENID, TOKEN, CODE) if secret in everything]

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
        answer = self._http.request(method, f"{self.url}/_sim/{path}", json=values, timeout=10)
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


@pytest.fixture
def sandbox_client(sandbox, make_client, shared):
    return make_client(base_url=sandbox.url, shared=shared, read_timeout_s=5)
