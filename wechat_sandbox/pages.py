"""The pages for people: all phones, and one phone with its messages and buttons."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Final

import jinja2
from aiohttp import web

from wechat_sandbox.config import LONG_TERM
from wechat_sandbox.control_call import world_of
from wechat_sandbox.texts import TEXTS, language_of
from wechat_sandbox.users import UnknownUser, User
from wechat_sandbox.world import World

_HERE: Final = Path(__file__).parent
_BEIJING: Final = timezone(timedelta(hours=8))
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS: Final = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
_templates = jinja2.Environment(
    loader=jinja2.FileSystemLoader(_HERE / "templates"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


async def front(request: web.Request) -> web.Response:
    """GET /: what this is, and all phones."""
    world = world_of(request)
    phones = [
        {"name": one.name, "blocked": one.blocked, "messages": len(world.subscriptions.inbox(one))}
        for one in world.users.all()
    ]
    return _page(request, "front.html", phones=phones)


async def letters(request: web.Request) -> web.Response:
    """GET /letters: the SMS and letters that would have left the machine, the newest first."""
    kept = [{**asdict(one), "time": _time(one.at)} for one in world_of(request).letters.newest_first()]
    return _page(request, "letters.html", letters=kept)


async def phone(request: web.Request) -> web.Response:
    """GET /phone/{name}: one phone."""
    return _phone_page(request, "phone.html")


async def phone_screen(request: web.Request) -> web.Response:
    """GET /phone/{name}/screen: the parts of that page that change, for its script to fetch."""
    return _phone_page(request, "phone_screen.html")


def _phone_page(request: web.Request, template: str) -> web.Response:
    world = world_of(request)
    try:
        user = world.users.named(request.match_info["name"])
    except UnknownUser:
        return _page(request, "missing.html", status=404)
    return _page(
        request,
        template,
        user=user,
        brand=world.config.brand,
        follows=None if world.official is None else world.official.follows(user),
        bubbles=_bubbles(world, user),
        subscriptions=_subscriptions(world, user),
        payments=_payments(world, user),
    )


def _page(request: web.Request, template: str, status: int = 200, **values: object) -> web.Response:
    language = language_of(request.query.get("lang"), request.headers.get("Accept-Language", ""))
    text = _templates.get_template(template).render(
        t=TEXTS[language],
        lang=language,
        other="en" if language == "zh" else "zh",
        path=request.path,
        **values,
    )
    return web.Response(text=text, content_type="text/html", status=status, headers=_HEADERS)


def _bubbles(world: World, user: User) -> list[dict[str, Any]]:
    return [
        {
            "title": one.title,
            "official": one.account == "official",
            "fields": one.fields,
            "page": one.page,
            "time": _time(one.sent_at),
        }
        for one in world.subscriptions.inbox(user)
    ]


def _time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).astimezone(_BEIJING).strftime("%m-%d %H:%M")


def _subscriptions(world: World, user: User) -> list[dict[str, Any]]:
    return [
        {
            "id": one.id,
            "title": one.title,
            "credits": world.subscriptions.credits(user, one),
            "long_term": one.kind == LONG_TERM,
        }
        for one in world.templates.values()
    ]


def _payments(world: World, user: User) -> list[dict[str, Any]] | None:
    """The orders this person could pay now; None where nobody takes payments."""
    if world.pay is None:
        return None
    now = world.clock.now()
    return [
        {"number": one.out_trade_no, "description": one.description, "amount": f"¥{one.total_fen / 100:.2f}"}
        for one in world.pay.orders.all()
        if one.openid == user.openid and not one.dismissed and one.payable(now)
    ]


def add_page_routes(app: web.Application) -> None:
    """Mount the pages and their files."""
    app.router.add_get("/", front)
    app.router.add_get("/letters", letters)
    app.router.add_get("/phone/{name}", phone)
    app.router.add_get("/phone/{name}/screen", phone_screen)
    app.router.add_static("/static/", _HERE / "static")
