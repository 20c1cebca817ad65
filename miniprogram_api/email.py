"""The member's e-mail address, and the code that confirms it."""

from typing import Any

from flask import Response
from marshmallow import fields, validate

from app import clock
from app.members import emails
from app.messages.email_code import ask
from app.messages.models import EMAIL
from miniprogram_api.guard import MEMBER, me, require_member
from web.answers import answer, nothing
from web.api import Blueprint
from web.guards import guarded
from web.parts import parts
from web.schemas import Strict, text

blueprint = Blueprint("email", __name__, url_prefix="/api/v1/me", description="The member's own record")
guarded(blueprint, require_member)


class EmailSchema(Strict):
    email = fields.String(required=True, metadata={"description": "masked"})
    confirmed = fields.Boolean(required=True)


class EmailAddressSchema(Strict):
    email = text(254, required=True)


class EmailCodeSchema(Strict):
    code = fields.String(
        required=True, validate=validate.Regexp(r"\A[0-9]{6}\Z", error="Must be six digits.")
    )


@blueprint.get("/email")
@blueprint.response(200, EmailSchema())
@blueprint.doc(security=MEMBER)
def show() -> Response:
    """The address; 404 when there is none."""
    return answer(_dump(emails.of_member(member_id=me().id, vault=parts().phones)))


@blueprint.post("/email")
@blueprint.arguments(EmailAddressSchema())
@blueprint.response(200, EmailSchema())
@blueprint.doc(security=MEMBER)
def give(arguments: dict[str, Any]) -> Response:
    """Keep this address in place of any other, and send a code of six digits there, good for half an hour."""
    here = parts()
    asked = ask(
        member_id=me().id,
        address=arguments["email"],
        channel=here.outlets[EMAIL].channel,
        brand=here.settings.brand_name,
        vault=here.phones,
        throttle=here.throttle,
        now=clock.now(),
    )
    return answer(_dump(asked))


@blueprint.post("/email/confirm")
@blueprint.arguments(EmailCodeSchema())
@blueprint.response(200, EmailSchema())
@blueprint.doc(security=MEMBER)
def confirm(arguments: dict[str, Any]) -> Response:
    """The code of the last letter; after five wrong ones only another letter helps."""
    confirmed = emails.confirm(
        member_id=me().id, code=arguments["code"], vault=parts().phones, now=clock.now()
    )
    return answer(_dump(confirmed))


@blueprint.delete("/email")
@blueprint.response(204)
@blueprint.doc(security=MEMBER)
def remove() -> Response:
    """Forget the address."""
    emails.remove(member_id=me().id, now=clock.now())
    return nothing()


def _dump(email: emails.Email) -> dict[str, Any]:
    return {"email": email.address, "confirmed": email.confirmed}
