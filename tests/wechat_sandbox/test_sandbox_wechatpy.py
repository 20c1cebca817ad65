"""The wechatpy library talks to the sandbox as it would to WeChat, redirected at its one point of passage."""

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest

APP_ID, SECRET, RECEIPT = "wxba5fad812f8e6fb9", "a-secret-of-the-tests", "receipt-template"
DATA = {"thing1": {"value": "中山路店"}, "amount2": {"value": "¥26.80"}, "time3": {"value": "15:04"}}


@pytest.fixture
def new_client(sandbox: Any) -> Iterator[Callable[..., Any]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        from wechatpy import WeChatClient

    class Redirected(WeChatClient):  # type: ignore[misc]
        def _request(self, method: str, url_or_endpoint: str, **given: Any) -> Any:
            base = given.pop("api_base_url", "https://api.weixin.qq.com/")
            if not url_or_endpoint.startswith("http"):  # its own retry passes the whole address
                endpoint = (base + url_or_endpoint).removeprefix("https://api.weixin.qq.com")
                url_or_endpoint = sandbox.url + endpoint
            return super()._request(method, url_or_endpoint, **given)

        def fetch_access_token(self) -> Any:
            app = {"grant_type": "client_credential", "appid": self.appid, "secret": self.secret}
            return self._fetch_access_token(sandbox.url + "/cgi-bin/token", app)

    made: list[Any] = []

    def make(**changed: Any) -> Any:
        client = Redirected(**{"appid": APP_ID, "secret": SECRET, "timeout": 10, **changed})
        client._http.trust_env = False
        made.append(client)
        return client

    yield make
    for one in made:
        one._http.close()


def test_wechatpy_logs_in(sandbox: Any, new_client: Callable[..., Any]) -> None:
    session = new_client().wxa.code_to_session(sandbox.login_code("alice"))
    assert session["openid"] == sandbox.openid("alice")


def test_wechatpy_reads_our_errors_as_the_platforms(sandbox: Any, new_client: Callable[..., Any]) -> None:
    from wechatpy.exceptions import WeChatClientException

    with pytest.raises(WeChatClientException) as refused:
        new_client().wxa.code_to_session("never-issued")
    assert refused.value.errcode == 40029
    with pytest.raises(WeChatClientException) as refused:
        new_client(secret="wrong").wxa.code_to_session("any")
    assert refused.value.errcode == 40125


def test_wechatpy_sends_a_subscribe_message(sandbox: Any, new_client: Callable[..., Any]) -> None:
    sandbox.accept("alice")
    openid = sandbox.openid("alice")
    answer = new_client().wxa.send_subscribe_message(openid, RECEIPT, DATA, "pages/points/index")
    assert answer["errcode"] == 0
    (message,) = sandbox.get(f"/_sim/inbox/{openid}")["messages"]
    assert message["title"] == "消费通知"


def test_wechatpy_renews_a_revoked_token_by_itself(sandbox: Any, new_client: Callable[..., Any]) -> None:
    for _ in range(2):
        sandbox.accept("alice")
    client, openid = new_client(), sandbox.openid("alice")
    client.wxa.send_subscribe_message(openid, RECEIPT, DATA)
    sandbox.post("/_sim/token/revoke")
    assert client.wxa.send_subscribe_message(openid, RECEIPT, DATA)["errcode"] == 0
    assert sandbox.get("/_sim/metrics")["tokens_minted"]["classic"] == 2


@pytest.mark.long
def test_three_clients_that_each_fetch_a_classic_token_knock_out_the_first(
    sandbox: Any, new_client: Callable[..., Any]
) -> None:
    """Why the product shares one stable token: classic tokens of several processes end each other."""
    clients = [new_client(auto_retry=False) for _ in range(3)]
    for client in clients:
        client.fetch_access_token()
    from wechatpy.exceptions import WeChatClientException

    with pytest.raises(WeChatClientException) as refused:
        clients[0].wxa.send_subscribe_message(sandbox.openid("alice"), RECEIPT, DATA)
    assert refused.value.errcode == 40001
