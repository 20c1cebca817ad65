"""Before there is a token: what the mini-program must know to begin, and logging in."""

from datetime import datetime
from functools import partial
from typing import Any, get_args

from flask import Response, request
from marshmallow import fields, validate

from app import clock
from app.engagement.referral_join import Outcome, arrived
from app.identity.login import Welcome, log_in
from app.members.phones import PhoneVault
from app.throttle import Limit, network_of
from app.tiers.profile import profile
from miniprogram_api.me import MeSchema, dump_profile
from web.answers import answer
from web.api import Blueprint
from web.guards import opened
from web.idempotency import IDEMPOTENCY_KEY, idempotency_key
from web.language import language
from web.parts import parts
from web.schemas import Strict, text

blueprint = Blueprint("entry", __name__, url_prefix="/api/v1", description="Before there is a token")
opened(blueprint, "who logs in has no token yet; logging in is throttled and needs a code of the chat app")

PER_ADDRESS = Limit("login_address", 60, 60)


class SubscribeTemplateSchema(Strict):
    kind = fields.String(required=True)
    template_id = fields.String(required=True)


class ConfigSchema(Strict):
    brand = fields.String(required=True)
    policy_version = fields.String(required=True)
    policy_url = fields.String(required=True, allow_none=True)
    subscribe_templates = fields.List(fields.Nested(SubscribeTemplateSchema), required=True)


@blueprint.get("/config")
@blueprint.response(200, ConfigSchema())
def config() -> Response:
    """Brand, consent text and message templates."""
    settings = parts().settings
    template = settings.wechat_receipt_template
    return answer(
        {
            "brand": settings.brand_name,
            "policy_version": settings.policy_version,
            "policy_url": settings.policy_url,
            "subscribe_templates": [{"kind": "receipt", "template_id": template}] if template else [],
        }
    )


class ConsentSchema(Strict):
    policy_version = text(32, required=True)


class LoginSchema(Strict):
    provider = text(32, required=True)
    code = text(4096, required=True)
    consent = fields.Nested(ConsentSchema(), load_default=None)
    invite = text(
        64,
        0,
        load_default=None,
        metadata={"description": "a friend's code; one that leads nowhere keeps nobody from joining"},
    )
    device = text(
        200,
        load_default=None,
        metadata={"description": "by which an app knows the device, if it does; only a keyed hash is kept"},
    )


class LoggedInSchema(Strict):
    token = fields.String(required=True)
    expires_at = fields.AwareDateTime(required=True)
    created = fields.Boolean(required=True)
    consent_current = fields.Boolean(required=True)
    member = fields.Nested(MeSchema(), required=True)
    invite = fields.String(
        required=True,
        allow_none=True,
        validate=validate.OneOf(get_args(Outcome)),
        metadata={"description": "what became of `invite`; null: there was none"},
    )


def _welcome(invite: str | None, device: str | None, vault: PhoneVault, now: datetime) -> Welcome | None:
    if invite is None and device is None:
        return None
    return partial(arrived, invite=invite, device=None if device is None else vault.device(device), now=now)


@blueprint.post("/login")
@blueprint.arguments(LoginSchema())
@blueprint.response(200, LoggedInSchema())
@blueprint.doc(parameters=[IDEMPOTENCY_KEY])
def login(arguments: dict[str, Any]) -> Response:
    """Log in with a chat app's code, or join.

    409 `consent_required` for somebody new: show the text, then send the same code with `consent`. Repeating a
    request with its key after a lost answer gives a new token and ends the former one.
    """
    now, here = clock.now(), parts()
    here.throttle.hit(PER_ADDRESS, network_of(request.remote_addr))
    logged_in = log_in(
        platforms=here.platforms,
        provider=arguments["provider"],
        code=arguments["code"],
        consent=arguments["consent"] and arguments["consent"]["policy_version"],
        key=idempotency_key(),
        language=language(),
        terms=here.terms,
        now=now,
        vault=here.phones,
        welcome=_welcome(arguments["invite"], arguments["device"], here.phones, now),
    )
    return answer(
        {
            "token": logged_in.token,
            "expires_at": logged_in.expires_at,
            "created": logged_in.created,
            "consent_current": logged_in.consent_current,
            "invite": logged_in.invite,
            "member": dump_profile(profile(member_id=logged_in.member_id, vault=here.phones, now=now)),
        }
    )
