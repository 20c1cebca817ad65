"""Answers that are no answers: hangs, cut connections, gateway pages, half a document."""

from __future__ import annotations

import asyncio
import time

from aiohttp import web

from wechat_sandbox.faults import Fault

_GATEWAY_PAGE = (
    "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"
)
_LOOK_EVERY_S = 0.05


async def break_answer(request: web.Request, fault: Fault, answer: bytes) -> web.StreamResponse:
    """Do to this request what the fault says; ``answer`` is what would have been sent."""
    if fault.kind == "status":
        return web.Response(status=fault.number, text=_GATEWAY_PAGE, content_type="text/html")
    if fault.kind == "html":
        return web.Response(text=_GATEWAY_PAGE, content_type="text/html")
    if fault.kind == "malformed_json":
        return web.Response(text='{"errcode":0,"errmsg":', content_type="application/json")
    if fault.kind == "truncated":
        return await _half(request, answer)
    if fault.kind == "timeout":
        await _hang(request, fault.number / 1_000)
    return _cut(request)


async def _half(request: web.Request, answer: bytes) -> web.StreamResponse:
    """Promise the whole length, send half of it, close."""
    response = web.StreamResponse(headers={"Content-Type": "application/json; charset=utf-8"})
    response.content_length = len(answer)
    await response.prepare(request)
    await response.write(answer[: len(answer) // 2])
    return _cut(request, response)


async def _hang(request: web.Request, limit_s: float) -> None:
    end = time.monotonic() + limit_s
    while time.monotonic() < end and request.transport is not None:
        await asyncio.sleep(_LOOK_EVERY_S)


def _cut(request: web.Request, response: web.StreamResponse | None = None) -> web.StreamResponse:
    if request.transport is not None:
        request.transport.close()
    return response or web.Response()
