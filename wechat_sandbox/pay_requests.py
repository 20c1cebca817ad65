"""Reading what a merchant posts: every field by its documented rule, else PARAM_ERROR naming it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlsplit

from wechat_sandbox.config_parse import is_loopback
from wechat_sandbox.pay_errors import PayError

ORDER_NUMBER: Final = re.compile(r"[0-9A-Za-z_\-|*]{6,32}")
REFUND_NUMBER: Final = re.compile(r"[0-9A-Za-z_\-|*@]{1,64}")
_MOST_FEN: Final = 10**10


def text(body: Mapping[str, Any], path: str, longest: int, pattern: re.Pattern[str] | None = None) -> str:
    """A text that must be there, of at most ``longest`` characters. Raises PayError."""
    value = _at(body, path)
    if not isinstance(value, str) or not 0 < len(value) <= longest:
        raise PayError("PARAM_ERROR", path)
    if pattern is not None and not pattern.fullmatch(value):
        raise PayError("PARAM_ERROR", path)
    return value


def optional_text(body: Mapping[str, Any], path: str, longest: int) -> str | None:
    """A text that may be missing. Raises PayError."""
    return None if _at(body, path) is None else text(body, path, longest)


def fen(body: Mapping[str, Any], path: str) -> int:
    """A whole amount above nothing. Raises PayError."""
    value = _at(body, path)
    if type(value) is not int or not 0 < value <= _MOST_FEN:
        raise PayError("PARAM_ERROR", path)
    return value


def currency(body: Mapping[str, Any], *, required: bool) -> None:
    """CNY is all there is. Raises PayError."""
    value = _at(body, "/amount/currency")
    if value != "CNY" and (required or value is not None):
        raise PayError("PARAM_ERROR", "/amount/currency")


def end_of(body: Mapping[str, Any], now: float) -> float | None:
    """``time_expire`` in RFC 3339 with its zone, and still to come. Raises PayError."""
    given = optional_text(body, "/time_expire", 64)
    if given is None:
        return None
    try:
        moment = datetime.fromisoformat(given)
    except ValueError:
        raise PayError("PARAM_ERROR", "/time_expire") from None
    if moment.tzinfo is None or moment.timestamp() <= now:
        raise PayError("PARAM_ERROR", "/time_expire")
    return moment.timestamp()


def address(value: str | None) -> str | None:
    """Where notifications go. The platform wants https without a query; this sandbox also stays on this machine."""
    if value is None:
        return None
    try:
        parts = urlsplit(value)
    except ValueError:
        raise PayError("PARAM_ERROR", "/notify_url") from None
    if parts.scheme not in ("http", "https") or not is_loopback(parts.hostname or ""):
        raise PayError("PARAM_ERROR", "/notify_url")
    if parts.query or parts.fragment or len(value) > 255:
        raise PayError("PARAM_ERROR", "/notify_url")
    return value


def _at(body: Mapping[str, Any], path: str) -> Any:
    found: Any = body
    for name in path.strip("/").split("/"):
        found = found.get(name) if isinstance(found, dict) else None
    return found
