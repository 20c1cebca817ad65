"""Control plane, official account: people follow it or leave, and its pushes."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from wechat_sandbox.config_parse import callback_from
from wechat_sandbox.control_call import control, text_in, values_of, world_of
from wechat_sandbox.official_account import OfficialAccount


async def follow(request: web.Request) -> dict[str, Any]:
    """POST /_sim/official/follow ``{"user", "follows"?: true}``: the event is pushed."""
    official, values = _official(request), await values_of(request)
    user = world_of(request).users.named_or_new(text_in(values, "user"))
    follows = values.get("follows", True) is True
    official.follow(user, follows=follows)
    return {"user": user.name, "openid": official.openid(user), "follows": follows}


async def lose(request: web.Request) -> dict[str, Any]:
    """POST /_sim/official/lose ``{"user", "msgid"}``: accepted, and then not delivered; the event says so."""
    official, values = _official(request), await values_of(request)
    world, msgid = world_of(request), text_in(values, "msgid")
    user = world.users.named(text_in(values, "user"))
    if world.subscriptions.lose(user, int(msgid)) is None:
        raise ValueError("msgid is a message on that phone")
    told = {"MsgID": msgid, "Status": "failed:user block"}
    official.pushes.post("finished", official.openid(user), [told])
    return {"lost": msgid}


async def set_callback(request: web.Request) -> dict[str, Any]:
    """PUT /_sim/official/callback: where its events go from now on; ``{}`` means nowhere."""
    values = await values_of(request)
    _official(request).pushes.callback = callback_from(values) if values else None
    return {"set": bool(values)}


async def notifications(request: web.Request) -> dict[str, Any]:
    """GET /_sim/official/notifications: its pushes and how they were answered, oldest first."""
    return {"notifications": [one.as_json() for one in _official(request).pushes.all()]}


async def revoke(request: web.Request) -> dict[str, Any]:
    """POST /_sim/official/token/revoke: its tokens answer 40001 from now on."""
    _official(request).tokens.revoke("all", world_of(request).clock.now())
    return {"revoked": "all"}


def _official(request: web.Request) -> OfficialAccount:
    official = world_of(request).official
    if official is None:
        raise ValueError("no official account is configured")
    return official


def add_official_routes(app: web.Application) -> None:
    """Mount the part of the control plane that is about the official account."""
    router = app.router
    router.add_post("/_sim/official/follow", control(follow))
    router.add_post("/_sim/official/lose", control(lose))
    router.add_put("/_sim/official/callback", control(set_callback))
    router.add_get("/_sim/official/notifications", control(notifications))
    router.add_post("/_sim/official/token/revoke", control(revoke))
