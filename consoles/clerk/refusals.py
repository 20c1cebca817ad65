"""What a refused request looks like on the till: a whole screen in one colour, a word, an icon, what to do next."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from flask import Blueprint, g, make_response, redirect, render_template, request, url_for
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from app.errors import DomainError, TooMany, Unauthenticated
from app.staff.sign_in import PasswordChangeRequired, WrongPassword
from app.texts import error_text
from consoles.clerk import said
from consoles.clerk.guard import SESSION_COOKIE, ForeignForm, drop_session
from consoles.texts import has_text, t
from web.errors import crashed, http_refused, status_of
from web.language import language


@dataclass(frozen=True)
class Look:
    """Colour and icon of a screen. `again` offers to send the same form once more."""

    tone: str
    icon: str
    again: bool = False


_USED = Look("used", "arrow-counterclockwise")
_OVER = Look("used", "clock-history")
_BAD = Look("bad", "x-circle-fill")
_WAIT = Look("wait", "clock-history", again=True)

LOOKS: dict[str, Look] = {
    "code_replayed": _USED,
    "code_expired": _OVER,
    "code_not_yet": _OVER,
    "code_revoked": _OVER,
    "code_malformed": _BAD,
    "code_forged": _BAD,
    "member_not_active": _BAD,
    "coupon_not_redeemable": _OVER,
    "payment_code": Look("pay", "wallet2"),
    "too_many_requests": Look("wait", "clock-history"),
    "busy": _WAIT,
    "database_unavailable": _WAIT,
    "internal_error": _WAIT,
    "idempotency_key_reused": Look("used", "receipt"),
    "quote_used": Look("used", "receipt"),
    "ticket_unknown": _OVER,
    "ticket_expired": _OVER,
    "ticket_used": _USED,
}


def from_htmx() -> bool:
    return request.headers.get("HX-Request") == "true"


def refused(error: DomainError) -> Response:
    """The screen for a refusal, with its HTTP status; whoever is not signed in goes to the sign-in page."""
    g.error_code = error.code
    if isinstance(error, Unauthenticated) and not isinstance(error, WrongPassword):
        return _to_sign_in()
    if isinstance(error, PasswordChangeRequired):
        return _to(url_for("clerk_account.page"), HTTPStatus.FORBIDDEN)
    code = "form_foreign" if isinstance(error, ForeignForm) else error.code
    return screen(status_of(error), code, error.data.get("retry_after_s"), error.data.get("reason"))


def screen(status: int, code: str, retry_after_s: object = None, reason: object = None) -> Response:
    """A whole page, or for htmx the dialog that covers the one that is open."""
    shown = {
        "look": LOOKS.get(code, Look("bad", "exclamation-triangle-fill")),
        "code": code,
        "word": t(f"refused.{code}.word") if has_text(f"refused.{code}.word") else t("refused.other.word"),
        "advice": _advice(code, retry_after_s, reason),
        "request_id": g.get("request_id"),
    }
    template = "clerk/_refusal.html" if from_htmx() else "clerk/refused.html"
    response = make_response(render_template(template, **shown), status)
    if from_htmx():
        response.headers.update({"HX-Retarget": "#overlay", "HX-Reswap": "innerHTML", "X-Fragment": "1"})
    if retry_after_s is not None:
        response.headers["Retry-After"] = str(retry_after_s)
    return response


def minutes_left(refusal: TooMany) -> int:
    """Until it is worth trying again, rounded up."""
    return -(-int(str(refusal.data.get("retry_after_s", 60))) // 60)


def _advice(code: str, retry_after_s: object, reason: object) -> str:
    if code == "too_many_requests" and isinstance(retry_after_s, int):
        return t("refused.too_many_requests.advice", minutes=-(-retry_after_s // 60))
    if has_text(f"refused.{code}.advice"):
        return t(f"refused.{code}.advice")
    return error_text(code, language(), reason)


def _to_sign_in() -> Response:
    # A bookmark that names the till goes along.
    place: dict[str, Any] = {
        name: request.args[name][:32] for name in ("store", "terminal") if name in request.args
    }
    response = _to(url_for("clerk_sign_in.page", **place), HTTPStatus.UNAUTHORIZED)
    # Without a cookie and without a page of ours open, nobody was thrown out: they have only just come.
    if SESSION_COOKIE in request.cookies or from_htmx():
        # Who asks is known before anything is done, so this sale was not recorded. Of an earlier try of it, whose
        # answer was lost, nothing is known here.
        selling = request.endpoint in ("clerk_sales.sell", "clerk_sales.take")
        said.keep(response, said.Said(reason="sale_over" if selling else "session_over"))
    drop_session(response)
    return response


def _to(address: str, status: HTTPStatus) -> Response:
    """Lead the whole page there, also when only a piece of it was asked for."""
    if not from_htmx():
        return make_response(redirect(address, HTTPStatus.SEE_OTHER))
    response = make_response("", status)
    response.headers["HX-Redirect"] = address
    return response


def _http_refused(error: HTTPException) -> Response:
    plain = http_refused(error)
    if plain.status_code < HTTPStatus.BAD_REQUEST:
        return plain
    return screen(plain.status_code, str(g.get("error_code", "bad_request")))


def _crashed(error: Exception) -> Response:
    crashed(error)
    return screen(HTTPStatus.INTERNAL_SERVER_ERROR, "internal_error")


def answer_with_screens(blueprint: Blueprint) -> None:
    """Errors of this blueprint are for people: no problem documents."""
    blueprint.register_error_handler(DomainError, refused)
    blueprint.register_error_handler(HTTPException, _http_refused)
    blueprint.register_error_handler(Exception, _crashed)
