"""What every endpoint of api.weixin.qq.com has in common: HTTP 200, errcode and rid, latency, faults, counts."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from wechat_sandbox.errors import BAD_JSON, PlatformError
from wechat_sandbox.fault_answers import break_answer
from wechat_sandbox.faults import Fault
from wechat_sandbox.smtp import MailServer
from wechat_sandbox.world import World

JSON_TYPE = "application/json; charset=utf-8"
PNG_TYPE = "image/png"


@dataclass
class Holder:
    """Keeps the world of the running server; a reset puts another one in."""

    world: World


HOLDER = web.AppKey("HOLDER", Holder)
MAIL = web.AppKey("MAIL", MailServer)


@dataclass
class Call:
    """One request to the platform. ``now`` is the moment it arrived, ``peer`` the address it came from."""

    world: World
    path: str
    query: Mapping[str, str]
    raw: bytes = field(repr=False)
    now: float
    wait_s: float
    peer: str

    def body(self) -> dict[str, Any]:
        """The JSON object that was posted. Raises PlatformError (47001)."""
        try:
            body = json.loads(self.raw)
        except ValueError:
            raise PlatformError(BAD_JSON) from None
        if not isinstance(body, dict):
            raise PlatformError(BAD_JSON)
        return body

    async def hold(self) -> None:
        """Let the platform's working time pass, once; an endpoint calls it where that time matters."""
        wait_s, self.wait_s = self.wait_s, 0.0
        if wait_s > 0:
            await asyncio.sleep(wait_s)


#: JSON, or a picture (PNG).
Reply = dict[str, object] | bytes
Endpoint = Callable[[Call], Awaitable[Reply]]


def endpoint(
    work: Endpoint, content_type: Callable[[World], str] | None = None
) -> Callable[[web.Request], Any]:
    """Turn an endpoint into a request handler."""

    async def handle(request: web.Request) -> web.StreamResponse:
        world = request.app[HOLDER].world
        raw = await request.read()
        call = Call(
            world,
            request.path,
            request.query,
            raw,
            world.clock.now(),
            world.latency_s(),
            request.remote or "",
        )
        world.metrics.call(call.path)
        fault = world.faults.pick(call.path, _subject(call))
        if fault is not None and fault.kind == "latency":
            call.wait_s += fault.number / 1_000
            fault = None
        if fault is not None and fault.moment == "before":
            return await _broken(request, fault, call, {})
        answer = await _answer(work, call)
        await call.hold()
        if fault is not None:
            return await _broken(request, fault, call, answer)
        picture = isinstance(answer, bytes)
        world.metrics.answer(call.path, "0" if isinstance(answer, bytes) else str(answer.get("errcode", 0)))
        kind = PNG_TYPE if picture else content_type(world) if content_type else JSON_TYPE
        return web.Response(body=_dump(answer), headers={"Content-Type": kind})

    return handle


async def _answer(work: Endpoint, call: Call) -> Reply:
    try:
        return await work(call)
    except PlatformError as error:
        return error.body(call.world.draw.rid(call.now))


async def _broken(request: web.Request, fault: Fault, call: Call, answer: Reply) -> web.StreamResponse:
    await call.hold()
    call.world.metrics.answer(
        call.path, str(fault.number) if fault.kind == "errcode" else f"fault {fault.kind}"
    )
    if fault.kind == "errcode":
        error = PlatformError(fault.number).body(call.world.draw.rid(call.now))
        if fault.errmsg:
            error["errmsg"] = f"{fault.errmsg} rid: {call.world.draw.rid(call.now)}"
        return web.Response(body=_dump(error), headers={"Content-Type": JSON_TYPE})
    return await break_answer(request, fault, _dump(answer))


def _subject(call: Call) -> str | None:
    """Whose request this is: the addressee of a message, or the owner of the code presented."""
    if not call.world.faults.any_by_openid:
        return None
    try:
        body = call.body() if call.raw else {}
    except PlatformError:
        body = {}
    if "touser" in body:
        return str(body["touser"])
    owner = call.world.login_codes.owner(call.query.get("js_code", ""))
    owner = owner or call.world.phone_codes.owner(str(body.get("code", "")))
    return owner.openid if owner else None


def _dump(answer: Reply) -> bytes:
    if isinstance(answer, bytes):
        return answer
    return json.dumps(answer, ensure_ascii=False, separators=(",", ":")).encode()
