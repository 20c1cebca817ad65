"""Reading and answering on the control plane: JSON objects in, JSON out, 400/404 with a sentence."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from wechat_sandbox.config import ConfigError
from wechat_sandbox.pay_notify import NothingToRepeat
from wechat_sandbox.platform_call import HOLDER
from wechat_sandbox.push import NothingToPush
from wechat_sandbox.users import UnknownUser
from wechat_sandbox.world import UnknownTemplate, World


def world_of(request: web.Request) -> World:
    """The world of the running server."""
    return request.app[HOLDER].world


async def values_of(request: web.Request) -> dict[str, Any]:
    """The posted JSON object; an empty body is an empty object. Raises ValueError."""
    raw = await request.read()
    values = json.loads(raw) if raw else {}
    if not isinstance(values, dict):
        raise ValueError("a JSON object is expected")
    return values


def text_in(values: dict[str, Any], name: str) -> str:
    """A text that must be there. Raises ValueError."""
    value = values.get(name)
    if not isinstance(value, str) or not value:
        raise ValueError(f"{name} is missing")
    return value


def number_in(values: dict[str, Any], name: str, default: float | None = None) -> float:
    """A number that must be there unless it has a default. Raises ValueError."""
    value = values.get(name, default)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError(f"{name} is a number")
    return value


def id_in(values: dict[str, Any]) -> int | None:
    """The optional ``id`` of a notification. Raises ValueError."""
    value = values.get("id")
    if value is not None and type(value) is not int:
        raise ValueError("id is an integer")
    return value


def control(
    work: Callable[[web.Request], Awaitable[dict[str, Any]]],
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """Turn a function that returns JSON into a request handler."""

    async def handle(request: web.Request) -> web.StreamResponse:
        try:
            return _json(await work(request), 200)
        except (ValueError, ConfigError) as error:
            return _json({"error": str(error)}, 400)
        except UnknownUser:
            return _json({"error": "no such user"}, 404)
        except UnknownTemplate:
            return _json({"error": "no such template"}, 404)
        except NothingToRepeat:
            return _json({"error": "no such notification was sent"}, 404)
        except NothingToPush:
            return _json({"error": "no callback is set, or no such notification was made"}, 404)

    return handle


def _json(answer: dict[str, Any], status: int) -> web.Response:
    text = json.dumps(answer, ensure_ascii=False)
    return web.Response(text=text, content_type="application/json", status=status)
