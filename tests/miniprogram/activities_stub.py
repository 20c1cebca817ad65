"""Check-in and a lottery of the stub, with just enough state to go through their pages."""

import datetime as dt
from typing import Any

from aiohttp import web

from scan_codes.picture import qr_png

REWARDS = [
    {"points": 1, "coupons": 0, "chances": 0},
    {"points": 2, "coupons": 0, "chances": 0},
    {"points": 10, "coupons": 1, "chances": 1},
]
TODAY = "2031-03-10"
COMMITMENT = "630dcd2966c4336691125448bbb25b4ff412a49c732db2c8abc1b8581bd710dd"
SEED = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"


def _in_days(days: int) -> str:
    return (dt.datetime.now(dt.UTC) + dt.timedelta(days=days)).isoformat().replace("+00:00", "Z")


class Activities:
    def __init__(self) -> None:
        self.days = {"2031-03-06": False, "2031-03-07": True, "2031-03-08": False}
        self.chances, self.left, self.draws_left = 1, 1, 3
        self.draws: list[dict[str, Any]] = []
        self.asked: list[tuple[str, Any, str | None]] = []

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/api/v1/check-ins", self.calendar),
            web.post("/api/v1/check-ins", self.check_in),
            web.post("/api/v1/check-ins/make-up", self.make_up),
            web.get("/api/v1/lotteries", self.lotteries),
            web.get("/api/v1/me/invite", self.invite),
            web.get("/api/v1/me/invite/picture", self.invite_picture),
            web.get("/api/v1/me/invite/friends", self.friends),
            web.post("/api/v1/lotteries/L1/draws", self.draw),
            web.get("/api/v1/lotteries/L1/draws", self.own_draws),
            web.get("/api/v1/lotteries/L1/rounds", self.rounds),
        ]

    async def _note(self, request: web.Request) -> Any:
        body = await request.json()
        self.asked.append((request.path, body, request.headers.get("Idempotency-Key")))
        return body

    async def calendar(self, request: web.Request) -> web.Response:
        month = request.query.get("month", TODAY)[:7]
        there = TODAY in self.days
        streak = (3 if "2031-03-09" in self.days else 0) + (1 if there else 0)
        shown = [{"day": day, "made_up": up} for day, up in sorted(self.days.items()) if day[:7] == month]
        return web.json_response(
            {
                "activity_id": "C1",
                "name": "每日签到",
                "today": TODAY,
                "month": f"{month}-01",
                "days": shown,
                "checked_in_today": there,
                "streak": streak,
                "next_day": streak % 3 + 1,
                "rewards": REWARDS,
                "make_ups_left": 2,
                "make_up_points": 5,
                "make_up_from": "2031-03-01",
            }
        )

    async def check_in(self, request: web.Request) -> web.Response:
        await self._note(request)
        self.days[TODAY] = False
        return web.json_response({"day": TODAY, "streak": 1, **REWARDS[0]}, status=201)

    async def make_up(self, request: web.Request) -> web.Response:
        self.days[(await self._note(request))["day"]] = True
        return web.json_response({"points": 0, "coupons": 0, "chances": 0}, status=201)

    def _round(self, number: int, begins: int, seed: str | None) -> dict[str, Any]:
        return {
            "id": f"R{number}",
            "lottery_id": "L1",
            "round_no": number,
            "starts_at": _in_days(begins),
            "ends_at": _in_days(begins + 7),
            "commitment": COMMITMENT,
            "seed": seed,
        }

    async def lotteries(self, request: web.Request) -> web.Response:
        prizes = [
            {"prize_no": 1, "name": "马克杯", "weight": 5, "stock": 1, "left": self.left, "fallback": False},
            {"prize_no": 2, "name": "10 积分", "weight": 295, "stock": None, "left": None, "fallback": False},
            {"prize_no": 3, "name": "谢谢参与", "weight": 700, "stock": None, "left": None, "fallback": True},
        ]
        lottery = {
            "id": "L1",
            "name": "春日抽奖",
            "for_me": True,
            "cost_points": 10,
            "chances_left": self.chances,
            "draws_left_today": self.draws_left,
            "prizes": prizes,
            "round": self._round(2, -1, None),
        }
        return web.json_response({"items": [lottery], "next_cursor": None})

    async def invite(self, request: web.Request) -> web.Response:
        return web.json_response(
            {
                "name": "老带新",
                "rule": "好友通过您的邀请加入，并在 30 天内单笔消费满 ¥50.00，即可获得以下奖励。",
                "code": "7QK2M4XW9A",
                "path": "/pages/invite/index?invite=7QK2M4XW9A",
                "inviter": {"points": 100, "coupons": 0, "chances": 0, "text": "100 积分"},
                "newcomer": {"points": 0, "coupons": 1, "chances": 0, "text": "1 张「十元券」"},
                "invited": 2,
                "pending": 1,
                "qualified": 1,
                "places_left": 99,
                "points_earned": 100,
                "coupons_earned": 0,
            }
        )

    async def invite_picture(self, request: web.Request) -> web.Response:
        return web.Response(body=qr_png("90123456789012345678"), content_type="image/png")

    async def friends(self, request: web.Request) -> web.Response:
        friend = {"joined_at": _in_days(-1), "buy_until": _in_days(29), "coupons": 0}
        items = [
            {"id": "F2", "name": "", "state": "pending", "state_text": "待消费", "points": 0, **friend},
            {
                "id": "F1",
                "name": "张**",
                "state": "rewarded",
                "state_text": "奖励已发放",
                "points": 100,
                **friend,
            },
        ]
        return web.json_response({"items": items, "next_cursor": None})

    async def draw(self, request: web.Request) -> web.Response:
        body = await self._note(request)
        self.chances -= body["payment"] == "chance"
        self.draws_left -= 1
        used_up = self.left == 0
        self.left = 0
        drawn = {
            "id": f"D{len(self.draws)}",
            "round_no": 2,
            "draw_no": len(self.draws) + 1,
            "name": "谢谢参与" if used_up else "马克杯",
            "instead": "used_up" if used_up else None,
            "drawn_at": _in_days(0),
            "client_seed": body["client_seed"],
        }
        self.draws.insert(0, drawn)
        return web.json_response(drawn, status=201)

    async def own_draws(self, request: web.Request) -> web.Response:
        return web.json_response({"items": self.draws, "next_cursor": None})

    async def rounds(self, request: web.Request) -> web.Response:
        rounds = [self._round(2, -1, None), self._round(1, -9, SEED)]
        return web.json_response({"items": rounds, "next_cursor": None})
