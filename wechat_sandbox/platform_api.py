"""The endpoints of api.weixin.qq.com that this sandbox knows."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

from wechat_sandbox.errors import (
    APP_ID_MISSING,
    BAD_ADDRESS,
    BAD_APP_ID,
    BAD_CODE,
    BAD_GRANT_TYPE,
    BAD_SECRET,
    BAD_URL,
    CODE_MISSING,
    CODE_USED,
    GET_REQUIRED,
    MINUTE_QUOTA,
    POST_REQUIRED,
    SECRET_MISSING,
    USER_BLOCKED,
    PlatformError,
)
from wechat_sandbox.page_picture import page_picture
from wechat_sandbox.platform_call import Call, Endpoint, endpoint
from wechat_sandbox.quotas import MINUTE
from wechat_sandbox.service_send import service_send
from wechat_sandbox.subscribe_send import subscribe_send
from wechat_sandbox.template_send import template_send, user_info
from wechat_sandbox.tokens import Tokens


async def token(call: Call) -> dict[str, object]:
    """GET /cgi-bin/token: a new token at each call, the one before it good for five more minutes."""
    tokens = _tokens(call, call.query)
    _check_address(call)
    text, lifetime_s = tokens.classic(call.now)
    return {"access_token": text, "expires_in": lifetime_s}


async def stable_token(call: Call) -> dict[str, object]:
    """POST /cgi-bin/stable_token: everybody gets the same token until five minutes before its end."""
    body = call.body()
    tokens = _tokens(call, body)
    _check_address(call)
    forced = body.get("force_refresh") is True
    call.world.metrics.token_call(str(body["appid"]), call.now, forced=forced)
    text, lifetime_s = tokens.stable(call.now, force=forced)
    return {"access_token": text, "expires_in": lifetime_s}


async def code_to_session(call: Call) -> dict[str, object]:
    """GET /sns/jscode2session: who pressed the button. Needs the app's secret, no access_token."""
    world = call.world
    _check_app(call, call.query, "authorization_code")
    if not call.query.get("js_code"):
        raise PlatformError(CODE_MISSING)
    code = world.login_codes.present(call.query["js_code"], call.now)
    if code is None:
        raise PlatformError(BAD_CODE)
    limit = world.config.limits.logins_per_user_per_minute
    if not world.quotas.take(f"login {code.user.openid}", limit, per=MINUTE, now=call.now):
        raise PlatformError(MINUTE_QUOTA)
    if code.used:
        raise PlatformError(CODE_USED)
    if code.user.blocked:
        raise PlatformError(USER_BLOCKED)
    code.used = True
    answer: dict[str, object] = {"session_key": code.user.session_key, "openid": code.user.openid}
    if world.config.unionid_bound:
        answer["unionid"] = code.user.unionid
    return answer


async def phone_number(call: Call) -> dict[str, object]:
    """POST /wxa/business/getuserphonenumber: the number behind a phone code; each success costs money."""
    world = call.world
    world.tokens.check(call.query.get("access_token", ""), call.now)
    body = call.body()
    if not world.quotas.take("phone", world.config.limits.phone_numbers_per_minute, per=MINUTE, now=call.now):
        raise PlatformError(MINUTE_QUOTA)
    code = world.phone_codes.present(str(body.get("code", "")), call.now)
    if code is None or code.used:
        raise PlatformError(BAD_CODE)
    if code.app_id not in (None, world.config.app_id):
        raise PlatformError(BAD_APP_ID)
    code.used = True
    world.metrics.phone_numbers += 1
    info = {
        "phoneNumber": code.user.phone,
        "purePhoneNumber": code.user.phone,
        "countryCode": "86",
        "watermark": {"timestamp": int(call.now), "appid": world.config.app_id},
    }
    return {"errcode": 0, "errmsg": "ok", "phone_info": info}


def _tokens(call: Call, given: Mapping[str, object]) -> Tokens:
    """Those of the app that asks: the mini-program and the official account have their own."""
    official = call.world.official
    if official is None or given.get("appid") != official.config.app_id:
        _check_app(call, given, "client_credential")
        return call.world.tokens
    if given.get("grant_type") != "client_credential":
        raise PlatformError(BAD_GRANT_TYPE)
    if given.get("secret") != official.config.secret:
        raise PlatformError(BAD_SECRET)
    return official.tokens


def _check_app(call: Call, given: Mapping[str, object], grant_type: str) -> None:
    if given.get("grant_type") != grant_type:
        raise PlatformError(BAD_GRANT_TYPE)
    if not given.get("appid"):
        raise PlatformError(APP_ID_MISSING)
    if given["appid"] != call.world.config.app_id:
        raise PlatformError(BAD_APP_ID)
    if not given.get("secret"):
        raise PlatformError(SECRET_MISSING)
    if given["secret"] != call.world.config.secret:
        raise PlatformError(BAD_SECRET)


def _check_address(call: Call) -> None:
    """Only machines on the app's list get a token, where there is a list."""
    listed = call.world.config.ip_whitelist
    if listed and call.peer not in listed:
        raise PlatformError(BAD_ADDRESS)


def _refusal(errcode: int) -> Endpoint:
    async def refuse(_: Call) -> dict[str, object]:
        raise PlatformError(errcode)

    return refuse


def add_platform_routes(app: web.Application) -> None:
    """Mount the endpoints. Another method is told which one is wanted, another path that it is unknown."""
    router = app.router
    asked_for: tuple[tuple[str, Endpoint], ...] = (
        ("/cgi-bin/token", token),
        ("/sns/jscode2session", code_to_session),
        ("/cgi-bin/user/info", user_info),
    )
    for path, work in asked_for:
        content = (lambda world: world.config.session_content_type) if work is code_to_session else None
        router.add_get(path, endpoint(work, content), allow_head=False)
        router.add_route("*", path, endpoint(_refusal(GET_REQUIRED)))
    posted: tuple[tuple[str, Endpoint], ...] = (
        ("/cgi-bin/stable_token", stable_token),
        ("/wxa/business/getuserphonenumber", phone_number),
        ("/cgi-bin/message/subscribe/send", subscribe_send),
        ("/cgi-bin/message/template/send", template_send),
        ("/cgi-bin/message/custom/send", service_send),
        ("/wxa/getwxacodeunlimit", page_picture),
    )
    for path, asked in posted:
        router.add_post(path, endpoint(asked))
        router.add_route("*", path, endpoint(_refusal(POST_REQUIRED)))
    for prefix in ("/cgi-bin", "/sns", "/wxa", "/wxaapi"):
        router.add_route("*", prefix + "/{rest:.*}", endpoint(_refusal(BAD_URL)))
