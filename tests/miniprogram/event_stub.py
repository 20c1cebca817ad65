"""Events of the stub: a tasting with a free seat, one that is full, and what was booked of them."""

from typing import Any

from aiohttp import web

from tests.miniprogram.picture_stub import THERE


def _when(hour: int, english: bool) -> str:
    return f"Sat 5 Dec {hour}:00–{hour + 2}:00" if english else f"12月5日（周六）{hour}:00–{hour + 2}:00"


def sessions(english: bool) -> list[dict[str, Any]]:
    known = {
        "starts_at": "2031-12-05T06:00:00Z",
        "ends_at": "2031-12-05T08:00:00Z",
        "opens_at": None,
        "closes_at": "2031-12-05T06:00:00Z",
        "template_id": None,
        "waiting": 0,
        "cancel_hours": 24,
        "booking_id": None,
        "reason": None,
        "text": None,
        "available": True,
    }
    full = {"available": False, "reason": "full", "text": "Full: you may join the waiting list"}
    return [
        known | {"id": "S1", "when": _when(14, english), "points": 100, "seats_each": 2, "left": 5},
        known | full | {"id": "S2", "when": _when(18, english), "points": 0, "seats_each": 1, "left": 0},
    ]


class EventStub:
    """What was booked, the newest first."""

    def __init__(self) -> None:
        self.bookings: list[dict[str, Any]] = []

    @staticmethod
    def _english(request: web.Request) -> bool:
        return request.headers.get("Accept-Language") == "en"

    def _event(self, request: web.Request) -> dict[str, Any]:
        english = self._english(request)
        return {
            "id": "E1",
            "title": "Coffee tasting" if english else "咖啡品鉴会",
            "about": "Four coffees and how they are made." if english else "品尝四款咖啡，了解冲煮方法。",
            "notes": "Please come ten minutes early." if english else "请提前十分钟到场。",
            "store": "S001",
            "store_name": "Jing'an" if english else "静安店",
            "picture_url": THERE,
            "sessions": sessions(english),
        }

    def _free(self, request: web.Request) -> dict[str, Any]:
        """Costs nothing."""
        event = self._event(request)
        free = [one | {"id": "S3"} for one in event["sessions"] if not one["points"]]
        title = "Latte art" if self._english(request) else "拉花体验课"
        return event | {"id": "E2", "title": title, "picture_url": None, "sessions": free}

    async def events(self, request: web.Request) -> web.Response:
        shown = [self._event(request)]
        if request.query.get("for_points") != "yes":
            shown.append(self._free(request))
        return web.json_response({"items": shown, "next_cursor": None})

    async def event(self, request: web.Request) -> web.Response:
        return web.json_response(self._event(request))

    async def book(self, request: web.Request) -> web.Response:
        wish, event = await request.json(), self._event(request)
        [session] = [one for one in event["sessions"] if one["id"] == request.match_info["id"]]
        waits = session["left"] < wish["seats"]
        booking = {
            "id": f"B{len(self.bookings)}",
            "session_id": session["id"],
            "event_id": event["id"],
            "title": event["title"],
            "when": session["when"],
            "state": "waiting" if waits else "booked",
            "seats": wish["seats"],
            "points": wish["points"],
            "by_coupon": False,
            "position": 1 if waits else None,
            "store": "S001",
            "store_name": event["store_name"],
            "starts_at": session["starts_at"],
            "ends_at": session["ends_at"],
            "asked_at": "2026-11-28T04:30:00Z",
            "cancel_until": "2031-12-04T06:00:00Z",
            "may_cancel_until": session["starts_at"],
            "late_return_percent": 0,
            "attended_at": None,
            "cancelled_at": None,
            "cancelled_for": None,
            "points_back": 0,
            "stars": None,
            "feedback_until": None,
        }
        self.bookings.insert(0, booking)
        return web.json_response(booking, status=201)

    async def booked(self, request: web.Request) -> web.Response:
        return web.json_response({"items": self.bookings, "next_cursor": None})

    def _one(self, request: web.Request) -> dict[str, Any]:
        [booking] = [one for one in self.bookings if one["id"] == request.match_info["id"]]
        return booking

    async def give_up(self, request: web.Request) -> web.Response:
        booking = self._one(request)
        booking |= {"state": "cancelled", "may_cancel_until": None, "cancelled_for": "member"}
        return web.json_response(booking | {"points_back": booking["points"]})

    async def say(self, request: web.Request) -> web.Response:
        booking, said = self._one(request), await request.json()
        booking |= {"stars": said["stars"], "feedback_until": None}
        return web.json_response(booking, status=201)

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/api/v1/events", self.events),
            web.get("/api/v1/events/{id}", self.event),
            web.post("/api/v1/events/sessions/{id}/bookings", self.book),
            web.get("/api/v1/bookings", self.booked),
            web.post("/api/v1/bookings/{id}/cancel", self.give_up),
            web.post("/api/v1/bookings/{id}/feedback", self.say),
        ]
