"""POST /cgi-bin/message/custom/send: what customer service answers to who wrote, as text."""

from __future__ import annotations

from typing import Final

from wechat_sandbox.errors import (
    ANSWERS_USED_UP,
    BAD_DATA,
    BAD_OPENID,
    CONTENT_TOO_LONG,
    WINDOW_CLOSED,
    PlatformError,
)
from wechat_sandbox.platform_call import Call
from wechat_sandbox.service_chat import WINDOW_S
from wechat_sandbox.subscriptions import Message

_LONGEST: Final = 2_048


async def service_send(call: Call) -> dict[str, object]:
    """Token, JSON, openid, text, its length, 48 hours, five answers; then it is on the phone."""
    world = call.world
    world.tokens.check(call.query.get("access_token", ""), call.now)
    body = call.body()
    user = world.users.with_openid(str(body.get("touser", "")))
    if user is None:
        raise PlatformError(BAD_OPENID)
    content = (body.get("text") or {}).get("content")
    if body.get("msgtype") != "text" or not isinstance(content, str) or not content:
        raise PlatformError(BAD_DATA, "text.content is empty")
    if len(content.encode()) > _LONGEST:
        raise PlatformError(CONTENT_TOO_LONG)
    await call.hold()
    chat = world.chats.get(user.openid)
    if chat is None or call.now >= chat.said_at + WINDOW_S:
        raise PlatformError(WINDOW_CLOSED)
    if chat.left == 0:
        raise PlatformError(ANSWERS_USED_UP)
    chat.left -= 1
    message = Message(
        msgid=world.next_msgid(),
        template_id="",
        title="客服消息",
        fields=(("回复", content),),
        values={"text": content},
        page="",
        state="formal",
        lang="zh_CN",
        sent_at=world.clock.now(),
        account="service",
    )
    world.subscriptions.deliver(user, message)
    world.metrics.sends += 1
    return {"errcode": 0, "errmsg": "ok"}
