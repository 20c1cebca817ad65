"""A survey and feedback of the stub, with just enough state to go through their pages."""

from typing import Any

from aiohttp import web

ASKS: list[dict[str, Any]] = [
    {
        "question_no": 1,
        "kind": "multiple",
        "title": "您看重什么？",
        "required": True,
        "choices": [{"value": n, "label": name} for n, name in enumerate(("味道", "价格", "服务"), 1)],
        "at_least": 2,
        "at_most": 2,
        "most_chars": None,
    },
    {
        "question_no": 2,
        "kind": "nps",
        "title": "您会推荐我们吗？",
        "required": True,
        "choices": [{"value": n, "label": str(n)} for n in range(11)],
        "at_least": 1,
        "at_most": 1,
        "most_chars": None,
    },
    {
        "question_no": 3,
        "kind": "text",
        "title": "还想说什么？",
        "required": False,
        "choices": [],
        "at_least": 1,
        "at_most": 1,
        "most_chars": 500,
    },
]


class Surveys:
    def __init__(self) -> None:
        self.answered = False
        self.messages: list[dict[str, Any]] = []
        self.unread = 0
        self.asked: list[tuple[str, Any, str | None]] = []

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/api/v1/surveys", self.surveys),
            web.get("/api/v1/surveys/S1", self.survey),
            web.post("/api/v1/surveys/S1/answer", self.answer),
            web.get("/api/v1/stores", self.stores),
            web.get("/api/v1/feedback", self.threads),
            web.post("/api/v1/feedback", self.write),
            web.get("/api/v1/feedback/F1", self.thread),
            web.get("/api/v1/feedback/F1/messages", self.list_messages),
            web.post("/api/v1/feedback/F1/messages", self.write),
            web.post("/api/v1/feedback/F1/read", self.read),
        ]

    def say(self, author: str, body: str) -> None:
        at = "2031-03-10T04:00:00Z"
        self.messages.append({"message_no": len(self.messages) + 1, "author": author, "body": body, "at": at})
        self.unread += author == "staff"

    async def _note(self, request: web.Request) -> Any:
        body = await request.json()
        self.asked.append((request.path, body, request.headers.get("Idempotency-Key")))
        return body

    def _survey(self) -> dict[str, Any]:
        return {
            "id": "S1",
            "name": "春季调查",
            "ends_at": None,
            "anonymous": True,
            "form_no": 2,
            "questions": 3,
            "reward": {"points": 20, "coupons": 0, "chances": 0},
            "reward_left": True,
            "for_me": not self.answered,
            "answered": self.answered,
        }

    async def surveys(self, request: web.Request) -> web.Response:
        return web.json_response({"items": [self._survey()], "next_cursor": None})

    async def survey(self, request: web.Request) -> web.Response:
        return web.json_response(self._survey() | {"asks": ASKS})

    async def answer(self, request: web.Request) -> web.Response:
        await self._note(request)
        self.answered = True
        done = {"reward": "given", "points": 20, "coupons": 0, "chances": 0}
        return web.json_response(done, status=201)

    def _thread(self) -> dict[str, Any]:
        return {
            "id": "F1",
            "category": "service",
            "state": "answered" if self.messages[-1]["author"] == "staff" else "open",
            "store_name": None,
            "first": self.messages[0]["body"],
            "messages": len(self.messages),
            "unread": self.unread,
            "last_at": self.messages[-1]["at"],
        }

    async def stores(self, request: web.Request) -> web.Response:
        items = [
            {"store": "S001", "name": "静安店"},
            {"store": "S002", "name": "徐汇店"},
            {"store": "S003", "name": "浦东店"},
        ]
        return web.json_response({"items": items, "next_cursor": None})

    async def threads(self, request: web.Request) -> web.Response:
        items = [self._thread()] if self.messages else []
        return web.json_response({"items": items, "next_cursor": None})

    async def thread(self, request: web.Request) -> web.Response:
        return web.json_response(self._thread())

    async def list_messages(self, request: web.Request) -> web.Response:
        return web.json_response({"items": self.messages, "next_cursor": None})

    async def write(self, request: web.Request) -> web.Response:
        self.say("member", (await self._note(request))["body"])
        return web.json_response({"id": "F1", "message_no": len(self.messages)}, status=201)

    async def read(self, request: web.Request) -> web.Response:
        self.unread = 0
        return web.Response(status=204)
