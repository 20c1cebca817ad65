"""Control plane, people: make them, read their inbox, and do what they would do on their phones."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from aiohttp import web

from wechat_sandbox.control_call import control, text_in, values_of, world_of
from wechat_sandbox.service_chat import Chat
from wechat_sandbox.users import UnknownUser, User
from wechat_sandbox.world import World


async def users(request: web.Request) -> dict[str, Any]:
    """GET /_sim/users"""
    world = world_of(request)
    return {"users": [_person(world, user) for user in world.users.all()]}


async def add_users(request: web.Request) -> dict[str, Any]:
    """POST /_sim/users ``{"user", "phone"?}``, or many at once ``{"count", "prefix"?, "credits"?: {template: n}}``."""
    world, values = world_of(request), await values_of(request)
    if "count" in values:
        count = values["count"]
        if type(count) is not int or not 1 <= count <= 200_000:
            raise ValueError("count is an integer from 1 to 200000")
        names = [f"{values.get('prefix', 'u')}{number}" for number in range(1, count + 1)]
    else:
        names = [text_in(values, "user")]
    made = [world.users.named_or_new(name) for name in names]
    if "phone" in values and len(made) == 1:
        world.users.change_phone(made[0], text_in(values, "phone"))
    for template_id, times in dict(values.get("credits") or {}).items():
        template = world.template(template_id)
        for user in made:
            world.subscriptions.accept(user, template, int(times))
    return {"users": [{"user": user.name, "openid": user.openid} for user in made]}


async def user(request: web.Request) -> dict[str, Any]:
    """GET /_sim/users/{user}"""
    world = world_of(request)
    return _person(world, world.users.named(request.match_info["user"]))


async def patch_user(request: web.Request) -> dict[str, Any]:
    """PATCH /_sim/users/{user} ``{"blocked"?: bool, "phone"?, "rotate_session_key"?: true}``"""
    world, values = world_of(request), await values_of(request)
    person = world.users.named(request.match_info["user"])
    unknown = set(values) - {"blocked", "phone", "rotate_session_key"}
    if unknown:
        raise ValueError(f"cannot change {', '.join(sorted(unknown))}")
    if "blocked" in values:
        person.blocked = values["blocked"] is True
    if "phone" in values:
        world.users.change_phone(person, text_in(values, "phone"))
    if values.get("rotate_session_key") is True:
        world.users.rotate_session_key(person)
    return _person(world, person)


async def login_code(request: web.Request) -> dict[str, Any]:
    """POST /_sim/login_code ``{"user"}``: what wx.login gives the mini-program."""
    world, person = await _holder_of_phone(request)
    return {"code": world.login_codes.issue(person, world.clock.now())}


async def phone_code(request: web.Request) -> dict[str, Any]:
    """POST /_sim/phone_code ``{"user", "app_id"?}``: what the phone-number button gives this mini-program or that."""
    world, person = await _holder_of_phone(request)
    values = await values_of(request)
    app_id = text_in(values, "app_id") if "app_id" in values else None
    return {"code": world.phone_codes.issue(person, world.clock.now(), app_id)}


async def subscribe(request: web.Request) -> dict[str, Any]:
    """POST /_sim/subscribe ``{"user" or "openid", "results": {template_id: "accept" or "reject"}}``.

    What wx.requestSubscribeMessage does: credits for what was accepted, and the popup event.
    """
    world, values = world_of(request), await values_of(request)
    person = _named(world, values)
    results = values.get("results")
    if not isinstance(results, dict) or not results or not set(results.values()) <= {"accept", "reject"}:
        raise ValueError("results maps each template id to accept or reject")
    templates = {template_id: world.template(template_id) for template_id in results}
    for template_id, result in results.items():
        if result == "accept":
            world.subscriptions.accept(person, templates[template_id])
    world.pushes.post(
        "popup",
        person.openid,
        [
            {"TemplateId": template_id, "SubscribeStatusString": result, "PopupScene": "0"}
            for template_id, result in results.items()
        ],
    )
    return {"results": results}


async def settings_reject(request: web.Request) -> dict[str, Any]:
    """POST /_sim/settings_reject ``{"user" or "openid", "template_ids"?: […]}``: turned off in the settings."""
    world, values = world_of(request), await values_of(request)
    person = _named(world, values)
    wanted = values.get("template_ids") or list(world.templates)
    templates = [world.template(template_id) for template_id in wanted]
    for template in templates:
        world.subscriptions.refuse_in_settings(person, template)
    items = [{"TemplateId": one.id, "SubscribeStatusString": "reject"} for one in templates]
    world.pushes.post("change", person.openid, items)
    return {"refused": [one.id for one in templates]}


async def lose(request: web.Request) -> dict[str, Any]:
    """POST /_sim/lose ``{"user" or "openid", "msgid"}``: accepted, and then not delivered; the sent event says so."""
    world, values = world_of(request), await values_of(request)
    person, msgid = _named(world, values), text_in(values, "msgid")
    lost = world.subscriptions.lose(person, int(msgid))
    if lost is None:
        raise ValueError("msgid is a message on that phone")
    failed = {"TemplateId": lost.template_id, "MsgID": msgid, "ErrorCode": "1", "ErrorStatus": "system error"}
    world.pushes.post("sent", person.openid, [failed])
    return {"lost": msgid}


async def say(request: web.Request) -> dict[str, Any]:
    """POST /_sim/say ``{"user", "text"?}``: writes to customer service; without a text only opens the conversation."""
    world, person = await _holder_of_phone(request)
    words = (await values_of(request)).get("text")
    if words is None:
        world.pushes.post("enter", person.openid, [{"SessionFrom": "wxapp"}])
        return {"said": None}
    if not isinstance(words, str) or not words:
        raise ValueError("text is a text")
    world.chats[person.openid] = Chat(world.clock.now())
    world.pushes.post("text", person.openid, [{"Content": words, "MsgId": str(world.next_msgid())}])
    return {"said": words}


async def inbox(request: web.Request) -> dict[str, Any]:
    """GET /_sim/inbox/{openid}: the messages on that phone; a user's name does as well."""
    world, who = world_of(request), request.match_info["who"]
    person = world.users.with_openid(who) or world.users.named(who)
    messages = [{**asdict(one), "msgid": str(one.msgid)} for one in world.subscriptions.inbox(person)]
    return {"user": person.name, "openid": person.openid, "messages": messages}


async def _holder_of_phone(request: web.Request) -> tuple[World, User]:
    world, values = world_of(request), await values_of(request)
    return world, world.users.named_or_new(text_in(values, "user"))


def _named(world: World, values: dict[str, Any]) -> User:
    if "openid" in values:
        person = world.users.with_openid(text_in(values, "openid"))
        if person is None:
            raise UnknownUser
        return person
    return world.users.named_or_new(text_in(values, "user"))


def _person(world: World, user: User) -> dict[str, Any]:
    return {
        "user": user.name,
        "openid": user.openid,
        "phone": user.phone,
        "blocked": user.blocked,
        "credits": {one.id: world.subscriptions.credits(user, one) for one in world.templates.values()},
        "messages": len(world.subscriptions.inbox(user)),
    }


def add_people_routes(app: web.Application) -> None:
    """Mount the part of the control plane that is about people."""
    app.router.add_get("/_sim/users", control(users))
    app.router.add_post("/_sim/users", control(add_users))
    app.router.add_get("/_sim/users/{user}", control(user))
    app.router.add_patch("/_sim/users/{user}", control(patch_user))
    app.router.add_post("/_sim/login_code", control(login_code))
    app.router.add_post("/_sim/phone_code", control(phone_code))
    app.router.add_post("/_sim/subscribe", control(subscribe))
    app.router.add_post("/_sim/settings_reject", control(settings_reject))
    app.router.add_post("/_sim/lose", control(lose))
    app.router.add_post("/_sim/say", control(say))
    app.router.add_get("/_sim/inbox/{who}", control(inbox))
