"""A clerk sets the PIN with which registers know that it is them."""

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from app import clock
from app.errors import TooMany
from app.staff.own_password import CurrentPasswordWrong
from app.staff.passwords import LONGEST
from app.staff.pins import PinTooWeak, set_own_pin
from consoles.clerk.guard import clerk, require_clerk, till
from consoles.clerk.refusals import answer_with_screens, minutes_left
from consoles.pages import as_pages
from consoles.texts import t
from web.errors import status_of
from web.guards import guarded
from web.parts import parts

blueprint = Blueprint("clerk_pin", __name__, url_prefix="/till")
as_pages(blueprint)
answer_with_screens(blueprint)
guarded(blueprint, require_clerk)


@blueprint.get("/pin")
def page() -> Response:
    """The form for a PIN."""
    return _form()


@blueprint.post("/pin")
def change() -> Response:
    """Set it and go back to the till."""
    current, pin = request.form.get("current", "")[:200], request.form.get("pin", "")[:16]
    if pin != request.form.get("again", ""):
        return _form(t("pin.differ"), "pin", 422)
    try:
        set_own_pin(person=clerk(), password=current, pin=pin, throttle=parts().throttle, now=clock.now())
    except (CurrentPasswordWrong, PinTooWeak, TooMany) as refusal:
        at = "pin" if isinstance(refusal, PinTooWeak) else "current"
        return _form(_sentence(refusal), at, int(status_of(refusal)))
    return make_response(redirect(url_for("clerk_till.page"), 303))


def _form(fault: str | None = None, at: str | None = None, status: int = 200) -> Response:
    """`at` names the field at fault, which gets the focus."""
    page = render_template(
        "clerk/pin.html",
        brand=parts().settings.brand_name,
        clerk=clerk(),
        till=till(),
        fault=fault,
        at=at,
        longest=LONGEST,
    )
    return make_response(page, status)


def _sentence(refusal: CurrentPasswordWrong | PinTooWeak | TooMany) -> str:
    if isinstance(refusal, TooMany):
        return t("sign_in.too_many", minutes=minutes_left(refusal))
    if isinstance(refusal, PinTooWeak):
        return t("pin.too_weak")
    return t("password.wrong", former=t("password.current"))
