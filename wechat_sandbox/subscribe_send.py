"""POST /cgi-bin/message/subscribe/send: the checks in the order in which the platform makes them."""

from __future__ import annotations

from typing import Any, Final

from wechat_sandbox.config import Template
from wechat_sandbox.errors import (
    BAD_DATA,
    BAD_OPENID,
    BAD_PAGE,
    BAD_TEMPLATE,
    DAY_QUOTA,
    NOT_SUBSCRIBED,
    SENDING_ALREADY,
    SENSITIVE_WORDS,
    TEMPLATE_BANNED,
    PlatformError,
)
from wechat_sandbox.fields import is_valid
from wechat_sandbox.platform_call import Call
from wechat_sandbox.quotas import DAY
from wechat_sandbox.subscriptions import Message
from wechat_sandbox.users import User
from wechat_sandbox.world import World

_STATES: Final = ("developer", "trial", "formal")
_LANGUAGES: Final = ("zh_CN", "en_US", "zh_HK", "zh_TW")


async def subscribe_send(call: Call) -> dict[str, object]:
    """Token, openid, template, ban, page, data, sensitive words, a send under way, credit; then it is sent.

    Two sends to one person overlap while the first one's working time (the latency) lasts.
    """
    world = call.world
    world.tokens.check(call.query.get("access_token", ""), call.now)
    body = call.body()
    if not world.quotas.take("send", world.config.limits.sends_per_day, per=DAY, now=call.now):
        raise PlatformError(DAY_QUOTA)
    user = world.users.with_openid(str(body.get("touser", "")))
    if user is None:
        raise PlatformError(BAD_OPENID)
    template = _template(world, body)
    _check_page(world, body)
    values = values_of(template, body)
    for name, allowed in (("miniprogram_state", _STATES), ("lang", _LANGUAGES)):
        if name in body and body[name] not in allowed:
            raise PlatformError(BAD_DATA, f"{name} invalid")
    if any(word in text for word in world.config.sensitive_words for text in values.values()):
        raise PlatformError(SENSITIVE_WORDS)
    if user.openid in world.sending_to:
        raise PlatformError(SENDING_ALREADY)
    world.sending_to.add(user.openid)
    try:
        await call.hold()
        if not world.subscriptions.spend(user, template):
            raise PlatformError(NOT_SUBSCRIBED)
    finally:
        world.sending_to.discard(user.openid)
    return _deliver(world, user, template, values, body)


def _template(world: World, body: dict[str, Any]) -> Template:
    template = world.templates.get(str(body.get("template_id", "")))
    if template is None:
        raise PlatformError(BAD_TEMPLATE)
    if template.banned:
        raise PlatformError(TEMPLATE_BANNED)
    return template


def _check_page(world: World, body: dict[str, Any]) -> None:
    """A page must be one of the released ones, if any are configured; it may carry a query."""
    page = body.get("page") or ""
    if not isinstance(page, str):
        raise PlatformError(BAD_PAGE)
    if not released(world, page):
        raise PlatformError(BAD_PAGE)


def released(world: World, page: str) -> bool:
    """Whether there is such a page, as far as the configuration says."""
    path = page.partition("?")[0].lstrip("/")
    return not path or not world.config.pages or path in world.config.pages


def values_of(template: Template, body: dict[str, Any]) -> dict[str, str]:
    """The text of each field. Raises PlatformError (47003) naming the field at fault.

    Keys the template does not have are ignored; that the platform ignores them too is an assumption.
    """
    data = body.get("data")
    if not isinstance(data, dict):
        raise PlatformError(BAD_DATA, "data is empty")
    values = {}
    for field in template.fields:
        given = data.get(field.key)
        value = given.get("value") if isinstance(given, dict) else None
        if value is None or value == "":
            raise PlatformError(BAD_DATA, f"data.{field.key}.value is empty")
        if not isinstance(value, str) or not is_valid(field.type, value, field.choices):
            raise PlatformError(BAD_DATA, f"data.{field.key}.value invalid")
        values[field.key] = value
    return values


def _deliver(
    world: World, user: User, template: Template, values: dict[str, str], body: dict[str, Any]
) -> dict[str, object]:
    msgid = world.next_msgid()
    message = Message(
        msgid=msgid,
        template_id=template.id,
        title=template.title,
        fields=tuple((field.label, values[field.key]) for field in template.fields),
        values=values,
        page=body.get("page") or "",
        state=body.get("miniprogram_state", "formal"),
        lang=body.get("lang", "zh_CN"),
        sent_at=world.clock.now(),
    )
    world.subscriptions.deliver(user, message)
    world.metrics.sends += 1
    sent = {"TemplateId": template.id, "MsgID": str(msgid), "ErrorCode": "0", "ErrorStatus": "success"}
    world.pushes.post("sent", user.openid, [sent])
    return {"errcode": 0, "errmsg": "ok", "msgid": msgid}
