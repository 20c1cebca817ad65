"""Browsers that somebody signed in with before: strangers at the same address do not use up their tries.

A browser keeps one cookie with a mark for each login that has signed in there (OWASP's "device cookies"). A mark opens
nothing: it only says in which bucket wrong passwords of that login from that browser are counted.
"""

import base64
import hmac
import re
import secrets
from datetime import UTC, datetime, timedelta

LIFE = timedelta(days=180)
#: How many people's marks one browser keeps, those who came last: as many as stand at one till in half a year.
MOST = 16
_ENTRY = re.compile(r"([\w-]{22})\.([0-9]{1,11})\.([\w-]{43})", re.ASCII)


def known(key: bytes, cookie: str, login: str, *, now: datetime) -> str | None:
    """The mark that this browser has for that login, if it has one that is ours and not too old."""
    for entry in _entries(cookie):
        mark, issued = _opened(key, entry, login) or ("", 0)
        if mark and timedelta(0) <= now - datetime.fromtimestamp(issued, UTC) < LIFE:
            return mark
    return None


def remembered(key: bytes, cookie: str, login: str, *, now: datetime) -> str:
    """The cookie after that login has signed in there. A mark that was good stays: its failures are not forgiven."""
    mark = known(key, cookie, login, now=now) or secrets.token_urlsafe(16)
    others = [entry for entry in _entries(cookie) if _opened(key, entry, login) is None]
    issued = int(now.timestamp())
    return "~".join([f"{mark}.{issued}.{_signature(key, login, mark, issued)}", *others][:MOST])


def _entries(cookie: str) -> list[str]:
    return [entry for entry in cookie.split("~", MOST)[:MOST] if _ENTRY.fullmatch(entry)]


def _opened(key: bytes, entry: str, login: str) -> tuple[str, int] | None:
    """The mark and when it was given, if it was given to that login."""
    mark, issued, signature = entry.split(".")
    right = _signature(key, login, mark, int(issued))
    return (mark, int(issued)) if hmac.compare_digest(signature, right) else None


def _signature(key: bytes, login: str, mark: str, issued: int) -> str:
    text = f"device|{login.strip().lower()}|{mark}|{issued}"
    return base64.urlsafe_b64encode(hmac.digest(key, text.encode(), "sha256")).decode().rstrip("=")
