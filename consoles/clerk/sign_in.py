"""Signing in at a till, and the language of the page."""

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from werkzeug.exceptions import NotFound as NoSuchPage
from werkzeug.wrappers import Response

from app import clock
from app.errors import DomainError, Forbidden, NotFound, TooMany
from app.staff.sign_in import TemporaryPasswordExpired, WrongPassword, sign_in
from consoles.clerk import guard
from consoles.clerk.forms import FieldRefused, field
from consoles.clerk.refusals import answer_with_screens, minutes_left
from consoles.pages import as_pages, remember_language
from consoles.texts import t
from web.errors import status_of
from web.guards import opened
from web.language import LANGUAGES
from web.parts import parts

#: Of a store's or till's code.
LONGEST_CODE = 32

blueprint = Blueprint("clerk_sign_in", __name__, url_prefix="/till")
opened(blueprint, "who signs in has no session yet; forms must be our own and wrong passwords are throttled")
as_pages(blueprint)
answer_with_screens(blueprint)


@blueprint.get("/sign-in")
def page() -> Response:
    """The form, with the till that the address names (`?store=S001&terminal=T1`) or this browser used last."""
    return _form()


@blueprint.post("/sign-in")
def enter() -> Response:
    """Open a session as a clerk at the chosen till."""
    if not guard.secure_enough():
        return _form(status=403)
    guard.require_own_sign_in_form()
    try:
        store_code, terminal_code = (field(name, LONGEST_CODE).upper() for name in ("store", "terminal"))
        session = sign_in(
            login=field("login", 40),
            password=request.form.get("password", "")[:200],
            terminal=(store_code, terminal_code),
            address=request.remote_addr or "",
            throttle=parts().throttle,
            now=clock.now(),
        )
    except (WrongPassword, TooMany, NotFound, Forbidden, FieldRefused) as refusal:
        return _form(refusal, int(status_of(refusal)))
    response = make_response(redirect(url_for("clerk_till.page"), 303))
    guard.keep_session(response, session, f"{store_code}.{terminal_code}")
    return response


@blueprint.post("/language/<string:language>")
def choose_language(language: str) -> Response:
    """Remember the language in this browser; nothing else changes, so no session is asked for."""
    if language not in LANGUAGES:
        raise NoSuchPage
    guard.require_same_origin()
    response = make_response(redirect(url_for("clerk_till.page"), 303))
    remember_language(response, language)
    return response


def _form(refusal: DomainError | None = None, status: int = 200) -> Response:
    store, terminal = _place()
    response = make_response(
        render_template(
            "clerk/sign_in.html",
            brand=parts().settings.brand_name,
            secure=guard.secure_enough(),
            store=store,
            terminal=terminal,
            longest_code=LONGEST_CODE,
            login=request.form.get("login", "")[:40],
            fault=None if refusal is None else _sentence(refusal),
            csrf_token=guard.sign_in_token(),
        ),
        status,
    )
    guard.keep_form_nonce(response)
    return response


def _place() -> tuple[str, str]:
    """What to fill in for store and till. Which ones there are is told to nobody who has not signed in."""
    for given in (request.form, request.args):
        if "store" in given or "terminal" in given:
            return given.get("store", "")[:LONGEST_CODE], given.get("terminal", "")[:LONGEST_CODE]
    store, _, terminal = request.cookies.get(guard.PLACE_COOKIE, "").partition(".")
    return store[:LONGEST_CODE], terminal[:LONGEST_CODE]


def _sentence(refusal: DomainError) -> str:
    if isinstance(refusal, TooMany):
        return t("sign_in.too_many", minutes=minutes_left(refusal))
    if isinstance(refusal, TemporaryPasswordExpired):
        return t("sign_in.password_expired")
    if isinstance(refusal, Forbidden):
        return t("sign_in.not_here")
    if isinstance(refusal, NotFound):
        return t("sign_in.no_till")
    return t("sign_in.wrong")
