"""What the sign-in page has to say after a redirect. It travels in a cookie, for one showing: an address tells nothing.

A form that was refused redirects too, so that *Back* never asks a browser to send a password once more.
"""

import base64
from dataclasses import dataclass

import msgspec
from flask import request
from werkzeug.wrappers import Response

from app.errors import DomainError, Forbidden, NotFound, TooMany
from app.staff.sign_in import TemporaryPasswordExpired
from app.typed import read

_COOKIE = "__Host-till-said"
#: Long enough for a redirect over a slow network, too short to surprise anybody later.
_LIFE_S = 60


@dataclass(frozen=True, kw_only=True)
class Said:
    """`reason` is one of ours, else the page says that the login was wrong; the rest is what was typed."""

    reason: str
    minutes: int = 0
    login: str = ""
    store: str = ""
    terminal: str = ""


def reason_of(refusal: DomainError) -> str:
    """Unknown logins, wrong passwords and disabled people share one."""
    if isinstance(refusal, TooMany):
        return "too_many"
    if isinstance(refusal, TemporaryPasswordExpired):
        return "password_expired"
    if isinstance(refusal, Forbidden):
        return "may_not_sell"
    return "no_till" if isinstance(refusal, NotFound) else "wrong"


def keep(response: Response, said: Said) -> None:
    """For the next time the page is shown."""
    value = base64.urlsafe_b64encode(msgspec.json.encode(said)).decode().rstrip("=")
    response.set_cookie(_COOKIE, value, max_age=_LIFE_S, secure=True, httponly=True, samesite="Strict")


def kept() -> Said | None:
    """Whatever is not of this form was not kept by us, and counts as nothing."""
    value = request.cookies.get(_COOKIE, "")[:2000]
    try:
        return read(base64.urlsafe_b64decode(value + "=" * (-len(value) % 4)), Said)
    except ValueError:
        return None


def drop(response: Response) -> None:
    if _COOKIE in request.cookies:
        response.delete_cookie(_COOKIE, secure=True, httponly=True, samesite="Strict")
