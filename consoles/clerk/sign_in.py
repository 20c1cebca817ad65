"""Signing in at a till, and the language of the page."""

from flask import Blueprint, g, make_response, redirect, render_template, request, url_for
from werkzeug.exceptions import NotFound as NoSuchPage
from werkzeug.wrappers import Response

from app import clock
from app.errors import DomainError, Forbidden, NotFound, TooMany
from app.staff.sign_in import WrongPassword, sign_in
from consoles.clerk import guard, said
from consoles.clerk.forms import FieldRefused, field
from consoles.clerk.refusals import answer_with_screens, minutes_left
from consoles.pages import as_pages, remember_language
from consoles.texts import t
from web.devices import known_device, remember_device
from web.guards import opened
from web.language import LANGUAGES
from web.parts import parts

#: Of a store's or till's code.
LONGEST_CODE = 32
LONGEST_LOGIN = 40

blueprint = Blueprint("clerk_sign_in", __name__, url_prefix="/till")
opened(blueprint, "who signs in has no session yet; forms must be our own and wrong passwords are throttled")
as_pages(blueprint)
answer_with_screens(blueprint)


@blueprint.get("/sign-in")
def page() -> Response:
    """The form, with the till that the address names (`?store=S001&terminal=T1`) or this browser used last.

    Whoever is signed in, as after *Back*, goes on to the till.
    """
    return make_response(redirect(url_for("clerk_till.page"), 303)) if _may_go_on() else _form()


@blueprint.post("/sign-in")
def enter() -> Response:
    """Open a session as a clerk at the chosen till; a refusal is told by the form, after a redirect."""
    if not guard.secure_enough():
        return _form(status=403)
    guard.require_own_sign_in_form()
    try:
        store_code, terminal_code = (field(name, LONGEST_CODE).upper() for name in ("store", "terminal"))
        login = field("login", LONGEST_LOGIN)
        session = sign_in(
            login=login,
            password=request.form.get("password", "")[:200],
            terminal=(store_code, terminal_code),
            address=request.remote_addr or "",
            device=known_device(login),
            throttle=parts().throttle,
            now=clock.now(),
        )
    except (WrongPassword, TooMany, NotFound, Forbidden, FieldRefused) as refusal:
        return _back_to_form(refusal)
    response = make_response(redirect(url_for("clerk_till.page"), 303))
    guard.keep_session(response, session, f"{store_code}.{terminal_code}")
    remember_device(response, login)
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


def _may_go_on() -> bool:
    try:
        guard.require_session()
    except DomainError:
        return False
    return True


def _back_to_form(refusal: DomainError) -> Response:
    g.error_code = refusal.code
    response = make_response(redirect(url_for("clerk_sign_in.page"), 303))
    typed = {name: request.form.get(name, "")[:LONGEST_CODE] for name in ("store", "terminal")}
    minutes = minutes_left(refusal) if isinstance(refusal, TooMany) else 0
    login = request.form.get("login", "")[:LONGEST_LOGIN]
    said.keep(response, said.Said(reason=said.reason_of(refusal), minutes=minutes, login=login, **typed))
    return response


def _form(status: int = 200) -> Response:
    told = said.kept()
    store, terminal = _place(told)
    response = make_response(
        render_template(
            "clerk/sign_in.html",
            brand=parts().settings.brand_name,
            secure=guard.secure_enough(),
            store=store,
            terminal=terminal,
            longest_code=LONGEST_CODE,
            longest_login=LONGEST_LOGIN,
            login="" if told is None else told.login,
            fault=None if told is None else _sentence(told),
            csrf_token=guard.sign_in_token(),
        ),
        status,
    )
    said.drop(response)
    guard.keep_form_nonce(response)
    return response


def _place(told: said.Said | None) -> tuple[str, str]:
    """What to fill in for store and till. Which ones there are is told to nobody who has not signed in."""
    if told is not None and (told.store or told.terminal):
        return told.store, told.terminal
    if "store" in request.args or "terminal" in request.args:
        return request.args.get("store", "")[:LONGEST_CODE], request.args.get("terminal", "")[:LONGEST_CODE]
    store, _, terminal = request.cookies.get(guard.PLACE_COOKIE, "").partition(".")
    return store[:LONGEST_CODE], terminal[:LONGEST_CODE]


def _sentence(told: said.Said) -> str:
    sentences = {
        "too_many": t("sign_in.too_many", minutes=told.minutes),
        "password_expired": t("sign_in.password_expired"),
        "no_till": t("sign_in.no_till"),
        "may_not_sell": t("sign_in.may_not_sell"),
        "session_over": t("sign_in.session_over"),
        "sale_over": t("sign_in.sale_over"),
    }
    return sentences.get(told.reason, t("sign_in.wrong"))
