"""Starting and ending the process, and its command line."""

import json
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import requests
import signing_merchant

from wechat_sandbox.__main__ import arguments, config_of
from wechat_sandbox.config import Callback, Config, ConfigError, Field, Latency, Limits, Pay, Template
from wechat_sandbox.config_parse import config_from
from wechat_sandbox.process import SandboxDidNotStart, start
from wechat_sandbox.server import build

APP = {"app_id": "wx0123456789abcdef", "secret": "do-not-show"}
AES_KEY = "A" * 43


def read(*words: str) -> Config:
    return config_of(arguments().parse_args(["--app-id", "wx1", "--secret", "s", *words]))


def test_a_started_sandbox_answers_and_ends_with_its_block() -> None:
    with start(APP) as url:
        assert requests.get(url + "/_sim/clock", timeout=60).status_code == 200
    with pytest.raises(requests.ConnectionError):
        requests.get(url + "/_sim/clock", timeout=60)


def test_a_hanging_request_does_not_keep_the_process_alive() -> None:
    with start(APP) as url:
        requests.post(url + "/_sim/faults", json={"action": {"type": "timeout"}}, timeout=60)
        with pytest.raises(requests.ReadTimeout):
            requests.get(url + "/cgi-bin/token", timeout=0.2)


def test_the_process_ends_when_its_parent_lets_go_of_the_pipe() -> None:
    command = [sys.executable, "-m", "wechat_sandbox", "--config", "-", "--until-stdin-closes", "--port=0"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(APP) + "\n")
        process.stdin.flush()
        assert process.stdout.readline().startswith("wechat-sandbox ready http://127.0.0.1:")
        process.stdin.close()
        assert process.wait(60) == 0


def test_a_sandbox_that_cannot_start_says_so(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SandboxDidNotStart), start({"app_id": "wx1"}):
        pass
    assert "secret is missing" in capfd.readouterr().err


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.0.1", "::", "example.com"])
def test_it_listens_on_loopback_only(host: str) -> None:
    command = [
        sys.executable,
        "-m",
        "wechat_sandbox",
        "--host",
        host,
        "--port=0",
        "--app-id=wx1",
        "--secret=s",
    ]
    refused = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert refused.returncode == 2
    assert "loopback" in refused.stderr


def test_the_command_line_names_templates_people_and_the_callback() -> None:
    config = read(
        "--template=T1:2:thing1:thing,amount2",
        "--template=T2:3:phrase1",
        "--user=alice",
        "--user=bob",
        "--callback-url=http://127.0.0.1:8000/callbacks/wechat",
        "--callback-token=t",
        f"--callback-aes-key={AES_KEY}",
        "--callback-format=xml",
        "--latency-ms=60:400",
    )
    fields = (Field("thing1", "thing", "thing1"), Field("amount2", "amount", "amount2"))
    assert config.templates == (
        Template("T1", "T1", 2, fields),
        Template("T2", "T2", 3, (Field("phrase1", "phrase", "phrase1"),)),
    )
    assert config.users == ("alice", "bob")
    assert config.callback == Callback("http://127.0.0.1:8000/callbacks/wechat", "t", AES_KEY, "xml")
    assert config.latency == Latency(60, 400)


def test_the_command_line_goes_before_the_file(tmp_path: Path) -> None:
    path = tmp_path / "sandbox.json"
    path.write_text(
        json.dumps({**APP, "brand": "青禾", "users": ["carol"], "limits": {"sends_per_day": 5}}), "utf-8"
    )
    config = config_of(arguments().parse_args(["--config", str(path), "--secret", "other"]))
    assert (config.secret, config.brand, config.users) == ("other", "青禾", ("carol",))
    assert config.limits.sends_per_day == 5


@pytest.mark.parametrize(
    "changed",
    [
        {"secret": ""},
        {"unknown": 1},
        {"users": "alice"},
        {"limits": {"unknown": 1}},
        {"templates": [{"id": "t"}]},
        {"templates": [{"id": "t", "kind": 1, "fields": ["thing1"]}]},
        {"templates": [{"id": "t", "fields": ["mystery1"]}]},
        {"callback": {"url": "http://example.com/", "token": "t", "aes_key": AES_KEY}},
        {"callback": {"url": "http://127.0.0.1/", "token": "t", "aes_key": "A" * 42}},
        {"callback": {"url": "http://127.0.0.1/", "token": "t", "aes_key": AES_KEY, "format": "yaml"}},
        {"callback": {"url": "http://127.0.0.1/", "token": "t", "aes_key": AES_KEY, "events": ["paid"]}},
        {"pay": {}},
        {"pay": {**signing_merchant.CONFIG, "public_key": "no key"}},
        {"pay": {**signing_merchant.CONFIG, "apiv3_key": "short"}},
        {"pay": {**signing_merchant.CONFIG, "sign_with": "both"}},
        {"pay": {**signing_merchant.CONFIG, "refunds": "never"}},
        {"pay": {**signing_merchant.CONFIG, "unknown": 1}},
    ],
)
def test_a_configuration_that_cannot_be_meant_is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        config_from({**APP, **changed})


def test_no_secret_shows_in_a_repr() -> None:
    callback = {"url": "http://127.0.0.1/", "token": "hidden-token", "aes_key": AES_KEY}
    text = repr(config_from({**APP, "callback": callback, "pay": signing_merchant.CONFIG}))
    secrets = ("do-not-show", "hidden-token", AES_KEY, signing_merchant.APIV3_KEY)
    assert not any(secret in text for secret in secrets)


def test_without_a_merchant_there_is_no_payment() -> None:
    with start(APP) as url:
        assert requests.get(url + "/v3/certificates", timeout=60).status_code == 404
        assert requests.get(url + "/_sim/pay/orders", timeout=60).status_code == 400
        requests.post(url + "/_sim/users", json={"user": "alice"}, timeout=60)
        assert 'id="payments"' not in requests.get(url + "/phone/alice", timeout=60).text


def test_the_session_answer_can_be_text_plain_as_it_is_on_the_wire() -> None:
    with start({**APP, "session_content_type": "text/plain", "unionid_bound": True}) as url:
        code = requests.post(url + "/_sim/login_code", json={"user": "alice"}, timeout=60).json()["code"]
        query = {
            "appid": APP["app_id"],
            "secret": APP["secret"],
            "js_code": code,
            "grant_type": "authorization_code",
        }
        answer = requests.get(url + "/sns/jscode2session", params=query, timeout=60)
    assert answer.headers["Content-Type"] == "text/plain"
    assert answer.json().keys() == {"openid", "session_key", "unionid"}


@pytest.mark.parametrize(("listed", "errcode"), [(["192.0.2.7"], 40164), (["192.0.2.7", "127.0.0.1"], None)])
def test_where_there_is_a_list_of_addresses_only_they_get_a_token(
    listed: list[str], errcode: int | None
) -> None:
    app = {"appid": APP["app_id"], "secret": APP["secret"], "grant_type": "client_credential"}
    with start({**APP, "ip_whitelist": listed}) as url:
        answers = [
            requests.get(url + "/cgi-bin/token", params=app, timeout=60).json(),
            requests.post(url + "/cgi-bin/stable_token", json=app, timeout=60).json(),
        ]
    assert [answer.get("errcode") for answer in answers] == [errcode, errcode]


def test_every_address_and_setting_stands_in_the_documentation() -> None:
    text = (Path(__file__).parents[2] / "docs" / "sandbox.md").read_text("utf-8")
    routes = {
        (route.method, route.resource.canonical)
        for route in build(config_from(APP)).router.routes()
        if route.resource is not None
        and route.resource.canonical.startswith("/_sim/")
        and route.method != "HEAD"
    }
    assert [one for one in sorted(routes) if f"`{one[0]} {one[1]}`" not in text] == []
    settings = {one.name for shape in (Config, Callback, Limits, Pay) for one in fields(shape)}
    assert sorted(one for one in settings if f"`{one}`" not in text) == []
