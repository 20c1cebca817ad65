"""A small server that answers like the member face of the API and like the stand-in for WeChat.

It holds just enough state to drive the mini-program through its pages; what it was asked is kept in ``calls``.
"""

import asyncio
import contextlib
import dataclasses
import datetime as dt
import itertools
import pathlib
import socket
import threading
from collections.abc import Iterator
from typing import Any

from aiohttp import web

from tests.miniprogram import picture_stub
from tests.miniprogram.activities_stub import Activities
from tests.miniprogram.coupon_desk import CouponDesk
from tests.miniprogram.event_stub import EventStub
from tests.miniprogram.reward_stub import RewardStub
from tests.miniprogram.surveys_stub import Surveys

DIST = pathlib.Path(__file__).parents[2] / "preview" / "dist"
PAGE = 20
POLICY = "2026-11"
TEMPLATE, COUPONS_TEMPLATE = "tmpl-receipt", "tmpl-coupons"


def _problem(status: int, code: str, detail: str, **data: object) -> web.Response:
    body = {"type": "about:blank", "title": code, "status": status, "code": code, "detail": detail, **data}
    return web.json_response(body, status=status, content_type="application/problem+json")


def _utc(instant: dt.datetime) -> str:
    return instant.astimezone(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


@dataclasses.dataclass(frozen=True)
class Call:
    method: str
    path: str
    body: Any
    key: str | None
    language: str | None


_TIER = {
    "tier": {"code": "silver", "name": "银卡会员"},
    "valid_through": "2027-11-30",
    "basis": "spend",
    "amount": 38_000,
    "counts_from": "2025-12-01",
    "next": {
        "tier": {"code": "gold", "name": "金卡会员"},
        "at_least": 50_000,
        "missing": 12_000,
        "text": "再消费 ¥120.00 即可升级为金卡会员",
    },
    "keep": {
        "at_least": 20_000,
        "amount": 38_000,
        "missing": 0,
        "counts_from": "2026-12-01",
        "valid_through": "2027-11-30",
        "until": "2027-12-14",
        "text": "银卡会员有效期至 2027-11-30，已达到保级条件，到期自动续期",
    },
    "benefits": [
        {"kind": "birthday_gift", "points": 100, "phone_needed": False, "text": "生日当天送 100 积分"}
    ],
}


class MemberApiStub:
    """State of the stub; a test may change any of it between two clicks."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.origin = ""
        self.sandbox_origin = ""
        self.members: dict[str, dict[str, Any]] = {}
        self.login_codes: dict[str, str] = {}
        self.tokens: dict[str, str] = {}
        self.subscribed: list[dict[str, Any]] = []
        self.refused: set[str] = set()
        self.channels = dict.fromkeys(("wechat_subscribe", "official_account", "sms", "email"), True)
        self.personalised = True
        #: Name and, of what goes with it, the product that was bought.
        self.recommended: list[tuple[str, str | None]] = []
        self.preferences_away = False
        self.mailbox: dict[str, Any] | None = None
        self.refresh_in = 25
        self.used_up_for_s = 0
        self.expiring_soon: dict[str, Any] = {}
        self.pending: dict[str, Any] = {"points": 0, "earliest_at": None}
        self.owed = 0
        self.points_of_a_sale = 1234
        self.tier_text = ""
        self.birthday_needs_phone = False
        self.policy_now = POLICY
        self.busy_logins = 0
        self.entry_count = 45
        self.order_state = "created"
        self.pack_window_s = 30
        self.activities = Activities()
        self.surveys = Surveys()
        self.questions: list[dict[str, Any]] = []
        self.words: dict[str, str] = {}
        self.lapsed: set[str] = set()
        self.mall = RewardStub()
        self.events = EventStub()
        self.coupons = CouponDesk()
        self.came_of_it = "waiting"
        self._numbers = itertools.count(1)
        self.code_now = self._new_code()

    # -- what a test asks

    def bodies(self, path: str) -> list[Any]:
        return [call.body for call in self.calls if call.path == path]

    def keys(self, path: str) -> list[str | None]:
        return [call.key for call in self.calls if call.path == path]

    def add_member(self, user: str, **changes: object) -> dict[str, Any]:
        member: dict[str, Any] = {
            "member_no": f"M{10_000_000 + len(self.members):08d}",
            "name": "",
            "language": "zh",
            "birthday": None,
            "marketing_opt_out": False,
            "phone": None,
            "tier": {"code": "normal", "name": "普通会员"},
            "points": 2480,
            "balance_fen": 12_850,
            "joined_on": "2026-11-22",
            "home_store": None,
            **changes,
        }
        member["messages"] = _messages()
        member.setdefault("policy", POLICY)
        self.members[user] = member
        return member

    def shown(self, user: str) -> dict[str, Any]:
        """As they see themselves."""
        return self._shown(self.members[user])

    def use_code(self) -> None:
        """At a till."""
        self.code_now = self._new_code()

    def ask_for_their_word(self, number: str = "01A", stored_value_fen: int = 30_000) -> None:
        """A till wants to spend stored value."""
        question = {
            "id": number,
            "store": "静安店",
            "amount_fen": 36_650,
            "stored_value_fen": stored_value_fen,
            "points": 0,
            "points_fen": 0,
            "created_at": _utc(_now()),
            "expires_at": _utc(_now() + dt.timedelta(minutes=5)),
        }
        self.questions.insert(0, question)

    def let_lapse(self, number: str) -> None:
        """The till puts that question away just after the phone has looked for the last time."""
        self.lapsed.add(number)

    def forget_tokens(self) -> None:
        self.tokens.clear()

    # -- how it answers

    def _new_code(self) -> str:
        return f"90{next(self._numbers):018d}"

    def _member(self, request: web.Request) -> dict[str, Any]:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        user = self.tokens.get(token)
        if user is None:
            raise web.HTTPUnauthorized
        return self.members[user]

    @staticmethod
    def _shown(member: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in member.items() if name not in ("messages", "policy")}

    async def config(self, request: web.Request) -> web.Response:
        return web.json_response(
            {
                "brand": "青禾生活",
                "policy_version": self.policy_now,
                "policy_url": "/policy",
                "subscribe_templates": [{"kind": "receipt", "template_id": TEMPLATE}],
            }
        )

    async def login(self, request: web.Request) -> web.Response:
        body = await request.json()
        if self.busy_logins:
            self.busy_logins -= 1
            return _problem(409, "busy", "系统正忙，请稍后再试。", retry_after_s=0)
        user = self.login_codes.get(body["code"])
        if user is None:
            return _problem(401, "login_code_invalid", "登录凭证已失效")
        created = user not in self.members
        agreed = body.get("consent", {}).get("policy_version")
        if (created or self.members[user]["policy"] is None) and agreed != POLICY:
            return _problem(409, "consent_required", "请先同意隐私政策", policy_version=POLICY)
        member = self.members.get(user) or self.add_member(user, points=0, balance_fen=0)
        member["policy"] = agreed or member["policy"]
        del self.login_codes[body["code"]]
        token = f"token-{next(self._numbers)}"
        self.tokens[token] = user
        expires_at = _utc(_now() + dt.timedelta(days=7))
        return web.json_response(
            {
                "token": token,
                "expires_at": expires_at,
                "created": created,
                "consent_current": member["policy"] == self.policy_now,
                "member": self._shown(member),
            }
        )

    async def consent(self, request: web.Request) -> web.Response:
        member, version = self._member(request), (await request.json())["policy_version"]
        if version != self.policy_now:
            return _problem(
                409, "policy_not_current", "条款已更新，请阅读最新版本。", policy_version=self.policy_now
            )
        member["policy"] = version
        return web.Response(status=204)

    async def withdraw(self, request: web.Request) -> web.Response:
        leaving = self._member(request)
        leaving["policy"] = None
        self.tokens = {
            token: user for token, user in self.tokens.items() if self.members[user] is not leaving
        }
        return web.Response(status=204)

    async def logout(self, request: web.Request) -> web.Response:
        self.tokens.pop(request.headers["Authorization"].removeprefix("Bearer "), None)
        return web.Response(status=204)

    async def me(self, request: web.Request) -> web.Response:
        return web.json_response(self._shown(self._member(request)))

    async def change_me(self, request: web.Request) -> web.Response:
        member, changes = self._member(request), await request.json()
        if "birthday" in changes and member["birthday"]:
            return _problem(409, "birthday_already_set", "生日已设置，不能修改")
        member.update(changes)
        return web.json_response(self._shown(member))

    async def phone(self, request: web.Request) -> web.Response:
        self._member(request)["phone"] = "138****8000"
        return web.json_response({"phone": "138****8000"})

    async def code(self, request: web.Request) -> web.Response:
        self._member(request)
        if self.used_up_for_s:
            wait = self.used_up_for_s
            return _problem(
                429, "codes_used_up", "这一分钟内的会员码已用完，请稍候再刷新。", retry_after_s=wait
            )
        if self.refresh_in < 10 or (await request.json()).get("renew"):
            self.code_now = self._new_code()
        now = _now()
        return web.json_response(
            {
                "code": self.code_now,
                "server_time": _utc(now),
                "valid_until": _utc(now + dt.timedelta(seconds=self.refresh_in + 5)),
                "refresh_in": self.refresh_in,
            }
        )

    async def pack(self, request: web.Request) -> web.Response:
        self._member(request)
        count, now = (await request.json())["count"], _now()
        window = dt.timedelta(seconds=self.pack_window_s)
        codes = [
            {
                "code": f"91{step:018d}",
                "valid_from": _utc(now + step * window),
                "valid_until": _utc(now + (step + 2) * window),
            }
            for step in range(-1, count - 1)
            if step >= 0
        ]
        return web.json_response({"server_time": _utc(now), "codes": codes})

    async def points(self, request: web.Request) -> web.Response:
        points = self._member(request)["points"]
        soon = {"points": 320, "until": "2026-12-31T04:30:00Z", "earliest_at": "2026-12-24T16:00:00Z"}
        soon |= self.expiring_soon
        return web.json_response(
            {"points": points, "owed": self.owed, "pending": self.pending, "expiring_soon": soon}
        )

    async def tier(self, request: web.Request) -> web.Response:
        member = self._member(request)
        if not self.birthday_needs_phone or member["phone"]:
            return web.json_response({**_TIER, "text": self.tier_text})
        [gift] = _TIER["benefits"]
        english = request.headers.get("Accept-Language") == "en"
        waits = (
            "A birthday gift each year: 100 points, once you have added your phone number"
            if english
            else "生日当天送 100 积分，绑定手机号后可领取"
        )
        benefits = [{**gift, "phone_needed": True, "text": waits}]
        return web.json_response({**_TIER, "text": self.tier_text, "benefits": benefits})

    async def recommendations(self, request: web.Request) -> web.Response:
        self._member(request)
        items = []
        for sku, (name, bought) in enumerate(self.recommended):
            bought = bought if self.personalised else None
            kind, text = (
                ("bought_with", f"买过「{bought}」的会员也常买") if bought else ("best_seller", "大家都在买")
            )
            items.append(
                {"sku": str(sku), "name": name, "because": {"kind": kind, "name": bought, "text": text}}
            )
        return web.json_response({"personalised": self.personalised, "items": items})

    async def entries(self, request: web.Request) -> web.Response:
        self._member(request)
        english = request.headers.get("Accept-Language") == "en"
        start = dt.datetime(2026, 11, 20, 4, 30, tzinfo=dt.UTC)
        rows = [
            {
                "id": str(n),
                "points": -500 if n % 7 == 3 else 36,
                "balance_after": 2480 - 36 * n,
                "reason": "spend" if n % 7 == 3 else "earn",
                "text": ("Points spent" if english else "积分抵扣")
                if n % 7 == 3
                else ("Points earned" if english else "消费积分"),
                "store": "静安店" if n % 3 else None,
                "occurred_at": _utc(start - dt.timedelta(hours=7 * n)),
                "available_at": None
                if n % 7 == 3
                else "2099-01-01T16:00:00Z"
                if n == 0
                else "2026-11-20T04:30:00Z",
                "expires_at": None if n % 7 == 3 else "2027-12-31T16:00:00Z",
                "valid_through": None if n % 7 == 3 else "2027-12-31",
            }
            for n in range(self.entry_count)
        ]
        return self._page(request, rows)

    async def balance(self, request: web.Request) -> web.Response:
        member = self._member(request)
        soon = {"bonus_fen": 500, "until": "2026-12-22T00:00:00Z", "earliest_at": "2026-12-01T16:00:00Z"}
        return web.json_response(
            {
                "principal_fen": member["balance_fen"] - 850,
                "bonus_fen": 850,
                "bonus_to_come_fen": 1_000,
                "ending_soon": soon,
            }
        )

    async def balance_entries(self, request: web.Request) -> web.Response:
        self._member(request)
        entry = {
            "id": "bonus-1",
            "part": "bonus",
            "amount_fen": 850,
            "after_fen": 850,
            "reason": "top_up",
            "text": "储值赠金",
            "store": None,
            "occurred_at": "2026-11-22T04:30:00Z",
            "available_at": "2026-11-23T16:00:00Z",
            "expires_at": "2026-12-01T16:00:00Z",
            "valid_through": "2026-12-01",
        }
        return web.json_response({"items": [entry], "next_cursor": None})

    async def offers(self, request: web.Request) -> web.Response:
        self._member(request)
        offer = {
            "name": "充 300 送 30",
            "pay_fen": 30_000,
            "bonus_fen": 3_000,
            "points": 300,
            "first_only": False,
            "bonus_parts": 6,
            "bonus_days": 90,
            "points_days": 365,
            "effective_until": None,
        }
        offers = [{**offer, "offer_id": 7, "available": True}, {**offer, "offer_id": 8, "available": False}]
        bounds = {"least_fen": 1_000, "most_fen": 500_000, "room_fen": 100_000}
        return web.json_response({**bounds, "payable": True, "items": offers, "next_cursor": None})

    async def order(self, request: web.Request) -> web.Response:
        self._member(request)
        self.order_state = "created"
        payment = {
            "timeStamp": "1",
            "nonceStr": "n",
            "package": "prepay_id=p",
            "signType": "RSA",
            "paySign": "s",
        }
        return web.json_response({"id": "T1", "payment": payment}, status=201)

    async def ordered(self, request: web.Request) -> web.Response:
        self._member(request)
        return web.json_response({"id": "T1", "state": self.order_state})

    async def give_up(self, request: web.Request) -> web.Response:
        self._member(request)
        self.order_state = "closed"
        return web.json_response({"id": "T1", "state": "closed"})

    async def pay_desk(self, request: web.Request) -> web.Response:
        """WeChat's side: `request` shows the order, `pay` pays it and tells the server, `cancel` puts it away."""
        match request.match_info["what"]:
            case "request":
                order = {"out_trade_no": "T1", "description": "青禾生活 会员储值", "total_fen": 30_000}
                return web.json_response({"order": order})
            case "pay":
                self.order_state = "credited"
                return web.json_response({"errMsg": "requestPayment:ok"})
            case _:
                return web.json_response({"errMsg": "requestPayment:fail cancel"})

    async def sales(self, request: web.Request) -> web.Response:
        self._member(request)
        rows = [
            {
                "id": str(n),
                "store": "静安店",
                "store_code": "S001",
                "receipt_no": f"JA-20261120-{n:04d}",
                "amount_fen": 123_456 + 100 * n,
                "refunded_fen": 2_350 if n == 1 else 0,
                "points_earned": self.points_of_a_sale,
                "occurred_at": f"2026-11-20T{n + 1:02d}:15:00Z",
                "discount_fen": 500 * n,
                "tenders": [
                    {"kind": "principal", "amount_fen": 100_000, "points": 0},
                    {"kind": "bonus", "amount_fen": 20_000, "points": 0},
                    {"kind": "points", "amount_fen": 1_200, "points": 1_200},
                    {"kind": "wechat_pay", "amount_fen": 2_456, "points": 0},
                ][: 4 * n],
            }
            for n in range(3)
        ]
        return self._page(request, rows)

    async def confirmations(self, request: web.Request) -> web.Response:
        self._member(request)
        return web.json_response({"items": [one for one in self.questions if one["id"] not in self.words]})

    async def confirm(self, request: web.Request) -> web.Response:
        self._member(request)
        number, agree = request.match_info["id"], (await request.json())["agree"]
        if number in self.lapsed or number not in {one["id"] for one in self.questions}:
            return _problem(410, "quote_expired", "这笔报价已过期")
        self.words[number] = "confirmed" if agree else "declined"
        return web.json_response({"confirmation": self.words[number]})

    async def coupon_desk(self, request: web.Request) -> web.Response:
        self._member(request)
        body = await request.json() if request.body_exists else {}
        english = request.headers.get("Accept-Language") == "en"
        return self.coupons.answer(request, body, english)

    async def confirmation(self, request: web.Request) -> web.Response:
        self._member(request)
        asked = next(one for one in self.questions if one["id"] == request.match_info["id"])
        return web.json_response({"state": self.came_of_it, "expires_at": asked["expires_at"]})

    async def messages(self, request: web.Request) -> web.Response:
        return self._page(request, self._member(request)["messages"])

    async def read(self, request: web.Request) -> web.Response:
        for message in self._member(request)["messages"]:
            if message["id"] == request.match_info["id"]:
                message["read"] = True
        return web.Response(status=204)

    @staticmethod
    def _page(request: web.Request, rows: list[dict[str, Any]]) -> web.Response:
        start = int(request.query.get("cursor", 0))
        after = start + PAGE
        cursor = str(after) if after < len(rows) else None
        return web.json_response({"items": rows[start:after], "next_cursor": cursor})

    # -- what the member is told

    async def worth_asking(self, request: web.Request) -> web.Response:
        """The receipt, and with coupons a template of theirs; not what was refused."""
        self._member(request)
        items = [{"template_id": TEMPLATE, "kind": "receipt", "name": ""}]
        if request.query["at"] == "coupons":
            items.append({"template_id": COUPONS_TEMPLATE, "kind": "template", "name": "优惠到期提醒"})
        return web.json_response({"items": [one for one in items if one["template_id"] not in self.refused]})

    async def report_asked(self, request: web.Request) -> web.Response:
        self._member(request)
        for one in (await request.json())["results"]:
            (self.refused.add if one["outcome"] == "reject" else self.refused.discard)(one["template_id"])
        return web.json_response({"counted": 0})

    async def preferences(self, request: web.Request) -> web.Response:
        member = self._member(request)
        if request.method == "PUT":
            if self.preferences_away:
                return _problem(503, "database_unavailable", "系统维护中，请稍后再试。")
            wanted = await request.json()
            self.channels, member["marketing_opt_out"] = wanted["channels"], not wanted["marketing"]
            self.personalised = wanted["personalised"]
        shown = {"marketing": not member["marketing_opt_out"], "channels": self.channels}
        shown["personalised"] = self.personalised
        return web.json_response({**shown, "quiet_from": "21:00", "quiet_until": "09:00"})

    async def email(self, request: web.Request) -> web.Response:
        self._member(request)
        if request.method == "DELETE":
            self.mailbox = None
            return web.Response(status=204)
        if request.path.endswith("/confirm"):
            if (await request.json())["code"] != "314159":
                return _problem(422, "email_code_wrong", "验证码错误或已过期，请重新获取。")
            self.mailbox = {**(self.mailbox or {}), "confirmed": True}
        elif request.method == "POST":
            address = (await request.json())["email"]
            self.mailbox = {"email": f"{address[0]}***@{address.partition('@')[2]}", "confirmed": False}
        if self.mailbox is None:
            return _problem(404, "not_found", "未找到。")
        return web.json_response(self.mailbox)

    # -- the stand-in for WeChat

    async def login_code(self, request: web.Request) -> web.Response:
        code = f"code-{next(self._numbers)}"
        self.login_codes[code] = (await request.json())["user"]
        return web.json_response({"code": code})

    async def phone_code(self, request: web.Request) -> web.Response:
        return web.json_response({"code": f"phone-{next(self._numbers)}"})

    async def subscribe(self, request: web.Request) -> web.Response:
        self.subscribed.append(await request.json())
        return web.json_response({})

    # -- the preview's own files

    async def preview_config(self, request: web.Request) -> web.Response:
        return web.json_response({"sandbox": self.sandbox_origin, "brand": "青禾生活"})

    async def preview_file(self, request: web.Request) -> web.FileResponse:
        return web.FileResponse(DIST / (request.match_info["name"] or "index.html"))


def _messages() -> list[dict[str, Any]]:
    return [
        {
            "id": str(n),
            "kind": "receipt",
            "title": "积分到账",
            "body": "您在静安店消费 ¥36.00，获得 36 积分，当前积分 2,480。",
            "created_at": f"2026-11-2{n}T04:30:00Z",
            "read": n != 1,
        }
        for n in (1, 0)
    ]


CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self' {sandbox}; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)


def _application(stub: MemberApiStub) -> web.Application:
    @web.middleware
    async def record(request: web.Request, handler: Any) -> web.StreamResponse:
        if request.method == "OPTIONS":
            answer: web.StreamResponse = web.Response()
        else:
            is_api = request.path.startswith("/api/")
            body = await request.json() if is_api and request.can_read_body else None
            if is_api:
                key, language = request.headers.get("Idempotency-Key"), request.headers.get("Accept-Language")
                stub.calls.append(Call(request.method, request.path, body, key, language))
            answer = await _answer(request, handler)
        if request.path.startswith("/_sim/"):
            answer.headers["Access-Control-Allow-Origin"] = stub.origin
            answer.headers["Access-Control-Allow-Headers"] = "Content-Type"
        answer.headers["Content-Security-Policy"] = CSP.format(sandbox=stub.sandbox_origin)
        return answer

    async def _answer(request: web.Request, handler: Any) -> web.StreamResponse:
        try:
            answer: web.StreamResponse = await handler(request)
        except web.HTTPUnauthorized:
            return _problem(401, "unauthenticated", "请重新登录")
        return answer

    app = web.Application(middlewares=[record])
    app.add_routes(
        [
            web.get("/api/v1/config", stub.config),
            web.post("/api/v1/login", stub.login),
            web.post("/api/v1/logout", stub.logout),
            web.get("/api/v1/me", stub.me),
            web.post("/api/v1/me", stub.change_me),
            web.post("/api/v1/me/phone", stub.phone),
            web.post("/api/v1/me/consent", stub.consent),
            web.delete("/api/v1/me/consent", stub.withdraw),
            web.post("/api/v1/me/code", stub.code),
            web.post("/api/v1/me/code/pack", stub.pack),
            web.get("/api/v1/me/points", stub.points),
            web.get("/api/v1/me/tier", stub.tier),
            web.get("/api/v1/me/recommendations", stub.recommendations),
            web.get("/api/v1/me/points/entries", stub.entries),
            web.get("/api/v1/me/sales", stub.sales),
            web.get("/api/v1/me/balance", stub.balance),
            web.get("/api/v1/me/balance/entries", stub.balance_entries),
            *stub.activities.routes(),
            *stub.surveys.routes(),
            web.get("/api/v1/me/topups/offers", stub.offers),
            web.post("/api/v1/me/topups", stub.order),
            web.get("/api/v1/me/topups/T1", stub.ordered),
            web.post("/api/v1/me/topups/T1/close", stub.give_up),
            web.get("/api/v1/me/confirmations", stub.confirmations),
            web.post("/api/v1/me/confirmations/{id}", stub.confirm),
            *stub.mall.routes(),
            *stub.events.routes(),
            *picture_stub.routes(),
            web.route("*", "/api/v1/{what:coupon.*}", stub.coupon_desk),
            web.get("/api/v1/me/confirmations/{id}", stub.confirmation),
            web.get("/api/v1/me/subscriptions/ask", stub.worth_asking),
            web.post("/api/v1/me/subscriptions", stub.report_asked),
            web.route("*", "/api/v1/me/message-preferences", stub.preferences),
            web.route("*", "/api/v1/me/email", stub.email),
            web.post("/api/v1/me/email/confirm", stub.email),
            web.get("/api/v1/me/messages", stub.messages),
            web.post("/api/v1/me/messages/{id}/read", stub.read),
            web.route("*", "/_sim/login_code", stub.login_code),
            web.route("*", "/_sim/phone_code", stub.phone_code),
            web.route("*", "/_sim/subscribe", stub.subscribe),
            web.route("*", "/_sim/pay/{what}", stub.pay_desk),
            web.get("/preview/config.json", stub.preview_config),
            web.get("/preview/{name:.*}", stub.preview_file),
        ]
    )
    return app


@contextlib.contextmanager
def listening() -> Iterator[list[socket.socket]]:
    """Two free loopback ports, one of them WeChat's, for one stub after another: a browser may keep what it loaded."""
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(2)]


def _turn_away(listener: socket.socket) -> None:
    """Whoever waits at the door already came for the stub before, and would be counted by this one."""
    listener.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        while True:
            listener.accept()[0].close()


@contextlib.contextmanager
def serving(sockets: list[socket.socket]) -> Iterator[MemberApiStub]:
    """Runs a new stub on those ports, in a thread of its own."""
    stub = MemberApiStub()
    loop = asyncio.new_event_loop()
    runner = web.AppRunner(_application(stub), shutdown_timeout=0.5)
    listeners = [port.dup() for port in sockets]

    async def start() -> None:
        await runner.setup()
        for listener in listeners:
            _turn_away(listener)
            await web.SockSite(runner, listener).start()
        stub.origin, stub.sandbox_origin = (f"http://127.0.0.1:{s.getsockname()[1]}" for s in sockets)

    async def stop() -> None:
        # Who was let in just before is no connection yet; a server that closes meanwhile would lose them.
        for listener in listeners:
            loop.remove_reader(listener)
        for _ in range(10):
            await asyncio.sleep(0)
        await runner.cleanup()

    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(start(), loop).result(timeout=20)
        yield stub
    finally:
        asyncio.run_coroutine_threadsafe(stop(), loop).result(timeout=20)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(timeout=20)
        loop.close()
