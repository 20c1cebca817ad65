"""WeChat's API for web requests: login codes, phone numbers, single messages.

wechatpy's client without its ways of failing. Every call of it, inherited ones too, goes through
`Transport`: time-outs also on token calls, another base address for stand-ins, no secret in exceptions.
A token that is turned down is replaced once (wechatpy alone repeats without end), and logging in does not
fetch a token it does not need.
"""

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, TypeVar

import redis
from wechatpy import WeChatClient

from app.providers.places import Places
from app.providers.wechat.answers import report
from app.providers.wechat.errors import (
    CODE_TO_SESSION,
    PAGE_PICTURE,
    PHONE_NUMBER,
    SUBSCRIBE_SEND,
    USER_INFO,
    BadAnswer,
    Busy,
    CodeInvalid,
    TokenRejected,
)
from app.providers.wechat.stable_token import StableToken
from app.providers.wechat.tokens import TokenStore
from app.providers.wechat.transport import WECHAT_API_BASE, Transport

Lang = Literal["zh_CN", "en_US", "zh_HK", "zh_TW"]
State = Literal["developer", "trial", "formal"]
T = TypeVar("T")
#: How the mini-program code calls the same.
_VERSIONS: dict[State, str] = {"developer": "develop", "trial": "trial", "formal": "release"}

_FEW_PLACES = 2
_LONGEST_UNIONID = 128

_CODE = re.compile(r"[!-~]{1,256}")
_SCENE = re.compile(r"[0-9A-Za-z!#$&'()*+,/:;=?@._~-]{1,32}")
_COUNTRY, _NUMBER = re.compile(r"[1-9][0-9]{0,2}"), re.compile(r"[0-9]{4,14}")


@dataclass(frozen=True)
class Code2Session:
    """Who logged in. WeChat's session_key is dropped on the spot: nothing here needs it."""

    openid: str = field(repr=False)
    unionid: str | None = field(repr=False)


@dataclass(frozen=True)
class Follower:
    """`unionid` None: who does not follow, or an account that is not bound to the mini-program's Open Platform."""

    follows: bool
    unionid: str | None = field(repr=False)


class WechatClient(WeChatClient):  # type: ignore[misc]  # wechatpy has no types
    """Safe to share between threads.

    `shared` is a Redis client for the access token (short socket time-outs, no retries), or None. Every method
    raises `ProviderRefused` or `ProviderUnavailable`, see `app.providers.wechat.errors`. Whoever calls while a
    person waits takes one of `places` first.
    """

    def __init__(
        self,
        appid: str,
        secret: str,
        *,
        shared: redis.Redis | None,
        clock: Callable[[], datetime],
        base_url: str = WECHAT_API_BASE,
        connect_timeout_s: float = 2.0,
        read_timeout_s: float = 5.0,
        busy_pauses_s: tuple[float, ...] = (0.2, 0.6),
        places: Places | None = None,
    ) -> None:
        super().__init__(appid, secret, timeout=(connect_timeout_s, read_timeout_s), auto_retry=False)
        self._http.close()  # wechatpy's own session: unused
        self._transport = Transport(
            base_url, clock=clock, connect_timeout_s=connect_timeout_s, read_timeout_s=read_timeout_s
        )
        fetch = StableToken(self._transport, appid=appid, secret=secret)
        self.tokens = TokenStore(fetch, appid=appid, shared=shared, clock=clock)
        self._busy_pauses_s = busy_pauses_s
        self.places = places or Places(_FEW_PLACES)

    def code_to_session(self, code: str) -> Code2Session:
        """Redeems a code of `wx.login`. It works once: after `OutcomeUnknown` ask for a new one.

        Needs no access token, so a failing token endpoint does not keep members out.
        """
        _check_code(code)
        query = {
            "appid": self.appid,
            "secret": self.secret,
            "js_code": code,
            "grant_type": "authorization_code",
        }
        answer = self._patiently(lambda: self._transport.call("GET", CODE_TO_SESSION, query=query))
        openid, unionid = answer.get("openid"), answer.get("unionid")
        if not isinstance(openid, str) or not openid:
            raise _unreadable(CODE_TO_SESSION)
        return Code2Session(openid, unionid if isinstance(unionid, str) and unionid else None)

    def phone_number(self, code: str) -> str:
        """The member's number, E.164. Each success is billed: never ask twice for one code."""
        _check_code(code)
        answer = self._with_token("POST", PHONE_NUMBER, body={"code": code})
        info = answer.get("phone_info")
        number = _e164(info) if isinstance(info, dict) and _appid_in(info) == self.appid else None
        if number is None:
            raise _unreadable(PHONE_NUMBER)
        return number

    def send_subscribe_message(
        self,
        openid: str,
        template_id: str,
        page: str | None,
        data: Mapping[str, Mapping[str, str]],
        lang: Lang = "zh_CN",
        state: State = "formal",
    ) -> str | None:
        """Sends one message and uses up one credit of the member's consent. Returns WeChat's message id, if any.

        After `OutcomeUnknown` the message may have arrived; WeChat offers no way to ask or to repeat safely.
        """
        body = subscribe_body(openid, template_id, page, data, lang, state)
        return message_id(self._with_token("POST", SUBSCRIBE_SEND, body=body))

    def follower(self, openid: str) -> Follower:
        """Of an official account: whether that person follows it, and who they are across the brand's apps."""
        answer = self._with_token("GET", USER_INFO, query={"openid": openid})
        if answer.get("subscribe") not in (0, 1):
            raise _unreadable(USER_INFO)
        unionid = answer.get("unionid")
        known = isinstance(unionid, str) and 0 < len(unionid) <= _LONGEST_UNIONID and "\0" not in unionid
        return Follower(answer["subscribe"] == 1, unionid if known else None)

    def page_picture(self, scene: str, page: str, state: State = "formal") -> bytes:
        """A mini-program code, PNG or JPEG, that opens `page` with `scene`: at most 32 of WeChat's characters.

        Only a released version is asked whether it has the page.
        """
        if not _SCENE.fullmatch(scene):
            raise ValueError("a scene has 1 to 32 letters, digits or signs")
        body = {
            "scene": scene,
            "page": page,
            "env_version": _VERSIONS[state],
            "check_path": state == "formal",
        }
        return self._once_more(lambda query: self._transport.picture(PAGE_PICTURE, query=query, body=body))

    def close(self) -> None:
        """Closes the connections that are kept open."""
        self._transport.close()

    def fetch_access_token(self) -> dict[str, str]:
        """wechatpy's name for making sure that there is a token."""
        return {"access_token": self.tokens.get()}

    @property
    def access_token(self) -> str:
        return self.tokens.get()

    def _request(self, method: str, url_or_endpoint: str, **kwargs: Any) -> Any:
        """The one way out for every method inherited from wechatpy."""
        base = kwargs.pop("api_base_url", None) or self.API_BASE_URL
        url = url_or_endpoint if url_or_endpoint.startswith("https://") else base + url_or_endpoint
        if not url.startswith(WECHAT_API_BASE + "/"):
            raise ValueError("not an address of WeChat's API")
        path = url.removeprefix(WECHAT_API_BASE)
        query, body = dict(kwargs.pop("params", None) or {}), kwargs.pop("data", None)
        processed = kwargs.pop("result_processor", None) or (lambda answer: answer)
        body = body.encode() if isinstance(body, str) else body
        if kwargs:
            raise TypeError(f"not supported: {', '.join(sorted(kwargs))}")
        if "access_token" in query:
            return processed(self._transport.call(method.upper(), path, query=query, body=body))
        return processed(self._with_token(method.upper(), path, query=query, body=body))

    def _with_token(
        self, method: str, path: str, *, query: Mapping[str, str] | None = None, body: Any = None
    ) -> dict[str, Any]:
        return self._once_more(
            lambda token: self._transport.call(method, path, query={**(query or {}), **token}, body=body)
        )

    def _once_more(self, call: Callable[[dict[str, str]], T]) -> T:
        """One call; one more with another token when WeChat turns the first one down."""
        token = self.tokens.get()
        try:
            return call({"access_token": token})
        except TokenRejected:
            pass
        return call({"access_token": self.tokens.replace(token)})

    def _patiently(self, call: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Repeats what WeChat was too busy for (-1: nothing was done), once for each pause."""
        for pause_s in self._busy_pauses_s:
            try:
                return call()
            except Busy:
                time.sleep(pause_s)
        return call()


def subscribe_body(
    openid: str,
    template_id: str,
    page: str | None,
    data: Mapping[str, Mapping[str, str]],
    lang: Lang,
    state: State,
) -> dict[str, Any]:
    body = {
        "touser": openid,
        "template_id": template_id,
        "data": data,
        "miniprogram_state": state,
        "lang": lang,
    }
    return body if page is None else {**body, "page": page}


def message_id(answer: Mapping[str, Any]) -> str | None:
    """Not in WeChat's table of what the call returns, but its guide says it is returned. Number or text."""
    msgid = answer.get("msgid")
    return str(msgid) if isinstance(msgid, int | str) and msgid != "" else None


def _check_code(code: str) -> None:
    """What cannot be a code costs WeChat no question and us no quota."""
    if not _CODE.fullmatch(code):
        raise CodeInvalid


def _unreadable(path: str) -> BadAnswer:
    failure = BadAnswer()
    report(path, failure)
    return failure


def _appid_in(phone_info: Mapping[str, Any]) -> object:
    watermark = phone_info.get("watermark")
    return watermark.get("appid") if isinstance(watermark, dict) else None


def _e164(phone_info: Mapping[str, Any]) -> str | None:
    country, number = phone_info.get("countryCode"), phone_info.get("purePhoneNumber")
    if not isinstance(country, str) or not isinstance(number, str):
        return None
    if not _COUNTRY.fullmatch(country) or not _NUMBER.fullmatch(number) or len(country + number) > 15:
        return None
    return f"+{country}{number}"
