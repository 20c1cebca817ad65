"""What every session at a till may do, that of a temporary password too: change the password, sign out."""

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from app import clock
from app.errors import DomainError, TooMany
from app.staff.own_password import CurrentPasswordWrong, PasswordUnchanged, change_own_password
from app.staff.passwords import LONGEST, SHORTEST, PasswordTooWeak
from app.staff.sign_in import sign_out
from consoles.clerk.guard import clerk, drop_session, require_session, till
from consoles.clerk.refusals import answer_with_screens, minutes_left
from consoles.pages import as_pages
from consoles.texts import t
from web.errors import status_of
from web.guards import guarded
from web.parts import parts

blueprint = Blueprint("clerk_account", __name__, url_prefix="/till")
as_pages(blueprint)
answer_with_screens(blueprint)
guarded(blueprint, require_session)


@blueprint.get("/password")
def page() -> Response:
    """The form for a new password."""
    return _form()


@blueprint.post("/password")
def change() -> Response:
    """Set the new password and go on to the till."""
    current, new = request.form.get("current", ""), request.form.get("new", "")
    if new != request.form.get("again", ""):
        return _form(t("password.differ"), "new", 422)
    try:
        change_own_password(
            person=clerk(), current=current[:200], new=new[:200], throttle=parts().throttle, now=clock.now()
        )
    except (CurrentPasswordWrong, PasswordUnchanged, PasswordTooWeak, TooMany) as refusal:
        at = "new" if isinstance(refusal, PasswordUnchanged | PasswordTooWeak) else "current"
        return _form(_sentence(refusal), at, int(status_of(refusal)))
    return make_response(redirect(url_for("clerk_till.page"), 303))


@blueprint.post("/sign-out")
def leave() -> Response:
    """End the session."""
    sign_out(clerk(), now=clock.now())
    response = make_response(redirect(url_for("clerk_sign_in.page"), 303))
    drop_session(response)
    return response


def _form(fault: str | None = None, at: str | None = None, status: int = 200) -> Response:
    """`at` names the field at fault, which gets the focus."""
    page = render_template(
        "clerk/password.html",
        brand=parts().settings.brand_name,
        clerk=clerk(),
        till=till(),
        former=_former(),
        fault=fault,
        at=at,
        shortest=SHORTEST,
        longest=LONGEST,
    )
    return make_response(page, status)


def _former() -> str:
    """What the password is called that is to be replaced."""
    return t("password.temporary") if clerk().must_change_password else t("password.current")


def _sentence(refusal: DomainError) -> str:
    if isinstance(refusal, TooMany):
        return t("sign_in.too_many", minutes=minutes_left(refusal))
    if isinstance(refusal, CurrentPasswordWrong):
        return t("password.wrong", former=_former())
    if isinstance(refusal, PasswordUnchanged):
        return t("password.unchanged", former=_former())
    return t("password.too_weak")
