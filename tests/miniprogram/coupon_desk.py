"""The part of the stub that has coupons: some held, some to claim, links for friends."""

import json
from typing import Any

from aiohttp import web

from tests.miniprogram.picture_stub import THERE

RULES = {
    "zh": ["限静安店、徐汇店使用", "限周一、周二", "不与其他优惠同享"],
    "en": ["Only at Jing'an, Xuhui", "Only on Mondays, Tuesdays", "Not together with other offers"],
}


def _face(zh: str, en: str, effect_zh: str, effect_en: str, english: bool, **changes: Any) -> dict[str, Any]:
    return {
        "name": en if english else zh,
        "kind": "amount",
        "effect": effect_en if english else effect_zh,
        "rules": RULES["en" if english else "zh"],
        "terms": "One for each bill." if english else "每单限用一张。",
        "at_least_fen": 10_000,
        "at_least_pieces": 0,
        "transferable": True,
        "picture_url": THERE,
        **changes,
    }


def _ten_off(english: bool) -> dict[str, Any]:
    return _face("十元券", "¥10 off", "满 ¥100.00，减 ¥10.00", "¥10.00 off when you spend ¥100.00", english)


def _coffee(english: bool) -> dict[str, Any]:
    zh, en = "免费兑换 1 件", "1 for free"
    alone: dict[str, Any] = {"rules": [], "terms": "", "transferable": False, "picture_url": None}
    return _face("咖啡十次卡", "Ten coffees", zh, en, english, kind="free", **alone)


class CouponDesk:
    """A test may change what is left, and whether a link is still good."""

    def __init__(self) -> None:
        self.left = 7
        self.claimed = False
        self.offered_until: str | None = None
        self.link_over = False
        self.closed: set[str] = set()
        self.code_no = 1
        self.code_refused = False
        #: Which store was named, call by call.
        self.stores: list[str | None] = []

    def answer(self, request: web.Request, body: Any, english: bool) -> web.Response:
        match request.method, request.match_info["what"].split("/"):
            case "GET", ["coupons"]:
                items = self._held(request.query["state"], english, self._store(request))
                return _json({"items": items, "next_cursor": None})
            case "POST", ["coupons"]:
                return self._claim(english)
            case "GET", ["coupons", number]:
                return self._one(number, english, self._store(request))
            case "POST", ["coupons", _, "code"]:
                return self._code(english)
            case "POST", ["coupons", _, "offer"]:
                self.offered_until = "2026-12-02T04:00:00Z"
                return _json({"secret": "s3cret", "expires_at": self.offered_until})
            case "DELETE", ["coupons", _, "offer"]:
                self.offered_until = None
                return web.Response(status=204)
            case "POST", ["coupon-offers", "take"]:
                return self._take(body["secret"], english)
            case "GET", ["coupon-centre"]:
                return _json({"items": self._centre(request.query, english), "next_cursor": None})
        raise web.HTTPNotFound

    def _store(self, request: web.Request) -> str | None:
        """Where they are to be used; what is closed is not found."""
        store = request.query.get("store")
        self.stores.append(store)
        if store in self.closed:
            raise web.HTTPNotFound(
                text=json.dumps({"code": "not_found", "detail": "没有找到。"}),
                content_type="application/problem+json",
            )
        return store

    def _held(self, state: str, english: bool, store: str | None) -> list[dict[str, Any]]:
        ten = _ten_off(english) | {"template_id": "T1", "uses": 1, "uses_left": 1, "ends_soon": True}
        coffee = _coffee(english) | {"template_id": "T2", "uses": 10, "uses_left": 7, "ends_soon": False}
        window = {"valid_from": "2026-11-20T04:00:00Z", "valid_until": "2026-12-05T16:00:00Z"}
        good = {"usable": True, "reason": None, "reason_text": None, "offered_until": self.offered_until}
        later = {
            "usable": False,
            "reason": "not_yet",
            "reason_text": "Not valid yet" if english else "尚未生效",
        }
        ended = {"usable": False, "reason": "ended", "reason_text": "Expired" if english else "已过期"}
        used = {
            "usable": False,
            "reason": "used",
            "reason_text": "Used" if english else "已使用",
            "uses_left": 0,
        }
        not_here = {
            "usable": False,
            "reason": "not_here",
            "reason_text": "Not for this store" if english else "不适用于该门店",
        }
        rest = window | good | {"valid_through": "2026-12-05"}
        here = not_here if store == "S003" else {}
        return {
            "usable": [
                ten | rest | here | {"id": "C1"},
                coffee | rest | {"id": "C2"},
                ten | rest | later | {"id": "C3"},
            ],
            "used": [ten | rest | used | {"id": "C4", "ends_soon": False}],
            "ended": [ten | rest | ended | {"id": "C5", "ends_soon": False}],
        }[state]

    def _one(self, number: str, english: bool, store: str | None) -> web.Response:
        states = ("usable", "used", "ended")
        everything = [one for state in states for one in self._held(state, english, store)]
        found = next((one for one in everything if one["id"] == number), everything[0])
        event = {"id": "1", "kind": "issued", "text": "Received" if english else "发放到账", "store": None}
        return _json(found | {"events": [event | {"at": "2026-11-20T04:00:00Z"}]})

    def _code(self, english: bool) -> web.Response:
        if self.code_refused:
            return _problem(
                409,
                "coupon_not_redeemable",
                "This coupon has been used up." if english else "这张券已用完。",
            )
        times = {"server_time": "2026-11-28T04:00:00Z", "valid_until": "2026-11-28T04:01:00Z"}
        return _json({"code": f"91{self.code_no:018d}", "refresh_in": 30, **times})

    def _centre(self, query: Any, english: bool) -> list[dict[str, Any]]:
        if query.get("claim_key") == "over":
            return []
        item = _ten_off(english) | {
            "template_id": "T1",
            "validity": "Valid for 30 days, from the day you get it" if english else "领取后 30 天内有效",
            "uses": 1,
            "stock": 500,
            "left": self.left,
            "per_member": 1,
            "per_member_a_day": None,
            "had": int(self.claimed),
            "claim_from": None,
            "claim_until": "2026-12-11T15:59:00Z",
            "claimable": not self.claimed,
            "reason": "had" if self.claimed else None,
            "reason_text": ("Limit reached" if english else "已达领取上限") if self.claimed else None,
        }
        gone = {"claimable": False, "reason": "used_up", "reason_text": "All gone" if english else "已领完"}
        if "claim_key" in query:
            over = {"claimable": False, "reason": "over", "reason_text": "领取已结束"}
            return [item | (over if query["claim_key"] == "ended" else {} if self.left else gone)]
        return [
            item,
            _coffee(english)
            | item
            | gone
            | {"template_id": "T2", "left": 0, "rules": [], "terms": "", "picture_url": None},
        ]

    def _claim(self, english: bool) -> web.Response:
        if not self.left:
            return _problem(
                409,
                "coupons_used_up",
                "All of these coupons have been taken." if english else "优惠券已领完。",
            )
        self.claimed, self.left = True, self.left - 1
        return _new(english)

    def _take(self, secret: str, english: bool) -> web.Response:
        if self.link_over:
            return _problem(410, "coupon_offer_over", "This link is over." if english else "转赠已失效。")
        return _new(english)


def _new(english: bool) -> web.Response:
    window = {"valid_from": "2026-11-28T04:00:00Z", "valid_until": "2026-12-28T16:00:00Z"}
    return _json({"id": "C1", "name": _ten_off(english)["name"], **window}, 201)


def _json(body: dict[str, Any], status: int = 200) -> web.Response:
    return web.json_response(body, status=status)


def _problem(status: int, code: str, detail: str) -> web.Response:
    body = json.dumps(
        {"type": "about:blank", "title": code, "status": status, "code": code, "detail": detail}
    )
    return web.Response(text=body, status=status, content_type="application/problem+json")
