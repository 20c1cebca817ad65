"""The mall of the stub: two items and a coupon, and what was exchanged for them."""

from typing import Any

from aiohttp import web

from tests.miniprogram.picture_stub import THERE

_MUG: dict[str, Any] = {
    "id": "MUG",
    "kind": "goods",
    "points": 800,
    "cash_fen": 500,
    "wechat_pay": True,
    "full_points": 1_000,
    "full_cash_fen": 500,
    "available": True,
    "reason": None,
    "text": None,
    "missing_points": 0,
    "missing_fen": 0,
    "left": 3,
    "more": 2,
    "available_until": None,
}
_NO_PRICE = {"full_points": None, "full_cash_fen": None}


def items(*, english: bool) -> list[dict[str, Any]]:
    mug = {
        **_MUG,
        "name": "Camping mug" if english else "露营马克杯",
        "about": "Enamel, 350 ml." if english else "珐琅材质，350 毫升。",
    }
    kettle = {
        **mug,
        **_NO_PRICE,
        "id": "KETTLE",
        "name": "Kettle" if english else "户外水壶",
        "points": 2_600,
        "cash_fen": 0,
        "wechat_pay": False,
        "available": False,
        "reason": "points",
        "text": "Points still needed: 120" if english else "还差 120 积分",
    }
    coupon = {
        **mug,
        **_NO_PRICE,
        "id": "COUPON",
        "kind": "coupon",
        "name": "¥10 coupon" if english else "十元券",
        "points": 1_000,
        "cash_fen": 0,
        "wechat_pay": False,
        "left": None,
    }
    return [mug, coupon, kettle]


def stores(english: bool) -> list[dict[str, Any]]:
    return [
        {"store": "S001", "name": "Jing'an" if english else "静安店", "left": 3},
        {"store": "S002", "name": "Xuhui" if english else "徐汇店", "left": 0},
        {"store": "S003", "name": "Pudong" if english else "浦东店", "left": None},
    ]


class RewardStub:
    """What was exchanged, the newest first."""

    def __init__(self) -> None:
        self.orders: list[dict[str, Any]] = []
        self.price_bands: list[dict[str, Any]] = [
            {"points_from": 0, "points_to": 1_000},
            {"points_from": 1_001, "points_to": None},
        ]
        #: Of which items there are some.
        self.pictures: dict[str, str] = {"MUG": THERE}

    def _items(self, english: bool) -> list[dict[str, Any]]:
        return [item | {"picture_url": self.pictures.get(item["id"])} for item in items(english=english)]

    @staticmethod
    def _english(request: web.Request) -> bool:
        return request.headers.get("Accept-Language") == "en"

    async def rewards(self, request: web.Request) -> web.Response:
        found = self._items(self._english(request))
        if request.query.get("affordable") == "yes":
            found = [item for item in found if item["reason"] != "points"]
        least, most = (
            int(request.query.get(end, other)) for end, other in (("points_from", 0), ("points_to", 10**8))
        )
        found = [item for item in found if least <= item["points"] <= most]
        return web.json_response({"items": found, "next_cursor": None})

    async def bands(self, request: web.Request) -> web.Response:
        return web.json_response({"bands": self.price_bands})

    async def reward(self, request: web.Request) -> web.Response:
        english = self._english(request)
        [item] = [one for one in self._items(english) if one["id"] == request.match_info["id"]]
        return web.json_response(item | {"stores": stores(english) if item["kind"] == "goods" else []})

    async def exchange(self, request: web.Request) -> web.Response:
        wish, english = await request.json(), self._english(request)
        [item] = [one for one in items(english=english) if one["id"] == wish["item_id"]]
        goods, by_wechat = item["kind"] == "goods", wish.get("pay_by") == "wechat_pay"
        named = [one["name"] for one in stores(english) if one["store"] == wish["store"]]
        order = {
            "id": f"O{len(self.orders)}",
            "item_id": item["id"],
            "name": item["name"],
            "kind": item["kind"],
            "sku": "",
            "state": "pending" if by_wechat else "ready" if goods else "given",
            "pay_until": "2026-11-28T04:45:00Z" if by_wechat else None,
            "money_back": None,
            "points": item["points"],
            "cash_fen": item["cash_fen"],
            "store": wish["store"],
            "store_name": named[0] if named else None,
            "ordered_at": "2026-11-28T04:30:00Z",
            "collect_by": "2026-12-12T16:00:00Z" if goods else None,
            "undo_until": None if by_wechat else "2026-12-12T16:00:00Z",
            "handed_over_at": None,
            "cancelled_at": None,
            "cancelled_for": None,
        }
        self.orders.insert(0, order)
        return web.json_response(order, status=201)

    async def exchanged(self, request: web.Request) -> web.Response:
        return web.json_response({"items": self.orders, "next_cursor": None})

    async def give_up(self, request: web.Request) -> web.Response:
        [order] = [one for one in self.orders if one["id"] == request.match_info["id"]]
        order |= {
            "state": "cancelled",
            "undo_until": None,
            "cancelled_at": "2026-11-28T05:00:00Z",
            "cancelled_for": "unpaid" if order["state"] == "pending" else "member",
        }
        return web.json_response(order)

    async def payment(self, request: web.Request) -> web.Response:
        """WeChat Pay does not answer."""
        body = {"code": "payment_unavailable", "detail": "微信支付暂时无响应", "status": 503}
        return web.json_response(body, status=503)

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/api/v1/rewards", self.rewards),
            web.get("/api/v1/rewards/bands", self.bands),
            web.get("/api/v1/rewards/{id}", self.reward),
            web.post("/api/v1/reward-orders", self.exchange),
            web.get("/api/v1/reward-orders", self.exchanged),
            web.post("/api/v1/reward-orders/{id}/payment", self.payment),
            web.post("/api/v1/reward-orders/{id}/cancel", self.give_up),
        ]
