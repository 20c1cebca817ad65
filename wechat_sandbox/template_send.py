"""POST /cgi-bin/message/template/send and GET /cgi-bin/user/info: what an official account asks."""

from __future__ import annotations

from wechat_sandbox.errors import (
    APP_ID_MISSING,
    BAD_MINI_PAGE,
    BAD_OPENID,
    BAD_TEMPLATE,
    BAD_URL,
    DAY_QUOTA,
    NOT_A_FOLLOWER,
    PlatformError,
)
from wechat_sandbox.official_account import OfficialAccount
from wechat_sandbox.platform_call import Call
from wechat_sandbox.quotas import DAY
from wechat_sandbox.subscribe_send import released, values_of
from wechat_sandbox.subscriptions import Message
from wechat_sandbox.users import User


async def template_send(call: Call) -> dict[str, object]:
    """Token, JSON, quota, openid, template, page, data, follower; then it is sent. One of a client_msg_id only once."""
    world, official = call.world, _official(call)
    body = call.body()
    if not world.quotas.take(
        "template send", world.config.limits.template_sends_per_day, per=DAY, now=call.now
    ):
        raise PlatformError(DAY_QUOTA)
    openid, user = _addressee(official, str(body.get("touser", "")))
    template = official.templates.get(str(body.get("template_id", "")))
    if template is None:
        raise PlatformError(BAD_TEMPLATE)
    leads_to = body.get("miniprogram") or {}
    if leads_to and not leads_to.get("appid"):
        raise PlatformError(APP_ID_MISSING)
    page = str(leads_to.get("pagepath", ""))
    if leads_to and (leads_to["appid"] != world.config.app_id or not released(world, page)):
        raise PlatformError(BAD_MINI_PAGE)
    values = values_of(template, body)
    await call.hold()
    if not official.follows(user):
        raise PlatformError(NOT_A_FOLLOWER)
    once = (openid, str(body.get("client_msg_id") or ""))
    if once[1] and once in official.sent_once:
        return {"errcode": 0, "errmsg": "ok", "msgid": official.sent_once[once]}
    msgid = official.sent_once[once] = world.next_msgid()
    message = Message(
        msgid=msgid,
        template_id=template.id,
        title=template.title,
        fields=tuple((field.label, values[field.key]) for field in template.fields),
        values=values,
        page=page,
        state="formal",
        lang="zh_CN",
        sent_at=world.clock.now(),
        account="official",
    )
    world.subscriptions.deliver(user, message)
    world.metrics.sends += 1
    official.pushes.post("finished", openid, [{"MsgID": str(msgid), "Status": "success"}])
    return {"errcode": 0, "errmsg": "ok", "msgid": msgid}


async def user_info(call: Call) -> dict[str, object]:
    """GET /cgi-bin/user/info: whether somebody follows; of who does not, nothing more."""
    official = _official(call)
    openid, user = _addressee(official, call.query.get("openid", ""))
    if not official.follows(user):
        return {"subscribe": 0, "openid": openid}
    answer: dict[str, object] = {"subscribe": 1, "openid": openid, "language": "zh_CN"}
    if call.world.config.unionid_bound:
        answer["unionid"] = user.unionid
    return answer


def _official(call: Call) -> OfficialAccount:
    """The account, if it asks with a token of its own."""
    official = call.world.official
    if official is None:
        raise PlatformError(BAD_URL)
    official.tokens.check(call.query.get("access_token", ""), call.now)
    return official


def _addressee(official: OfficialAccount, openid: str) -> tuple[str, User]:
    user = official.known(openid)
    if user is None:
        raise PlatformError(BAD_OPENID)
    return openid, user
