"""Signing in to the back office, out of it, and who one is there."""

from typing import Any

from flask import Response, request
from flask_smorest import Blueprint
from marshmallow import fields

from app import clock
from app.staff.sign_in import sign_in, sign_out
from office_api.guard import STAFF, me, require_staff
from office_api.people import GrantSchema, dump_grants
from web.answers import answer, nothing
from web.guards import guarded, opened
from web.parts import parts
from web.schemas import Strict, text

open_blueprint = Blueprint("office_login", __name__, url_prefix="/office/v1", description="The back office")
opened(open_blueprint, "who signs in has no token yet; wrong passwords are throttled")
blueprint = Blueprint("office_session", __name__, url_prefix="/office/v1", description="The back office")
guarded(blueprint, require_staff)


class SignInSchema(Strict):
    login = text(40, required=True)
    password = text(128, required=True)


class SignedInSchema(Strict):
    token = fields.String(required=True)
    expires_at = fields.AwareDateTime(required=True)


@open_blueprint.post("/login")
@open_blueprint.arguments(SignInSchema())
@open_blueprint.response(200, SignedInSchema())
def login(arguments: dict[str, Any]) -> Response:
    """A token for the back office, for login and password."""
    opened_session = sign_in(
        login=arguments["login"],
        password=arguments["password"],
        terminal=None,
        address=request.remote_addr or "",
        throttle=parts().throttle,
        now=clock.now(),
    )
    return answer({"token": opened_session.token, "expires_at": opened_session.expires_at})


@blueprint.post("/logout")
@blueprint.response(204)
@blueprint.doc(security=STAFF)
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
    return answer({"staff_no": me().staff_no, "name": me().name, "grants": dump_grants(me().grants)})
