"""What every endpoint of WeChat Pay has in common: signed requests, signed answers, real HTTP statuses, faults."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from aiohttp import web

from wechat_sandbox.fault_answers import break_answer
from wechat_sandbox.faults import Fault
from wechat_sandbox.pay_crypto import SCHEMA, forge, verify
from wechat_sandbox.pay_desk import PayDesk
from wechat_sandbox.pay_errors import PayError
from wechat_sandbox.platform_call import HOLDER, JSON_TYPE
from wechat_sandbox.world import World

_FRESH_S: Final = 300
_PAIR: Final = re.compile(r'([a-z_]+)="([^"]*)"')


@dataclass
class PayCall:
    """One request of the merchant. ``path`` names the endpoint, without the numbers in it."""

    world: World
    desk: PayDesk
    path: str
    numbers: Mapping[str, str]
    query: Mapping[str, str]
    raw: bytes = field(repr=False)
    now: float

    def body(self) -> dict[str, Any]:
        """The JSON object that was posted. Raises PayError."""
        try:
            body = json.loads(self.raw)
        except ValueError:
            raise PayError("PARAM_ERROR") from None
        if not isinstance(body, dict):
            raise PayError("PARAM_ERROR")
        return body

    def payer(self) -> str | None:
        """The openid in the request, for faults that meet one person only."""
        try:
            payer = self.body().get("payer")
        except PayError:
            return None
        return payer.get("openid") if isinstance(payer, dict) else None


Answer = tuple[int, dict[str, Any] | None]
PayEndpoint = Callable[[PayCall], Awaitable[Answer]]


def pay_endpoint(work: PayEndpoint) -> Callable[[web.Request], Any]:
    """Turn an endpoint into a request handler."""

    async def handle(request: web.Request) -> web.StreamResponse:
        world, raw = request.app[HOLDER].world, await request.read()
        resource = request.match_info.route.resource
        path = resource.canonical if resource is not None else request.path
        world.metrics.call(path)
        if world.pay is None:
            return web.Response(status=404, text='{"code":"NO_AUTH","message":"no merchant is configured"}')
        call = PayCall(world, world.pay, path, request.match_info, request.query, raw, world.clock.now())
        wait_s, fault = world.latency_s(), world.faults.pick(path, call.payer())
        if fault is not None and fault.kind == "latency":
            wait_s, fault = wait_s + fault.number / 1_000, None
        status, document = 0, None
        if fault is None or fault.moment == "after":
            status, document = await _answer(work, call, request)
        await asyncio.sleep(wait_s)
        if fault is not None:
            world.metrics.answer(path, f"fault {fault.kind}")
            return await _broken(request, fault, call.desk, status, document)
        world.metrics.answer(path, str((document or {}).get("code") or status))
        return _signed(request, call.desk, status, document)

    return handle


async def _answer(work: PayEndpoint, call: PayCall, request: web.Request) -> Answer:
    try:
        _check_signature(request, call)
        return await work(call)
    except PayError as error:
        return error.status, error.body()


def _check_signature(request: web.Request, call: PayCall) -> None:
    """The merchant's signature over method, path with query, time, nonce and body. Raises PayError."""
    scheme, _, rest = request.headers.get("Authorization", "").partition(" ")
    given, config = dict(_PAIR.findall(rest)), call.desk.config
    stamp, nonce = given.get("timestamp", ""), given.get("nonce_str", "")
    try:
        body = call.raw.decode()
    except UnicodeDecodeError:
        raise PayError("SIGN_ERROR") from None
    right = (
        scheme == SCHEMA
        and (given.get("mchid"), given.get("serial_no")) == (config.mchid, config.serial)
        and 0 < len(nonce) <= 32
        and stamp.isascii()
        and stamp.isdigit()
        and abs(time.time() - int(stamp)) < _FRESH_S
        and verify(
            config.public_key,
            given.get("signature", ""),
            request.method,
            request.raw_path,
            stamp,
            nonce,
            body,
        )
    )
    if not right:
        raise PayError("SIGN_ERROR")


async def _broken(
    request: web.Request, fault: Fault, desk: PayDesk, status: int, document: dict[str, Any] | None
) -> web.StreamResponse:
    if fault.kind == "status" and fault.code:
        error = PayError(fault.code, status=fault.number)
        return _signed(request, desk, error.status, error.body())
    if fault.kind == "forged":
        response = _signed(request, desk, status, document)
        stamp, nonce = response.headers["Wechatpay-Timestamp"], response.headers["Wechatpay-Nonce"]
        response.headers["Wechatpay-Signature"] = forge(stamp, nonce, _dump(document).decode())
        return response
    return await break_answer(request, fault, _dump(document))


def _signed(
    request: web.Request, desk: PayDesk, status: int, document: dict[str, Any] | None
) -> web.Response:
    """With the key that the request names in Wechatpay-Serial, else with the configured one."""
    asked = request.headers.get("Wechatpay-Serial", "")
    serial = asked if asked in desk.keys.by_serial else desk.notifier.serial
    stamp, nonce, body = str(int(time.time())), desk.next_nonce(), _dump(document)
    headers = {
        "Request-ID": desk.next_nonce(),
        "Wechatpay-Timestamp": stamp,
        "Wechatpay-Nonce": nonce,
        "Wechatpay-Serial": serial,
        "Wechatpay-Signature-Type": SCHEMA,
        "Wechatpay-Signature": desk.keys.sign(serial, stamp, nonce, body.decode()),
    }
    if status == 204:
        return web.Response(status=status, headers=headers)
    return web.Response(status=status, body=body, headers={**headers, "Content-Type": JSON_TYPE})


def _dump(document: dict[str, Any] | None) -> bytes:
    if document is None:
        return b""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
