"""The member's own record."""

from typing import Any, cast

from flask import Response
from marshmallow import fields, validate

from app import clock, withdrawal
from app.identity import consent
from app.identity.phone import bind_wechat_phone
from app.identity.sessions import log_out
from app.members.profile import Changes
from app.messages.preferences import edit as edit_record
from app.tiers.profile import Profile, profile
from miniprogram_api.guard import MEMBER, me, require_member, scope
from web.answers import answer, nothing
from web.api import Blueprint
from web.guards import guarded
from web.idempotency import IDEMPOTENCY_KEY, keyed
from web.language import LANGUAGES
from web.parts import parts
from web.schemas import Strict, flag, text
from web.tiers import TierSchema, dump_tier

blueprint = Blueprint("me", __name__, url_prefix="/api/v1", description="The member's own record")
guarded(blueprint, require_member)


class HomeStoreSchema(Strict):
    store = fields.String(required=True)
    name = fields.String(required=True)


class MeSchema(Strict):
    member_no = fields.String(required=True)
    name = fields.String(required=True)
    language = fields.String(required=True, validate=validate.OneOf(LANGUAGES))
    birthday = fields.Date(required=True, allow_none=True)
    marketing_opt_out = fields.Boolean(required=True)
    phone = fields.String(required=True, allow_none=True, metadata={"description": "masked"})
    tier = fields.Nested(TierSchema(), required=True)
    points = fields.Integer(required=True)
    balance_fen = fields.Integer(required=True)
    joined_on = fields.Date(required=True)
    home_store = fields.Nested(
        HomeStoreSchema(),
        required=True,
        allow_none=True,
        metadata={"description": "the store of the first purchase, until the member names another"},
    )


def dump_profile(profile: Profile) -> dict[str, Any]:
    home = profile.home_store
    return {
        "member_no": profile.member_no,
        "name": profile.name,
        "language": profile.language,
        "birthday": profile.birthday,
        "marketing_opt_out": profile.marketing_opt_out,
        "phone": profile.phone,
        "tier": dump_tier(profile.tier),
        "points": profile.points,
        "balance_fen": profile.balance_fen,
        "joined_on": profile.joined_on,
        "home_store": home and {"store": home.code, "name": home.name},
    }


@blueprint.get("/me")
@blueprint.response(200, MeSchema())
@blueprint.doc(security=MEMBER)
def show() -> Response:
    """Name, tier, points, balance."""
    return answer(dump_profile(profile(member_id=me().id, vault=parts().phones, now=clock.now())))


class ChangesSchema(Strict):
    name = fields.String(
        validate=validate.Length(max=200),
        metadata={
            "description": "at most 32 characters after what cannot be seen is dropped; empty clears it"
        },
    )
    birthday = fields.Date()
    language = fields.String(validate=validate.OneOf(LANGUAGES))
    marketing_opt_out = flag()
    home_store = text(32, metadata={"description": "code of a store that is open; 404 for any other"})


# POST as well: the mini-program's own request function knows no PATCH.
@blueprint.patch("/me")
@blueprint.post("/me")
@blueprint.arguments(ChangesSchema())
@blueprint.response(200, MeSchema())
@blueprint.doc(security=MEMBER)
def edit(arguments: dict[str, Any]) -> Response:
    """Change name, birthday (once), language, home store, or refuse marketing messages."""
    now = clock.now()
    opt_out = arguments.pop("marketing_opt_out", None)
    edit_record(member_id=me().id, changes=cast(Changes, arguments), marketing_opt_out=opt_out, now=now)
    return answer(dump_profile(profile(member_id=me().id, vault=parts().phones, now=now)))


class PhoneCodeSchema(Strict):
    code = text(128, required=True)


class PhoneSchema(Strict):
    phone = fields.String(required=True, metadata={"description": "masked"})


@blueprint.post("/me/phone")
@blueprint.arguments(PhoneCodeSchema())
@blueprint.response(200, PhoneSchema())
@blueprint.doc(security=MEMBER, parameters=[IDEMPOTENCY_KEY])
def bind_phone(arguments: dict[str, Any]) -> Response:
    """Bind the phone number behind WeChat's phone code."""
    here = parts()
    bound = bind_wechat_phone(
        member_id=me().id,
        code=arguments["code"],
        request=keyed(scope()),
        client=here.wechat,
        vault=here.phones,
        throttle=here.throttle,
        now=clock.now(),
    )
    return answer({"phone": bound.phone})


class AgreementSchema(Strict):
    policy_version = text(32, required=True)


@blueprint.post("/me/consent")
@blueprint.arguments(AgreementSchema())
@blueprint.response(204)
@blueprint.doc(security=MEMBER)
def agree(arguments: dict[str, Any]) -> Response:
    """Agree to the newer text, when login said that `consent_current` is false.

    409 `policy_not_current` (with `policy_version`) for any other text than the one that holds.
    """
    consent.give(
        member_id=me().id,
        policy_version=arguments["policy_version"],
        current_version=parts().terms.policy_version,
        now=clock.now(),
    )
    return nothing()


@blueprint.delete("/me/consent")
@blueprint.response(204)
@blueprint.doc(security=MEMBER)
def withdraw() -> Response:
    """Take consent back. Points and balance stay.

    Codes, open scans and messages stop at once, every phone is signed out, and logging in asks for consent again.
    """
    withdrawal.withdraw(member_id=me().id, now=clock.now())
    return nothing()


@blueprint.post("/logout")
@blueprint.response(204)
@blueprint.doc(security=MEMBER)
def logout() -> Response:
    """End this token."""
    log_out(me(), now=clock.now())
    return nothing()
