"""Who is at the till, and whether a form was really sent from our own page."""

import hmac
import secrets
from urllib.parse import urlsplit

from flask import g, request
from werkzeug.wrappers import Response

from app import clock
from app.errors import Forbidden, Unauthenticated
from app.staff.roles import SELL, require
from app.staff.sign_in import OpenedSession, SignedInStaff, require_own_password, signed_in
from app.stores.tills import Till
from web.parts import parts

#: `__Host-`: the browser itself sees to it that the cookie is Secure, ours alone and for the whole site.
SESSION_COOKIE = "__Host-till"
FORM_COOKIE = "__Host-till-form"
#: Store and till this browser stands at, offered again at the next sign-in. Not a secret and not a proof.
PLACE_COOKIE = "till-place"
_PLACE_LIFE_S = 365 * 24 * 3600
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_SAFE = ("GET", "HEAD", "OPTIONS")


class ForeignForm(Forbidden):
    """The form came from another site, or from a page of a former session."""


def secure_enough() -> bool:
    """Whether the browser will keep a Secure cookie and open a camera: HTTPS, or this very machine."""
    return request.is_secure or urlsplit(request.host_url).hostname in _LOOPBACK


def require_clerk() -> None:
    """As `require_session`, with a password of their own. Raises `PasswordChangeRequired` as well."""
    require_session()
    require_own_password(clerk())


def require_session() -> None:
    """A live session of somebody who may still sell here; for POSTs also a form of that session.

    Raises `Unauthenticated`, `Forbidden`, `ForeignForm`.
    """
    token = request.cookies.get(SESSION_COOKIE, "")
    if not 16 <= len(token) <= 200:
        raise Unauthenticated
    person = signed_in(token, now=clock.now())
    if person.till is None:
        raise Unauthenticated
    g.clerk = person
    g.csrf_token = _mark("till", token)
    require(person.grants, SELL, person.till.store_id)
    if request.method not in _SAFE:
        require_same_origin()
        given = request.headers.get("X-CSRF-Token") or request.form.get("csrf_token", "")
        if not hmac.compare_digest(given.encode(), g.csrf_token.encode()):
            raise ForeignForm


def clerk() -> SignedInStaff:
    person: SignedInStaff = g.clerk
    return person


def till() -> Till:
    here = clerk().till
    if here is None:
        raise Unauthenticated
    return here


def require_same_origin() -> None:
    """What browsers say about where a request comes from. Raises `ForeignForm`, also when one says nothing at all."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is None:
        # Browsers before 2023 and plain HTTP: the origin must be ours.
        if request.headers.get("Origin") != request.host_url.rstrip("/"):
            raise ForeignForm
    elif site != "same-origin":
        raise ForeignForm


def form_nonce() -> str:
    """Before there is a session: this browser's random mark, kept in a cookie."""
    if "form_nonce" not in g:
        former = request.cookies.get(FORM_COOKIE, "")
        g.form_nonce = former if 16 <= len(former) <= 64 else secrets.token_urlsafe(24)
    nonce: str = g.form_nonce
    return nonce


def sign_in_token() -> str:
    """What the sign-in form must bring along with the cookie."""
    return _mark("sign-in", form_nonce())


def require_own_sign_in_form() -> None:
    """Raises `ForeignForm`."""
    require_same_origin()
    cookie = request.cookies.get(FORM_COOKIE, "")
    given = request.form.get("csrf_token", "")
    if not cookie or not hmac.compare_digest(given.encode(), _mark("sign-in", cookie).encode()):
        raise ForeignForm


def keep_form_nonce(response: Response) -> None:
    response.set_cookie(FORM_COOKIE, form_nonce(), secure=True, httponly=True, samesite="Strict")


def keep_session(response: Response, session: OpenedSession, place: str) -> None:
    """The cookie ends with the browser; how long the session lives is decided here, not there."""
    response.set_cookie(SESSION_COOKIE, session.token, secure=True, httponly=True, samesite="Strict")
    response.set_cookie(
        PLACE_COOKIE, place, max_age=_PLACE_LIFE_S, secure=True, httponly=True, samesite="Strict"
    )


def drop_session(response: Response) -> None:
    response.delete_cookie(SESSION_COOKIE, secure=True, httponly=True, samesite="Strict")


def terminal_code() -> str:
    """The till's code as it was chosen at sign-in, to be shown and to begin receipt numbers with."""
    _, _, code = request.cookies.get(PLACE_COOKIE, "").partition(".")
    return code if code.isascii() and code.replace("-", "").isalnum() and len(code) <= 32 else "T"


def _mark(purpose: str, text: str) -> str:
    key = parts().settings.session_key
    return hmac.digest(key, f"{purpose} form|{text}".encode(), "sha256").hex()
