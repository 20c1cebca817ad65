"""The product with WeChat Pay set up, served over HTTP, and the stand-in that it orders from and that calls it back."""

import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_public_key,
)
from flask import Flask
from sqlalchemy import Engine, insert
from werkzeug.serving import make_server

import wsgi
from app import clock, db, settings
from app.checkout.settle_top_up import sweep
from app.identity.models import MemberIdentity
from app.identity.sessions import open_session
from app.members.join import join
from app.providers.wechat_pay import WechatPay
from tests.conftest import _Quiet
from tests.databases import Database
from tests.shop import Phone, Shop
from wechat_sandbox.process import start

APP_ID, SECRET = "wx1a2b3c4d5e6f7a8b", "the-secret-of-the-payment-tests"
MCHID, SERIAL = "1230000109", "444F4864EA9B34415A1B2C3D4E5F60718293A4B5"
APIV3_KEY = "k9D2mQ7xV4bT1nR8sW5zY3cH6gJ0pLfA"
PREPAY = "/v3/pay/transactions/jsapi"
QUERY = "/v3/pay/transactions/out-trade-no/{out_trade_no}"


class Front:
    """An address that is known before the product is made which answers there."""

    app: Any = None

    def __call__(self, environ: Any, start_response: Any) -> Any:
        return self.app(environ, start_response)


class Desk:
    """The stand-in's control plane, in the words of the tests."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._http = requests.Session()
        self._http.trust_env = False

    def tell(self, path: str, method: str = "POST", **body: Any) -> Any:
        answer = self._http.request(method, f"{self.url}/_sim/{path}", json=body, timeout=60)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def openid(self, user: str) -> str:
        return str(self.tell("users", user=user)["users"][0]["openid"])

    def pays(self, number: str, **how: Any) -> None:
        """The member types the password; then all that is to be told has been told, or given up."""
        assert self.tell("pay/pay", out_trade_no=number, **how)["errMsg"] == "requestPayment:ok"
        self.tell("pay/drain")

    def state(self, number: str) -> str:
        [found] = [one for one in self.tell("pay/orders", "GET")["orders"] if one["out_trade_no"] == number]
        return str(found["state"])

    def answers(self) -> list[Any]:
        return [
            answer
            for one in self.tell("pay/notifications", "GET")["notifications"]
            for answer in one["answers"]
        ]

    def fault(self, path: str, moment: str = "before", count: int = 1, **action: Any) -> None:
        self.tell("faults", match={"path": path}, action=action, moment=moment, count=count)


@dataclass(frozen=True)
class PayShop:
    """A shop whose members pay by WeChat."""

    shop: Shop
    desk: Desk
    pay: WechatPay
    address: str

    def member(self, user: str = "alice") -> Phone:
        """Somebody with that phone, who joined through the mini-program."""
        openid, now = self.desk.openid(user), clock.now()
        with db.transaction() as session:
            member = join(session, policy_version="2026-01", source="wechat_mini", language="zh", now=now)
            session.execute(
                insert(MemberIdentity).values(
                    member_id=member.id,
                    provider="wechat_mini",
                    app_id=APP_ID,
                    subject=openid,
                    created_at=now,
                )
            )
            token, _ = open_session(session, member.id, lifetime_days=30, now=now)
        return Phone(member.id, token, self.shop.app.test_client())

    def order(self, phone: Phone, amount_fen: int = 50_000, *, key: str | None = None, **body: Any) -> Any:
        return phone.post(
            "/me/topups",
            json={"amount_fen": amount_fen, **body},
            headers={"Idempotency-Key": key or uuid.uuid4().hex},
        )

    def number(self, phone: Phone, amount_fen: int = 50_000, **body: Any) -> str:
        """The number of an order that was made."""
        answer = self.order(phone, amount_fen, **body)
        assert answer.status_code == 201, answer.json
        return str(answer.json["id"])

    def sweep(self, *, after: Any = None) -> int:
        now = clock.now()
        return sweep(self.pay, now=now if after is None else now + after)


def _pem(key: rsa.RSAPrivateKey) -> str:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def _der(pem: str) -> bytes:
    return load_pem_public_key(pem.encode()).public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


@pytest.fixture(scope="session")
def pay_front() -> Front:
    return Front()


@pytest.fixture(scope="session")
def pay_address(pay_front: Front) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, pay_front, threaded=True, request_handler=_Quiet)
    serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    serving.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    serving.join(30)
    server.server_close()


@pytest.fixture(scope="session")
def whole_pay_app(
    given_settings: settings.Settings, pay_address: str, pay_front: Front
) -> Iterator[tuple[Flask, str]]:
    key = rsa.generate_private_key(65_537, 2_048)
    merchant = {
        "mchid": MCHID,
        "serial": SERIAL,
        "public_key": _pem(key),
        "apiv3_key": APIV3_KEY,
        "retry_scale": 0.000_001,
    }
    with start({"app_id": APP_ID, "secret": SECRET, "pay": merchant}) as url:
        platform = Desk(url).tell("pay/keys", "GET")["platform"]
        here = replace(
            given_settings,
            wechat_app_id=APP_ID,
            wechat_app_secret=SECRET,
            wechat_api_base=url,
            wechat_pay_mchid=MCHID,
            wechat_pay_serial=SERIAL,
            wechat_pay_private_key=key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()),
            wechat_pay_apiv3_key=APIV3_KEY,
            wechat_pay_public_keys={name: _der(pem) for name, pem in platform.items()},
            wechat_pay_notify_url=f"{pay_address}/callbacks/wechat-pay",
            wechat_pay_api_base=url,
        )
        pay_front.app = wsgi.create_app(here)
        yield pay_front.app, url


@pytest.fixture
def pay_shop(unaudited_pay_shop: PayShop, engine: Engine) -> PayShop:
    assert engine is db.engine()
    return unaudited_pay_shop


@pytest.fixture
def unaudited_pay_shop(
    whole_pay_app: tuple[Flask, str], unaudited_engine: Engine, database: Database, pay_address: str
) -> PayShop:
    """For tests that take a guard away."""
    assert unaudited_engine is db.engine()
    app, url = whole_pay_app
    app.extensions["parts"].redis.flushdb()
    desk = Desk(url)
    desk.tell("reset")
    desk.tell("faults", "DELETE")
    shop = database.remembered("pay_shop", lambda: Shop(app), Shop.again)
    return PayShop(shop, desk, app.extensions["parts"].wechat_pay, pay_address)
