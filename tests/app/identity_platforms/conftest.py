"""The WeChat stand-in, for logging in against."""

import pytest
import requests

from wechat_sandbox import process

APPID, SECRET = "wx0123456789abcdef", "5ecre7" * 5 + "ab"


@pytest.fixture(scope="session")
def login_sandbox_url():
    with process.start({"app_id": APPID, "secret": SECRET, "unionid_bound": True}) as url:
        yield url


@pytest.fixture
def tell(login_sandbox_url):
    """Talks to the stand-in's control plane; starts from a new world."""
    with requests.Session() as http:
        http.trust_env = False

        def say(path, method="POST", **values):
            answer = http.request(method, f"{login_sandbox_url}/_sim/{path}", json=values, timeout=60)
            assert answer.status_code == 200, answer.text
            return answer.json()

        say("reset")
        yield say
