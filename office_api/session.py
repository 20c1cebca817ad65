"""Signing in to the back office, out of it, and who one is there."""

from typing import Any

from flask import Response, request
from marshmallow import fields, validate

from app import clock
from app.staff.own_password import change_own_password
from app.staff.pins import set_own_pin
from app.staff.sign_in import sign_in, sign_out
from office_api.guard import STAFF, me, require_staff, require_token
from office_api.people import GrantSchema, codes_in, dump_grants
from web.answers import answer, nothing
from web.api import Blueprint
from web.devices import known_device, remember_device
from web.guards import guarded, opened
from web.parts import parts
from web.schemas import Strict, password, text

open_blueprint = Blueprint("office_login", __name__, url_prefix="/office/v1", description="Signing in")
opened(open_blueprint, "who signs in has no token yet; wrong passwords are throttled")
blueprint = Blueprint("office_session", __name__, url_prefix="/office/v1", description="Signing in")
guarded(blueprint, require_staff)
account_blueprint = Blueprint(
    "office_account", __name__, url_prefix="/office/v1", description="One's own password"
)
guarded(account_blueprint, require_token)


class SignInSchema(Strict):
    login = text(40, required=True)
    password = password(required=True)


class SignedInSchema(Strict):
    token = fields.String(required=True)
    expires_at = fields.AwareDateTime(required=True)
    password_change_required = fields.Boolean(
        required=True,
        metadata={"description": "true: the token is good for changing the password and signing out"},
    )


@open_blueprint.post("/login")
@open_blueprint.arguments(SignInSchema())
@open_blueprint.response(200, SignedInSchema())
def login(arguments: dict[str, Any]) -> Response:
    """A token for the back office, for login and password.

    A browser keeps a cookie that counts its wrong passwords apart from those of others at its address. 403
    `temporary_password_expired` for a temporary password that was not changed in time.
    """
    opened_session = sign_in(
        login=arguments["login"],
        password=arguments["password"],
        terminal=None,
        address=request.remote_addr or "",
        device=known_device(arguments["login"]),
        throttle=parts().throttle,
        now=clock.now(),
    )
    response = answer(
        {
            "token": opened_session.token,
            "expires_at": opened_session.expires_at,
            "password_change_required": opened_session.must_change_password,
        }
    )
    remember_device(response, arguments["login"])
    return response


@account_blueprint.post("/logout")
@account_blueprint.response(204)
@account_blueprint.doc(security=STAFF)
def logout() -> Response:
    """End this token."""
    sign_out(me(), now=clock.now())
    return nothing()


class WhoSchema(Strict):
    staff_no = fields.String(required=True)
    name = fields.String(required=True)
    grants = fields.List(fields.Nested(GrantSchema()), required=True)


@blueprint.get("/me")
@blueprint.response(200, WhoSchema())
@blueprint.doc(security=STAFF)
def who() -> Response:
    """The caller and their roles."""
    person = me()
    grants = dump_grants(person.grants, codes_in(person.grants))
    return answer({"staff_no": person.staff_no, "name": person.name, "grants": grants})


class OwnPasswordSchema(Strict):
    current = password(required=True)
    new = password(required=True)


@account_blueprint.post("/me/password")
@account_blueprint.arguments(OwnPasswordSchema())
@account_blueprint.response(204)
@account_blueprint.doc(security=STAFF)
def change_password(arguments: dict[str, Any]) -> Response:
    """Change one's own password, the temporary one too; all other sessions end."""
    change_own_password(person=me(), **arguments, throttle=parts().throttle, now=clock.now())
    return nothing()


class OwnPinSchema(Strict):
    password = password(required=True)
    pin = fields.String(
        required=True, validate=validate.Length(1, 16), metadata={"description": "six digits, not too simple"}
    )


@blueprint.post("/me/pin")
@blueprint.arguments(OwnPinSchema())
@blueprint.response(204)
@blueprint.doc(security=STAFF)
def set_pin(arguments: dict[str, Any]) -> Response:
    """Set one's own PIN for registers, in place of a former one; takes the password as well."""
    set_own_pin(person=me(), **arguments, throttle=parts().throttle, now=clock.now())
    return nothing()
